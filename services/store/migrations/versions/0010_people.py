"""The audit names the credential of each row; wrong tries to sign in are counted by the login as typed, whether it exists or not.

Rows of the audit that stand keep format 1, whose hash does not know credentials; new ones say that they are of format 2. Locks that are in force
go over, counts of fewer tries begin anew.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0004_road"
branch_labels = None
depends_on = None

ROLE = "roadwatch_api"
ID = sa.Text(collation="C")
TIME = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.add_column("audit", sa.Column("format", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("audit", sa.Column("credential", sa.Text(), nullable=True))
    op.add_column("audit", sa.Column("credential_id", ID, nullable=True))
    op.create_index(
        "audit_credential",
        "audit",
        ["credential_id", "at"],
        postgresql_where=sa.text("credential_id IS NOT NULL"),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("login_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("locked_until", TIME),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_index("sign_in_failure_at", "sign_in_failure", ["at"])
    op.execute(
        "INSERT INTO sign_in_failure (login_hash, tries, locked_until, at) "
        "SELECT sha256(convert_to(login, 'UTF8')), failures, locked_until, now() FROM account WHERE locked_until > now()"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_failure TO {ROLE}")
    op.drop_column("account", "failures")
    op.drop_column("account", "locked_until")


def downgrade() -> None:
    """Rows of format 2 stay, and cannot be proven by code that knows format 1 alone."""
    op.add_column("account", sa.Column("locked_until", TIME, nullable=True))
    op.add_column("account", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.drop_table("sign_in_failure")
    op.drop_index("audit_credential", "audit")
    for column in ("credential_id", "credential", "format"):
        op.drop_column("audit", column)
