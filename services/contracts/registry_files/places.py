"""Where things may lie: what exchanged coordinates, lost points and outlines that cross themselves look like.

A position can be on Earth and still be nonsense: Urumqi's longitude is a possible latitude. What tells it is the service area, and how far neighbouring
points lie apart.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import shapely
import shapely.validation

from services.contracts.registry import Position, Road, Route, Zone
from services.contracts.registry_files.refusal import Errors, Parsed
from services.contracts.registry_files.values import BadValue

Area = tuple[float, float, float, float]
"""West, south, east, north, in degrees."""

LONGEST_LEG_M = 500_000.0
"""Of roads and routes: no straight is so long; an exchanged or lost point makes one."""
LONGEST_EDGE_M = 6_000_000.0
"""Of zones: an order may hold for the whole country, and is outlined coarsely."""
FARTHEST_STOP_M = 50_000.0
"""A stop farther from every point of its route is not on it."""
EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)
NORTHMOST = 84.0
"""Nothing drives nearer to a pole: such a latitude is a longitude of China."""
METRES_PER_DEGREE = 111_195.0


def check_places(parsed: Parsed[Road] | Parsed[Route] | Parsed[Zone], area: Area | None) -> None:
    """Hold every position of a file against the service area (None: the world) and against its neighbours.

    Raises:
        FilesRefused: something lies outside the area, or farther from its neighbour than anything real.
    """
    errors = Errors(parsed.file)
    records: Sequence[Road | Route | Zone] = parsed.records
    for row, record in zip(parsed.rows, records, strict=True):
        for column, longest_m, positions in _parts(record):
            bad = _outside(positions, area) or _leap(positions, longest_m)
            if bad is not None:
                errors.add(row, column, None, bad)
                break
        else:
            if isinstance(record, Route):
                _check_stops(errors, row, record)
    errors.raise_if_any()


def crosses_itself(rings: Sequence[Sequence[Position]]) -> BadValue | None:
    """What is wrong with an outline and its holes: it crosses or touches itself, encloses nothing, or has a hole that is not inside."""
    polygon = shapely.Polygon(rings[0], rings[1:])
    if shapely.is_valid(polygon):
        return None
    why = shapely.validation.explain_validity(polygon)
    if "Hole" in why or "Nested" in why or "Interior is disconnected" in why:
        return BadValue(f"内环不在外环之内 ({why})", f"a hole is not inside the outline: {why}")
    return BadValue(
        f"轮廓自相交或自相接 ({why}); 请按顺序逐点画出边界", f"the outline crosses or touches itself: {why}; give its points in their order along the edge"
    )  # fmt: skip


def _parts(record: Road | Route | Zone) -> Iterator[tuple[str, float, Sequence[Position]]]:
    """(property, longest leg in metres, positions) of everything in a record that has a place."""
    if isinstance(record, Zone):
        yield from (("geometry", LONGEST_EDGE_M, ring) for polygon in record.polygons for ring in polygon)
        if record.line:
            yield "geometry", LONGEST_LEG_M, record.line
        return
    yield "geometry", LONGEST_LEG_M, record.coordinates
    if isinstance(record, Route) and record.stops:
        yield "stops", math.inf, [(stop.lon, stop.lat) for stop in record.stops]


def _inside(position: Position, area: Area) -> bool:
    lon, lat = position
    return area[0] <= lon <= area[2] and area[1] <= lat <= area[3]


def _outside(positions: Sequence[Position], area: Area | None) -> BadValue | None:
    area = EVERYWHERE if area is None else area
    for place, position in enumerate(positions, 1):
        if _inside(position, area) and abs(position[1]) <= NORTHMOST:
            continue
        lon, lat = position
        box = ",".join(f"{edge:g}" for edge in area)
        zh, en = "", ""
        if _inside((lat, lon), area):
            zh, en = ", 经纬度似乎颠倒: 应为 [经度, 纬度]", "; looks swapped: expected [lon, lat]"
        return BadValue(
            f"第 {place} 个点 [{lon:g}, {lat:g}] 不在服务区 {box} 内{zh}",
            f"position {place} [{lon:g}, {lat:g}] lies outside the service area {box}{en}",
        )
    return None


def _leap(positions: Sequence[Position], longest_m: float) -> BadValue | None:
    for place, (a, b) in enumerate(pairwise(positions), 1):
        if abs(a[0] - b[0]) + abs(a[1] - b[1]) < 1 or (apart_m := _apart_m(a, b)) <= longest_m:
            continue
        return BadValue(
            f"第 {place} 与第 {place + 1} 个点相距 {apart_m / 1000:,.0f} km (至多 {longest_m / 1000:,.0f}): 经纬度颠倒或缺点",
            f"positions {place} and {place + 1} lie {apart_m / 1000:,.0f} km apart (at most {longest_m / 1000:,.0f}): one is swapped, or some are missing",
        )  # fmt: skip
    return None


def _check_stops(errors: Errors, row: int, route: Route) -> None:
    line = shapely.LineString(route.coordinates)
    for stop in route.stops:
        nearest = shapely.get_coordinates(shapely.shortest_line(line, shapely.Point(stop.lon, stop.lat)))[0]
        apart_m = _apart_m((float(nearest[0]), float(nearest[1])), (stop.lon, stop.lat))
        if apart_m > FARTHEST_STOP_M:
            bad = BadValue(
                f"距路线 {apart_m / 1000:,.0f} km: 不是此路线的站点, 或经纬度颠倒",
                f"lies {apart_m / 1000:,.0f} km from the route: not its stop, or swapped",
            )
            errors.add(row, "stops", stop.name, bad)


def _apart_m(a: Position, b: Position) -> float:
    """Metres between two points on a sphere (haversine)."""
    lat_a, lat_b = math.radians(a[1]), math.radians(b[1])
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b[0] - a[0]) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half)))) * METRES_PER_DEGREE
