"""What the api asks of the database about the system itself; cheap, whatever the history's size."""

from dataclasses import dataclass

import asyncpg

from services.store.connect import Conn
from services.store.webhook_queue import queue

PROGRESS = "SELECT consumer, partition, next_offset, counts, owner, claimed_at FROM progress ORDER BY consumer, partition"
BYTES = "SELECT pg_database_size(current_database())"
JOBS = "SELECT state, count(*) AS many FROM job WHERE state IN ('waiting', 'running') GROUP BY state"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Webhook messages that wait and since when (Unix ms; None: none), jobs by state."""

    messages: int
    oldest_ms: int | None
    jobs: dict[str, int]


async def progress(conn: Conn) -> list[asyncpg.Record]:
    """Every consumer's place in every partition, and what it has counted there."""
    return await conn.fetch(PROGRESS)


async def database_bytes(conn: Conn) -> int:
    """Size of the database on disk."""
    size: int = await conn.fetchval(BYTES)
    return size


async def waiting(conn: Conn) -> Waiting:
    """What waits to be done."""
    messages, oldest = await queue(conn)
    jobs = {row["state"]: row["many"] for row in await conn.fetch(JOBS)}
    return Waiting(messages, None if oldest is None else int(oldest.timestamp() * 1000), jobs)
