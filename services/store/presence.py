"""Who was in an area during a period: fixes inside, and legs between two consecutive fixes that cross it; exact over the rows in view.

Two statements. NEAR takes the blocks of the period (`fix_at`, a BRIN), in parallel and without putting anything in order, and gives for each
vehicle its fixes inside and the time it was near: in a box wider than the area by half the longest leg that counts, since of such a leg that
crosses the area one end is as near as that. CROSSING puts the fixes of those that were near and never inside in order, by the index on
(vehicle, at), and judges their legs; so a leg is always one of consecutive fixes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.contracts.reasons import NOT_FIXED
from services.store.api_queries import prefixes, rows_of
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_time

FASTEST_M_S = 160 / 3.6
"""Faster than any vehicle watched here goes; a leg that would need more is no way anybody took."""
SLACK_M = 200.0
"""Added to what a leg may be long: the error of two positions."""
ORDER = "at, coalesce(received, 'infinity'), source_partition, raw_offset"

POLYGON = """
SELECT ST_AsBinary(g) AS area, ST_IsValid(g) AS valid, ST_Area(g::geography, false) / 1e6 AS km2,
       ST_XMin(g) AS west, ST_YMin(g) AS south, ST_XMax(g) AS east, ST_YMax(g) AS north
FROM (SELECT ST_GeomFromText($1, 4326) AS g) AS given
"""
STRETCH = """
SELECT ST_AsBinary(g) AS area, ST_IsValid(g) AS valid, ST_Area(g::geography, false) / 1e6 AS km2,
       ST_XMin(g) AS west, ST_YMin(g) AS south, ST_XMax(g) AS east, ST_YMax(g) AS north
FROM (SELECT ST_Buffer(ST_GeomFromText($1, 4326)::geography, $2)::geometry AS g) AS given
"""
_of_who = """
WITH who AS MATERIALIZED (
    SELECT r.vehicle_id, coalesce(r.valid_from, '-infinity') AS valid_from, coalesce(r.valid_to, 'infinity') AS valid_to
    FROM registration r JOIN operator o ON o.id = r.operator_id
    WHERE (${0}::text[] IS NULL OR r.division = ANY (${0})) AND (${1}::text[] IS NULL OR o.name = ANY (${1}))
      AND (${2}::text[] IS NULL OR r.vehicle_class = ANY (${2})) AND (${3}::text[] IS NULL OR r.division LIKE ANY (${3}))
      AND (${4}::text[] IS NULL OR o.name = ANY (${4})) AND (${5}::text[] IS NULL OR r.vehicle_class = ANY (${5}))
)
"""
"""Goes before a statement: registrations in view, and of these the ones asked for. Its parameters are numbered from where the statement's end."""
OF_SOME = """
AND EXISTS (SELECT 1 FROM who WHERE who.vehicle_id = f.vehicle AND who.valid_from <= f.at AND f.at < who.valid_to)
"""
_near = f"""
SELECT vehicle, count(*) FILTER (WHERE inside) AS fixes, min(at) FILTER (WHERE inside) AS first, max(at) FILTER (WHERE inside) AS last,
       min(at) AS near_from, max(at) AS near_until
FROM (
    SELECT vehicle, at, at >= $1 AND at < $2 AND ST_Intersects(ST_GeomFromWKB($4, 4326), position) AS inside
    FROM fix f
    WHERE at >= $1::timestamptz - make_interval(secs => $3) AND at < $2::timestamptz + make_interval(secs => $3)
      AND position && ST_MakeEnvelope($5, $6, $7, $8, 4326) AND flags & {NOT_FIXED} = 0 {{some}}
) AS seen
GROUP BY vehicle
"""
_crossing = f"""
SELECT vehicle, min(before_at) AS left_at, max(at) AS reached_at
FROM (
    SELECT asked.vehicle, legs.*
    FROM unnest($5::int[], $6::timestamptz[], $7::timestamptz[]) AS asked (vehicle, near_from, near_until)
    CROSS JOIN LATERAL (
        SELECT at, position, lag(at) OVER way AS before_at, lag(position) OVER way AS before
        FROM fix f
        WHERE f.vehicle = asked.vehicle AND f.at >= asked.near_from - make_interval(secs => $3)
          AND f.at <= asked.near_until + make_interval(secs => $3) AND flags & {NOT_FIXED} = 0 {{some}}
        WINDOW way AS (ORDER BY {ORDER})
    ) AS legs
) AS judged
WHERE before_at < $2 AND at >= $1 AND at - before_at <= make_interval(secs => $3)
  AND ST_MakeLine(before, position) && ST_Envelope(ST_GeomFromWKB($4, 4326))
  AND ST_Intersects(ST_GeomFromWKB($4, 4326), ST_MakeLine(before, position))
  AND ST_DistanceSphere(before, position) <= extract(epoch FROM at - before_at) * {FASTEST_M_S!r} + {SLACK_M!r}
GROUP BY vehicle
"""
NEAR = _near.format(some="")
CROSSING = _crossing.format(some="")
NEAR_SOME = _of_who.format(*range(9, 15)) + _near.format(some=OF_SOME)
CROSSING_SOME = _of_who.format(*range(8, 14)) + _crossing.format(some=OF_SOME)
NAMES = """
SELECT DISTINCT ON (v.id) v.id, v.plate, v.plate_color, r.vehicle_class, o.name AS operator, r.division
FROM vehicle v JOIN registration r ON r.vehicle_id = v.id JOIN operator o ON o.id = r.operator_id
WHERE v.id = ANY ($1) AND ($3::text[] IS NULL OR r.division = ANY ($3)) AND ($4::text[] IS NULL OR o.name = ANY ($4))
  AND ($5::text[] IS NULL OR r.vehicle_class = ANY ($5))
ORDER BY v.id, ((r.valid_from IS NULL OR r.valid_from <= $2) AND (r.valid_to IS NULL OR r.valid_to > $2)) DESC,
         r.valid_from DESC NULLS LAST, r.terminal, r.id
"""
PLAN = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"
"""Room to put an hour's fixes together; no compiling, which took 0.9-1.9 s of a statement that runs for one or two."""
TIMEOUT = "SELECT set_config('statement_timeout', $1, true)"


@dataclass(frozen=True, slots=True)
class Area:
    """An area as the database reads it (WKB), its extent in degrees, its size; `valid` False: it crosses itself."""

    wkb: bytes
    box: tuple[float, float, float, float]
    km2: float
    valid: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which vehicles, by their registration at the time of each fix; None: all. `divisions` are prefixes."""

    classes: Sequence[str] | None = None
    operators: Sequence[str] | None = None
    divisions: Sequence[str] | None = None


@dataclass(slots=True)
class Stay:
    """A vehicle's fixes inside (Unix times as the database gives them), or, with none, the moments of the legs that cross."""

    vehicle: int
    fixes: int
    first: datetime
    last: datetime

    def joined(self, other: "Stay") -> "Stay":
        """Both together: what was inside counts before what only crossed."""
        if bool(self.fixes) != bool(other.fixes):
            return self if self.fixes else other
        return Stay(
            self.vehicle, self.fixes + other.fixes, min(self.first, other.first), max(self.last, other.last)
        )


async def area(conn: Conn, wkt: str, buffer_m: float | None) -> Area:
    """A polygon, or a line widened by `buffer_m` on each side, given as WKT in WGS-84."""
    row = (
        await conn.fetchrow(POLYGON, wkt) if buffer_m is None else await conn.fetchrow(STRETCH, wkt, buffer_m)
    )
    assert row is not None  # noqa: S101 - a select without conditions has a row
    box = (row["west"], row["south"], row["east"], row["north"])
    return Area(bytes(row["area"]), box, row["km2"], row["valid"])


def looked_at(period_ms: tuple[int, int], max_gap_s: float) -> tuple[int, int]:
    """Of which period a search reads fixes, Unix ms: a leg that touches its own begins and ends outside."""
    margin_ms = round(max_gap_s * 1000)
    return period_ms[0] - 2 * margin_ms, period_ms[1] + 2 * margin_ms


async def search(
    conn: Conn, view: View, where: Area, period_ms: tuple[int, int], wanted: Wanted, *, max_gap_s: float, deadline_s: float
) -> list[Stay]:  # fmt: skip
    """Who was there: exactly one stay a vehicle, in no order. Call it in a read-only transaction of its own."""
    await conn.execute(PLAN)
    await conn.execute(TIMEOUT, str(round(deadline_s * 1000)))
    lists = (*rows_of(view), prefixes(wanted.divisions), wanted.operators, wanted.classes)
    some = lists if any(part is not None for part in lists) else ()
    common = (to_time(period_ms[0]), to_time(period_ms[1]), max_gap_s, where.wkb)
    reach_m = (max_gap_s * FASTEST_M_S + SLACK_M) / 2
    box = widened(where.box, reach_m)
    near = await conn.fetch(NEAR_SOME if some else NEAR, *common, *box, *some, timeout=deadline_s + 1)
    stays = [Stay(row["vehicle"], row["fixes"], row["first"], row["last"]) for row in near if row["fixes"]]
    passing = [(row["vehicle"], row["near_from"], row["near_until"]) for row in near if not row["fixes"]]
    if passing:
        columns = [list(column) for column in zip(*passing, strict=True)]
        statement = CROSSING_SOME if some else CROSSING
        crossed = await conn.fetch(statement, *common, *columns, *some, timeout=deadline_s + 1)
        stays += [Stay(row["vehicle"], 0, row["left_at"], row["reached_at"]) for row in crossed]
    return stays


def widened(box: tuple[float, float, float, float], metres: float) -> tuple[float, float, float, float]:
    """A box with at least so much more on every side; shorter than a real degree is what it reckons with, even at a leg's farther end."""
    west, south, east, north = box
    tall = metres / 110_500
    highest = min(max(abs(south), abs(north)) + 2 * tall, 89.0)
    wide = metres / (110_500 * math.cos(math.radians(highest)))
    return west - wide, south - tall, east + wide, north + tall


async def names(conn: Conn, view: View, vehicles: Sequence[int], at_ms: int) -> dict[int, asyncpg.Record]:
    """What to call these vehicles: plate, plate_color, vehicle_class, operator, division as registered at a moment, else newest."""
    rows = await conn.fetch(NAMES, list(vehicles), to_time(at_ms), *rows_of(view))
    return {row["id"]: row for row in rows}
