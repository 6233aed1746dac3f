"""History: positions written by binary COPY into day partitions, and read back in event-time order.

Rows go straight into the day's table, not through the parent: no row is routed, and making a new day's table never waits for a reader of
the others. Exactly once is the caller's: `copy_fixes` runs in the transaction that advances the progress row.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import numpy as np
from numpy.typing import NDArray

from services.contracts.fix import Fixes
from services.contracts.reasons import PLACE_UNUSABLE
from services.store.connect import Conn
from services.store.fix_rows import NAMES, copy_stream
from services.store.times import EPOCH, to_ms, to_time

DAY_MS = 24 * 3600 * 1000
DAYS_LOCK = 0x52770003  # advisory lock: day tables are made by one at a time
COPY_TIMEOUT_S = 60.0
TRACK_ROWS_AT_ONCE = 2000

LOCK = "SELECT pg_advisory_xact_lock($1)"
DAYS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'fix'::regclass
"""
MAKE_DAY = """
CREATE TABLE {table} (LIKE fix INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
                      CONSTRAINT {table}_day CHECK (at >= '{first}' AND at < '{end}'))
"""
ATTACH_DAY = "ALTER TABLE fix ATTACH PARTITION {table} FOR VALUES FROM ('{first}') TO ('{end}')"
DROP_CHECK = "ALTER TABLE {table} DROP CONSTRAINT {table}_day"
TRACK = """
SELECT DISTINCT ON (at) at, received, ST_X(position) AS lon, ST_Y(position) AS lat, speed, recorder_speed, heading, altitude_m,
       odometer_m, driver, alarms, status, flags, source_partition, raw_offset
FROM fix WHERE vehicle = $1 AND at >= $2 AND at < $3
ORDER BY at, received, source_partition, raw_offset
"""
LATEST = f"""
SELECT v.vehicle, f.at, ST_X(f.position) AS lon, ST_Y(f.position) AS lat, f.speed, f.recorder_speed, f.heading, f.status, f.flags
FROM unnest($1::int[]) AS v (vehicle)
CROSS JOIN LATERAL (
    SELECT * FROM fix WHERE fix.vehicle = v.vehicle AND fix.at >= $2 AND flags & {PLACE_UNUSABLE} = 0
    ORDER BY fix.at DESC, received, source_partition, raw_offset LIMIT 1
) AS f
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One position of a track. Units as in `contracts.fix`: speeds 0.1 km/h, heading degrees, altitude and odometer metres."""

    time_ms: int
    received_ms: int | None
    lon: float
    lat: float
    speed: int | None
    recorder_speed: int | None
    heading: int | None
    altitude_m: int | None
    odometer_m: int | None
    driver: int
    alarms: int
    status: int
    flags: int
    source_partition: int
    raw_offset: int


def day_of(time_ms: int) -> int:
    """Days since 1970 of a moment, UTC."""
    return time_ms // DAY_MS


def table_of(day: int) -> str:
    """Name of a day's table, `fix_20261123`."""
    return f"fix_{(EPOCH + timedelta(days=day)):%Y%m%d}"


def days_of(fixes: Fixes) -> list[int]:
    """The days that fixes fall on."""
    return [int(day) for day in np.unique(fixes["time_ms"] // DAY_MS)]


async def existing_days(conn: Conn) -> set[str]:
    """Names of the day tables there are."""
    return {row["relname"] for row in await conn.fetch(DAYS)}


async def make_days(conn: Conn, days: Iterable[int]) -> set[str]:
    """Make the tables of these days where they are missing, each committed at once; gives the names of all there are.

    Attaching takes no lock that a reader or a writer of other days would wait for. Call it outside a transaction.
    """
    there = await existing_days(conn)
    for day in sorted(set(days)):
        if table_of(day) in there:
            continue
        async with conn.transaction():
            await conn.execute(LOCK, DAYS_LOCK)
            if table_of(day) not in await existing_days(conn):
                await _make_day(conn, day)
        there.add(table_of(day))
    return there


async def _make_day(conn: Conn, day: int) -> None:
    first, end = (EPOCH + timedelta(days=at) for at in (day, day + 1))
    words = {"table": table_of(day), "first": first.isoformat(), "end": end.isoformat()}
    for statement in (MAKE_DAY, ATTACH_DAY, DROP_CHECK):
        await conn.execute(statement.format(**words))


async def copy_fixes(conn: Conn, source_partition: NDArray[np.int16] | int, fixes: Fixes) -> int:
    """Write fixes, one COPY a day; gives their number. The day tables must be there (`make_days`).

    `source_partition` is the partition of gps.raw of all of them, or of each. They go in by vehicle: neighbours in the table are neighbours
    in the index (measured: 1.4-1.8 times as fast as by partition), and a track is read from fewer pages.
    """
    order = np.argsort(fixes["vehicle"], kind="stable")
    fixes, sources = (
        fixes[order],
        np.broadcast_to(np.asarray(source_partition, np.int16), (len(fixes),))[order],
    )
    day = fixes["time_ms"] // DAY_MS
    for number in days_of(fixes):
        chosen = slice(None) if day[0] == number and (day == number).all() else day == number
        await conn.copy_to_table(
            table_of(number),
            source=stream(fixes[chosen], sources[chosen]),
            columns=NAMES,
            format="binary",
            timeout=COPY_TIMEOUT_S,
        )
    return len(fixes)


async def track(conn: Conn, vehicle: int, from_ms: int, to_ms: int) -> AsyncIterator[Point]:
    """A vehicle's positions from `from_ms` until before `to_ms` in event-time order, the first received of two at one moment.

    Read as it comes, a page at a time, in a transaction of its own.
    """
    async with conn.transaction(readonly=True):
        cursor = conn.cursor(TRACK, vehicle, to_time(from_ms), to_time(to_ms), prefetch=TRACK_ROWS_AT_ONCE)
        async for row in cursor:
            yield _point(row)


async def latest_positions(conn: Conn, vehicles: Sequence[int], since_ms: int) -> list[asyncpg.Record]:
    """The newest position of each vehicle since a moment: vehicle, at, lon, lat, speed, recorder_speed, heading, status, flags."""
    return await conn.fetch(LATEST, list(vehicles), to_time(since_ms))


async def stream(fixes: Fixes, sources: NDArray[np.int16]) -> AsyncIterator[bytes]:
    """`copy_stream` as the driver takes it.

    A source that raises can hang the driver's COPY if the message is longer than 9,995 bytes (MagicStack/asyncpg#1354); here nothing but
    want of memory can fail, whose message is short, and the COPY has a deadline.
    """
    for piece in copy_stream(fixes, sources):
        yield piece


def _point(row: asyncpg.Record) -> Point:
    at, received, *rest = row
    return Point(to_ms(at), to_ms(received), *rest)
