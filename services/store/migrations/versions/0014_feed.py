"""Messages of webhooks have a number that counts for each endpoint, and what carries no event is found whatever its type."""

import sqlalchemy as sa
from alembic import op

revision = "0014_feed"
down_revision = "0005_guard"
branch_labels = None
depends_on = None

NUMBER = """
UPDATE webhook_message m SET number = counted.number
FROM (SELECT id, row_number() OVER (PARTITION BY endpoint ORDER BY seq, id) AS number FROM webhook_message WHERE seq > 0) AS counted
WHERE counted.id = m.id
"""
COUNT = """
UPDATE webhook_endpoint e SET numbered = counted.n
FROM (SELECT endpoint, count(*) AS n FROM webhook_message WHERE seq > 0 GROUP BY endpoint) AS counted WHERE counted.endpoint = e.id
"""


def upgrade() -> None:
    """Messages that are there get their numbers in the order of the feed."""
    op.add_column(
        "webhook_endpoint", sa.Column("numbered", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("webhook_message", sa.Column("number", sa.BigInteger(), nullable=True))
    op.execute(NUMBER)
    op.execute(COUNT)
    op.drop_index("webhook_message_ping", "webhook_message")
    op.create_index(
        "webhook_message_eventless",
        "webhook_message",
        ["endpoint", "created_at"],
        postgresql_where=sa.text("seq = 0"),
    )


def downgrade() -> None:
    """Forget the numbers."""
    op.drop_index("webhook_message_eventless", "webhook_message")
    op.create_index(
        "webhook_message_ping",
        "webhook_message",
        ["endpoint"],
        postgresql_where=sa.text("state = 'waiting' AND type = 'endpoint.ping'"),
    )
    op.drop_column("webhook_message", "number")
    op.drop_column("webhook_endpoint", "numbered")
