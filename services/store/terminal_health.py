"""A vehicle's newest fixes of a period, for what they tell of its terminal."""

import asyncpg

from services.contracts.fix import STATUS_SATELLITES_MASK, STATUS_SATELLITES_SHIFT
from services.contracts.reasons import FLAG_BITS, PLACE_UNUSABLE
from services.store.api_queries import in_full, rows_of
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_time
from services.store.ways import SEEN

BACKFILL = FLAG_BITS["BACKFILL"]
NEWEST = f"""
SELECT at, received, ST_X(position) AS lon, ST_Y(position) AS lat, coalesce(speed, recorder_speed, -1) AS speed, flags,
       (status & {STATUS_SATELLITES_MASK}) >> {STATUS_SATELLITES_SHIFT} AS satellites
FROM fix WHERE vehicle = $1 AND at >= $2 AND at < $3 AND flags & {PLACE_UNUSABLE} = 0 AND {SEEN}
ORDER BY at DESC, received DESC, source_partition, raw_offset LIMIT $4
"""


async def newest(
    conn: Conn, view: View, vehicle: int, period: tuple[int, int], most: int
) -> list[asyncpg.Record]:
    """At most so many fixes of a period (Unix ms, half-open), the newest first; satellites as packed."""
    from_ms, until_ms = map(to_time, period)
    return await conn.fetch(NEWEST, vehicle, from_ms, until_ms, most, not in_full(view), *rows_of(view))
