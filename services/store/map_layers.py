"""The registry's map for a console: roads, routes and zones as GeoJSON text made by PostGIS, simplified to what a screen can show.

Roads and zones are public geography and the same for everybody; a route is seen with the vehicles that are, or were, assigned to it.
"""

from collections.abc import Sequence

import asyncpg

from services.contracts.registry import Position
from services.store import wkb
from services.store.api_queries import rows_of
from services.store.connect import Conn
from services.store.scope import View

Box = tuple[float, float, float, float]

VERSION = "SELECT coalesce(max(version), 0) FROM config_version"
ROADS = """
SELECT id, road_class, name, ref, limit_kmh, night_limit_kmh, class_limits_kmh, oneway, tunnel, bridge,
       ST_AsGeoJSON(CASE WHEN $3::float8 > 0 THEN ST_Simplify(line, $3, true) ELSE line END, 6) AS geometry
FROM road_segment
WHERE line && ST_MakeEnvelope(($1::float8[])[1], ($1::float8[])[2], ($1::float8[])[3], ($1::float8[])[4], 4326)
  AND road_class = ANY ($2::text[])
ORDER BY array_position($2, road_class), id
LIMIT $4
"""
ZONES = """
SELECT zone, name, kind, line IS NOT NULL AS is_line, buffer_m, classes, limit_kmh, hours, days, dates, except_dates, from_at, to_at,
       reason, ST_AsGeoJSON(shape, 6) AS geometry
FROM (SELECT *, CASE WHEN line IS NULL THEN area ELSE ST_Buffer(line::geography, buffer_m)::geometry END AS shape FROM zone) AS shaped
WHERE ($1::float8[] IS NULL OR shape && ST_MakeEnvelope($1[1], $1[2], $1[3], $1[4], 4326))
  AND ($2::text[] IS NULL OR kind = ANY ($2))
ORDER BY zone COLLATE "C"
LIMIT $3
"""
EVERYTHING = " AND ".join(
    f"current_setting('roadwatch.{name}', true) = '*'" for name in ("divisions", "operators", "classes")
)
SEEN = f"""
(({EVERYTHING}) OR EXISTS (
    SELECT 1 FROM assignment a JOIN registration r ON r.vehicle_id = a.vehicle_id JOIN operator o ON o.id = r.operator_id
    WHERE a.route = route.route
      AND ($1::text[] IS NULL OR r.division = ANY ($1))
      AND ($2::text[] IS NULL OR o.name = ANY ($2))
      AND ($3::text[] IS NULL OR r.vehicle_class = ANY ($3))))
"""
ROUTES = f"""
SELECT route, name, ST_Length(line::geography) AS length_m, leg_half_widths_m, jsonb_array_length(stops) AS stops,
       ST_AsGeoJSON(CASE WHEN $5::float8 > 0 THEN ST_Simplify(line, $5, true) ELSE line END, 6) AS geometry
FROM route
WHERE ($4::float8[] IS NULL OR line && ST_MakeEnvelope($4[1], $4[2], $4[3], $4[4], 4326)) AND {SEEN}
ORDER BY route COLLATE "C"
LIMIT $6
"""
ROUTE = f"""
SELECT route, name, ST_Length(line::geography) AS length_m, leg_half_widths_m, stops, ST_AsBinary(line, 'NDR') AS line,
       ST_AsGeoJSON(line, 7) AS geometry
FROM route WHERE route = $4 AND {SEEN}
"""
DISTANCES = f"""
SELECT ST_Distance(ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography, shape) AS away
FROM (SELECT line::geography AS shape FROM route WHERE route = $4 AND {SEEN}) AS one,
     unnest($5::float8[], $6::float8[]) WITH ORDINALITY AS places (lon, lat, place)
ORDER BY place
"""
CORRIDOR = """
SELECT ST_AsGeoJSON(ST_Union(ST_Buffer(part::geometry::geography, half_m)::geometry), 6)
FROM unnest($1::bytea[], $2::float8[]) AS parts (part, half_m)
"""


async def version(conn: Conn) -> int:
    """Number of the newest version of the registry; what is read after it is of this version or a newer one."""
    found: int = await conn.fetchval(VERSION)
    return found


async def roads(
    conn: Conn, box: Box, classes: Sequence[str], tolerance_deg: float, limit: int
) -> list[asyncpg.Record]:
    """Road segments that touch the box, of these classes, the first class first; `geometry` is GeoJSON text."""
    return await conn.fetch(ROADS, box, classes, tolerance_deg, limit)


async def zones(conn: Conn, box: Box | None, kinds: Sequence[str] | None, limit: int) -> list[asyncpg.Record]:
    """Zones by name; a line with its buffer is an area here."""
    return await conn.fetch(ZONES, box, kinds, limit)


async def routes(
    conn: Conn, view: View, box: Box | None, tolerance_deg: float, limit: int
) -> list[asyncpg.Record]:
    """Routes in view by name."""
    return await conn.fetch(ROUTES, *rows_of(view), box, tolerance_deg, limit)


async def route(conn: Conn, view: View, name: str) -> asyncpg.Record | None:
    """One route in view."""
    return await conn.fetchrow(ROUTE, *rows_of(view), name)


async def distances(conn: Conn, view: View, name: str, rows: Sequence[asyncpg.Record]) -> list[float] | None:
    """How far each place (`lon`, `lat`) is from a route, metres to one decimal; None where the route is not in view."""
    lon, lat = [row["lon"] for row in rows], [row["lat"] for row in rows]
    found = await conn.fetch(DISTANCES, *rows_of(view), name, lon, lat)
    return [round(row["away"], 1) for row in found] if found or not rows else None


async def corridor(conn: Conn, line: bytes, half_widths_m: Sequence[float]) -> str:
    """The area that a route allows, as GeoJSON text: every run of legs of one width with that much around it."""
    parts = list(runs(wkb.read_line(line), half_widths_m))
    found: str = await conn.fetchval(
        CORRIDOR, [wkb.line(positions) for positions, _ in parts], [half_m for _, half_m in parts]
    )
    return found


def runs(
    positions: Sequence[Position], half_widths_m: Sequence[float]
) -> list[tuple[Sequence[Position], float]]:
    """A line cut where the half width of its legs changes."""
    found: list[tuple[Sequence[Position], float]] = []
    first = 0
    for leg in range(1, len(half_widths_m) + 1):
        if leg == len(half_widths_m) or half_widths_m[leg] != half_widths_m[first]:
            found.append((positions[first : leg + 1], half_widths_m[first]))
            first = leg
    return found
