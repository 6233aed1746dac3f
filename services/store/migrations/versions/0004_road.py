"""Each partition's progress says by which config version its owner decides, so that an import can tell when it is in force."""

import sqlalchemy as sa
from alembic import op

revision = "0004_road"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; workers of before leave it at 0."""
    op.add_column("progress", sa.Column("config_version", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Nothing else reads it."""
    op.drop_column("progress", "config_version")
