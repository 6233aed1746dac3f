"""What commands ask of the database as a whole."""

from typing import Any

from services.store.connect import Conn

VERDICTS = ("accepted", "flagged", "quarantined", "rejected")

COUNTS = """
SELECT consumer, name, sum(value::bigint)::bigint AS total
FROM progress, jsonb_each_text(counts) AS each (name, value)
GROUP BY consumer, name
"""
ALERTS = "SELECT count(*) FROM alert"
EVENTS = "SELECT last FROM feed"


async def status_counts(conn: Conn) -> dict[str, Any]:
    """The counts of `roadwatch status`: exact and cheap, since each consumer keeps its own with its progress."""
    counted: dict[tuple[str, str], int] = {
        (row["consumer"], row["name"]): row["total"] for row in await conn.fetch(COUNTS)
    }
    verdicts = {name: counted.get(("ingest", name), 0) for name in VERDICTS}
    return {
        "reports": {"received": sum(verdicts.values()), **verdicts},
        "history": {"fixes": counted.get(("recorder", "fixes"), 0)},
        "alerts": await conn.fetchval(ALERTS),
        "events": await conn.fetchval(EVENTS),
    }
