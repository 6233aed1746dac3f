"""Zones - hazard sections, schools, temporary orders, depots - and which of them hold at a fix.

A zone is polygons with holes, or a line with a buffer; it may hold for some classes, at some hours, on some days, from and to a moment. A grid
names the few shapes near a fix, and each is then tested for itself.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.compiled import Floats, Row, compiled, inlined
from services.contracts.registry import CLASSES, DAYS, Zone
from services.rules.fleet import DAY_MS, FOR_EVER_MS, LOCAL_OFFSET_MS, NEVER_MS
from services.rules.geometry import leg_distance_squared, metres_per_e7
from services.rules.grid import Grid, cells_of_boxes, cells_of_legs, find_cell, make_grid
from services.rules.records import NO_LIMIT, as_records

FINEST_SHIFT = 15  # cells of about 360 m
MOST_CELLS = 1 << 20  # a zone as large as a country gets larger cells instead of more
EVERY_CLASS = (1 << len(CLASSES)) - 1
EVERY_DAY = (1 << len(DAYS)) - 1
EPOCH = date(1970, 1, 1)
THURSDAY = DAYS.index("Th")
"""What 1970-01-01 was."""
ON_AN_EDGE_M = 0.005
"""Half of what a fix is kept to: so near an edge of a polygon is on it."""

ZONE = np.dtype(
    [
        ("from_ms", "i8"),
        ("to_ms", "i8"),
        ("first_hours", "i4"),
        ("hours", "i4"),  # spans of hours, none: always
        ("first_dates", "i4"),
        ("dates", "i4"),  # spans of days, none: every day
        ("except_dates", "i4"),  # spans of days on which it does not hold, behind those
        ("limit", "u2"),  # 0.1 km/h
        ("classes", "u1"),  # bit i: place i in CLASSES
        ("days", "u1"),  # bit i: place i in DAYS
    ],
    align=True,
)
SHAPE = np.dtype(
    [
        ("zone", "i4"),
        ("first_edge", "i4"),
        ("edges", "i4"),
        ("buffer_m", "f8"),  # of a line; below 0 for a polygon
    ],
    align=True,
)


class ZoneTables(NamedTuple):
    """Some of the zones of a config."""

    zones: np.ndarray  # ZONE
    shapes: np.ndarray  # SHAPE: a polygon with its holes, or a leg of a line
    edges: np.ndarray  # f8 (n, 4): both ends in 1e-7 degrees
    hours_ms: np.ndarray  # i4 (n, 2): local ms of the day, from and to; may cross midnight
    spans: np.ndarray  # i4 (n, 2): local days since 1970-01-01, from and to, both included
    grid: Grid
    near: np.ndarray  # i4: shapes, in the grid's order


@compiled
def inside_hours(local_ms: int, from_ms: int, to_ms: int) -> bool:
    """Whether a local time of day lies in the window from <= t < to, which may cross midnight; none does in from = to."""
    if from_ms <= to_ms:
        return from_ms <= local_ms < to_ms
    return local_ms >= from_ms or local_ms < to_ms


@compiled
def _on(spans: NDArray[np.int32], first: int, count: int, day: int) -> bool:
    inside = False
    for span in range(first, first + count):
        inside = inside or spans[span, 0] <= day <= spans[span, 1]
    return bool(inside)


@compiled
def _holds_that_day(zone: Row, spans: NDArray[np.int32], time_ms: int) -> bool:
    """Whether a zone holds on the local date of a moment, whatever the hour."""
    if zone.days == EVERY_DAY and zone.dates == 0 and zone.except_dates == 0:
        return True
    day = (time_ms + LOCAL_OFFSET_MS) // DAY_MS
    if (np.int64(zone.days) >> ((day + THURSDAY) % 7)) & 1 == 0:
        return False
    if _on(spans, zone.first_dates + zone.dates, zone.except_dates, day):
        return False
    return bool(zone.dates == 0 or _on(spans, zone.first_dates, zone.dates, day))


@compiled
def _holds(
    zone: Row, hours_ms: NDArray[np.int32], spans: NDArray[np.int32], vehicle_class: int, local_ms: int,
    time_ms: int,
) -> bool:  # fmt: skip
    if (np.int64(zone.classes) >> np.int64(vehicle_class)) & 1 == 0:
        return False
    if time_ms < zone.from_ms or time_ms >= zone.to_ms:
        return False
    if not _holds_that_day(zone, spans, time_ms):
        return False
    if zone.hours == 0:
        return True
    for span in range(zone.first_hours, zone.first_hours + zone.hours):
        if inside_hours(local_ms, hours_ms[span, 0], hours_ms[span, 1]):
            return True
    return False


@compiled
def _inside(shape: Row, edges: Floats, lon: float, lat: float, east: float, north: float) -> bool:
    """Even-odd over all rings of a polygon, so a hole is outside and every edge inside; or within the buffer of a line."""
    first, end = shape.first_edge, shape.first_edge + shape.edges
    if shape.buffer_m >= 0.0:
        reach = shape.buffer_m * shape.buffer_m
        for i in range(first, end):
            leg = leg_distance_squared(
                lon, lat, edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3], east, north
            )
            if leg <= reach:
                return True
        return False
    inside = False
    for i in range(first, end):
        a_lat, b_lat = edges[i, 1], edges[i, 3]
        if (
            min(a_lat, b_lat) - 1.0 <= lat <= max(a_lat, b_lat) + 1.0
            and leg_distance_squared(lon, lat, edges[i, 0], a_lat, edges[i, 2], b_lat, east, north)
            <= ON_AN_EDGE_M * ON_AN_EDGE_M
        ):
            return True
        if (a_lat > lat) != (b_lat > lat):
            crossing = edges[i, 0] + (lat - a_lat) / (b_lat - a_lat) * (edges[i, 2] - edges[i, 0])
            if lon < crossing:
                inside = not inside
    return inside


@compiled
def zone_limit(tables: ZoneTables, fix: Row, context: Row) -> np.int64:
    """The least limit of the zones that hold at a fix, 0.1 km/h; NO_LIMIT where none does."""
    least = np.int64(NO_LIMIT)
    first, count = find_cell(tables.grid.cells, tables.grid.shift, fix.lon_e7, fix.lat_e7)
    east, north = metres_per_e7(fix.lat_e7)
    for entry in range(first, first + count):
        shape = tables.shapes[tables.near[entry]]
        zone = tables.zones[shape.zone]
        limit = np.int64(zone.limit)
        if (
            limit < least
            and _holds(
                zone, tables.hours_ms, tables.spans, context.vehicle_class, context.local_ms, fix.time_ms
            )
            and _inside(shape, tables.edges, float(fix.lon_e7), float(fix.lat_e7), east, north)
        ):
            least = limit
    return least


@compiled
def inside_any(tables: ZoneTables, lon_e7: int, lat_e7: int, vehicle_class: int, time_ms: int) -> bool:
    """Whether a place lies inside any of the zones that hold for a class at a moment."""
    if len(tables.zones) == 0:
        return False
    first, count = find_cell(tables.grid.cells, tables.grid.shift, lon_e7, lat_e7)
    east, north = metres_per_e7(lat_e7)
    local_ms = (time_ms + LOCAL_OFFSET_MS) % DAY_MS
    for entry in range(first, first + count):
        shape = tables.shapes[tables.near[entry]]
        if _holds(
            tables.zones[shape.zone], tables.hours_ms, tables.spans, vehicle_class, local_ms, time_ms
        ) and _inside(shape, tables.edges, float(lon_e7), float(lat_e7), east, north):
            return True
    return False


@inlined
def in_a_zone(tables: ZoneTables, fix: Row, context: Row) -> bool:
    """Whether a fix lies inside any of the zones that hold."""
    return inside_any(tables, fix.lon_e7, fix.lat_e7, context.vehicle_class, fix.time_ms)


def tenths(kmh: float) -> int:
    """A limit in 0.1 km/h, half up."""
    return int(np.floor(kmh * 10 + 0.5 + 1e-6))


def edges_of(positions: tuple[tuple[float, float], ...]) -> np.ndarray:
    """float64 (n - 1, 4): the legs of a line in 1e-7 degrees."""
    points = np.array(positions, np.float64).reshape(-1, 2) * 1e7
    return np.hstack([points[:-1], points[1:]])


def _shapes_of(
    place: int, zone: Zone, before: int
) -> tuple[list[tuple[int, int, int, float]], list[np.ndarray]]:
    """Rows of SHAPE and their edges: each polygon one shape, each leg of a line one."""
    if zone.line:
        legs = edges_of(zone.line)
        return [(place, before + i, 1, zone.buffer_m) for i in range(len(legs))], [legs]
    rows, edges = [], []
    for polygon in zone.polygons:
        rings = np.vstack([edges_of(ring) for ring in polygon])
        rows.append((place, before, len(rings), -1.0))
        edges.append(rings)
        before += len(rings)
    return rows, edges


def _day(iso: str) -> int:
    """Days since 1970-01-01."""
    return (date.fromisoformat(iso) - EPOCH).days


def _zone_rows(chosen: Sequence[Zone]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of ZONE, the hours and the spans of days that they name."""
    zones = np.zeros(len(chosen), ZONE)
    hours: list[tuple[int, int]] = []
    spans: list[tuple[int, int]] = []
    for row, zone in zip(zones, chosen, strict=True):
        row["limit"] = tenths(zone.limit_kmh or 0.0)
        row["classes"] = sum(1 << CLASSES.index(name) for name in set(zone.classes)) or EVERY_CLASS
        row["from_ms"] = NEVER_MS if zone.from_ms is None else zone.from_ms
        row["to_ms"] = FOR_EVER_MS if zone.to_ms is None else zone.to_ms
        row["first_hours"], row["hours"] = len(hours), len(zone.hours)
        hours += [(start * 1000, end * 1000) for start, end in zone.hours]
        row["days"] = sum(1 << day for day in set(zone.days)) or EVERY_DAY
        row["first_dates"], row["dates"] = len(spans), len(zone.dates)
        row["except_dates"] = len(zone.except_dates)
        spans += [(_day(first), _day(last)) for first, last in (*zone.dates, *zone.except_dates)]
    return zones, np.array(hours, np.int32).reshape(-1, 2), np.array(spans, np.int32).reshape(-1, 2)


def build_zones(chosen: Sequence[Zone]) -> ZoneTables:
    """Zones as arrays for `zone_limit` (which have a limit) and `in_a_zone`."""
    zones, hours_ms, spans = _zone_rows(chosen)
    rows: list[tuple[int, int, int, float]] = []
    parts: list[np.ndarray] = [np.zeros((0, 4))]
    before = 0
    for place, zone in enumerate(chosen):
        found, edges = _shapes_of(place, zone, before)
        rows += found
        parts += edges
        before += sum(len(part) for part in edges)
    shapes, edges_all = np.array(rows, SHAPE), np.ascontiguousarray(np.vstack(parts))
    grid, near = _index(shapes, edges_all)
    return ZoneTables(as_records(zones), as_records(shapes), edges_all, hours_ms, spans, grid, near)


def _index(shapes: np.ndarray, edges: np.ndarray) -> tuple[Grid, np.ndarray]:
    if not len(shapes):
        none = np.zeros(0, np.int64)
        return make_grid(none, none, FINEST_SHIFT)[0], np.zeros(0, np.int32)
    lines = np.flatnonzero(shapes["buffer_m"] >= 0)
    polygons = np.flatnonzero(shapes["buffer_m"] < 0)
    boxes = _boxes(shapes[polygons], edges)
    legs, reaches = edges[shapes["first_edge"][lines]], shapes["buffer_m"][lines]
    everything = np.vstack([boxes, _widened(legs, reaches)])
    shift = FINEST_SHIFT
    while _cells(everything, shift) > MOST_CELLS:
        shift += 1
    xs, ys, owners = cells_of_boxes(boxes, shift)
    line_xs, line_ys, near = cells_of_legs(legs, reaches, shift)
    grid, order = make_grid(np.concatenate([xs, line_xs]), np.concatenate([ys, line_ys]), shift)
    return grid, np.concatenate([polygons[owners], lines[near]])[order].astype(np.int32)


def _boxes(polygons: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """west, south, east, north of each polygon."""
    if not len(polygons):
        return np.zeros((0, 4))
    ends = np.minimum(edges[:, :2], edges[:, 2:]), np.maximum(edges[:, :2], edges[:, 2:])
    spans = [slice(row["first_edge"], row["first_edge"] + row["edges"]) for row in polygons]
    return np.array([[*ends[0][span].min(axis=0), *ends[1][span].max(axis=0)] for span in spans])


def _widened(lines: np.ndarray, reaches_m: np.ndarray) -> np.ndarray:
    """Boxes of legs and what is within reach of them, roughly; only to count cells."""
    # a metre is 90 units of latitude and, at 53 degrees north, 150 of longitude
    reach = reaches_m[:, None] * 150.0
    low, high = np.minimum(lines[:, :2], lines[:, 2:]), np.maximum(lines[:, :2], lines[:, 2:])
    return np.hstack([low - reach, high + reach])


def _cells(boxes: np.ndarray, shift: int) -> int:
    edges = np.floor(boxes).astype(np.int64) >> shift
    return int(((edges[:, 2] - edges[:, 0] + 1) * (edges[:, 3] - edges[:, 1] + 1)).sum())
