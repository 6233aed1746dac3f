"""Zones by day: days of the week, dates on which a zone holds, and dates on which it does not."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_engine"
down_revision = "0010"
branch_labels = None
depends_on = None

BY_DAY = ("days", "dates", "except_dates")


def upgrade() -> None:
    """Zones of before hold on every day."""
    for name in BY_DAY:
        op.add_column(
            "zone",
            sa.Column(name, postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")),
        )


def downgrade() -> None:
    """Forget the days."""
    for name in reversed(BY_DAY):
        op.drop_column("zone", name)
