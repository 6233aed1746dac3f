"""Putting many reports into `gps.raw` and waiting until services have had them."""

import asyncio
from collections.abc import Sequence

from services.contracts.topics import RAW
from services.runtime.clock import monotonic_s
from services.runtime.kafka import Producer, end_offsets
from services.runtime.settings import Settings
from services.store import connect, progress

AT_ONCE = 10_000
PATIENCE_S = 300.0


class NotDone(RuntimeError):
    """The services did not get through the reports in time."""


async def preload(settings: Settings, records: Sequence[tuple[bytes, bytes]], times: int = 1) -> int:
    """Send all records, `times` over; returns how many."""
    async with Producer(settings, "bench") as producer:
        for _ in range(times):
            for start in range(0, len(records), AT_ONCE):
                await producer.send_many(RAW, records[start : start + AT_ONCE])
    return times * len(records)


async def counted(conn: connect.Conn, consumer: str, names: Sequence[str]) -> int:
    """Sum of some counts of a consumer's progress."""
    rows = await progress.read_all(conn, consumer)
    return sum(row.counts.get(name, 0) for row in rows for name in names)


async def wait_until(settings: Settings, received: int, consumers: Sequence[str]) -> float:
    """Seconds until ingest has received so many and the other consumers have had everything ingest made.

    Raises:
        NotDone: it takes too long.
    """
    begun_s = monotonic_s()
    conn = await connect.connection(settings.database_url)
    try:
        while monotonic_s() - begun_s < PATIENCE_S:
            had = await counted(conn, "ingest", ("accepted", "flagged", "quarantined", "rejected"))
            if had >= received and await _caught_up(conn, settings, consumers):
                return monotonic_s() - begun_s
            await asyncio.sleep(0.1)
    finally:
        await conn.close()
    raise NotDone(f"{had} of {received} reports received after {PATIENCE_S:.0f} s")


async def _caught_up(conn: connect.Conn, settings: Settings, consumers: Sequence[str]) -> bool:
    ends = await end_offsets(settings, "fixes")
    for consumer in consumers:
        rows = {row.partition: row.next_offset for row in await progress.read_all(conn, consumer)}
        if any(rows.get(partition, 0) < end for partition, end in ends.items()):
            return False
    return True
