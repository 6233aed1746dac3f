"""A vehicle's fixes for trips, stops and mileage, and the nearest fixes outside a period; positions that were not fixed are left out."""

import asyncpg

from services.contracts.reasons import NOT_FIXED
from services.store.api_queries import first_of_moments, in_full, rows_of
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_ms, to_time

SEEN = """
(NOT $5 OR EXISTS (
    SELECT 1 FROM registration r JOIN operator o ON o.id = r.operator_id
    WHERE r.vehicle_id = $1 AND (r.valid_from IS NULL OR r.valid_from <= fix.at) AND (r.valid_to IS NULL OR fix.at < r.valid_to)
      AND ($6::text[] IS NULL OR r.division = ANY ($6))
      AND ($7::text[] IS NULL OR o.name = ANY ($7))
      AND ($8::text[] IS NULL OR r.vehicle_class = ANY ($8))))
"""
COLUMNS = "at, ST_X(position) AS lon, ST_Y(position) AS lat, coalesce(speed, recorder_speed, -1) AS speed, coalesce(odometer_m, -1) AS odometer_m"
WAY = f"""
SELECT {COLUMNS} FROM fix
WHERE vehicle = $1 AND at > $2 AND at < $3 AND flags & {NOT_FIXED} = 0 AND {SEEN}
ORDER BY at, received, source_partition, raw_offset LIMIT $4
"""
BEFORE = f"""
SELECT {COLUMNS} FROM fix WHERE vehicle = $1 AND at < $2 AND at >= $3 AND flags & {NOT_FIXED} = 0 AND {SEEN}
ORDER BY at DESC, received, source_partition, raw_offset LIMIT $4
"""
AFTER = f"""
SELECT {COLUMNS} FROM fix WHERE vehicle = $1 AND at >= $2 AND at < $3 AND flags & {NOT_FIXED} = 0 AND {SEEN}
ORDER BY at, received, source_partition, raw_offset LIMIT $4
"""
SEARCHED_MS = 31 * 24 * 3_600_000
"""The nearest fix is looked for so far away."""


async def page(
    conn: Conn, view: View, vehicle: int, after_ms: int, until_ms: int, limit: int
) -> tuple[list[asyncpg.Record], bool]:
    """Fixes later than `after_ms` and before `until_ms`, the first received of two at one moment; whether there may be more.

    Each has at, lon, lat, speed (0.1 km/h), odometer_m.
    """
    rows = await conn.fetch(
        WAY, vehicle, to_time(after_ms), to_time(until_ms), limit, not in_full(view), *rows_of(view)
    )
    return first_of_moments(rows), len(rows) == limit


async def before(conn: Conn, view: View, vehicle: int, at_ms: int) -> asyncpg.Record | None:
    """The last fix before a moment, within 31 days."""
    bounds = to_time(at_ms), to_time(at_ms - SEARCHED_MS)
    return await conn.fetchrow(BEFORE, vehicle, *bounds, 1, not in_full(view), *rows_of(view))


async def after(conn: Conn, view: View, vehicle: int, at_ms: int) -> asyncpg.Record | None:
    """The first fix from a moment on, within 31 days."""
    bounds = to_time(at_ms), to_time(at_ms + SEARCHED_MS)
    return await conn.fetchrow(AFTER, vehicle, *bounds, 1, not in_full(view), *rows_of(view))


def moment(row: asyncpg.Record | None) -> int | None:
    """Its time, Unix ms."""
    return None if row is None else to_ms(row["at"])
