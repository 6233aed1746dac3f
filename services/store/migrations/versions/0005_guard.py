"""One row that says whether too much is being kept out, and whether ingest has stopped taking more for it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_guard"
down_revision = "0012_engine"
branch_labels = None
depends_on = None

ROLE = "roadwatch_api"


def upgrade() -> None:
    """Make the table with its row."""
    op.create_table(
        "ingest_guard",
        sa.Column("id", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), server_default="quiet", nullable=False),
        sa.Column("armed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reports", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kept_out", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reasons", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("config_version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name="ingest_guard_one_row"),
        sa.CheckConstraint("state IN ('quiet', 'over', 'held')", name="ingest_guard_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO ingest_guard DEFAULT VALUES")
    op.execute(f"GRANT SELECT ON ingest_guard TO {ROLE}")


def downgrade() -> None:
    """Nothing else reads it."""
    op.drop_table("ingest_guard")
