"""What the map says at a fix: the road it is on, and the speed limit in force there for this vehicle at this moment.

Runs once per batch before the rules (interfaces section 5, "speeding"). Roads stand in a grid whose cells list every leg within the
match radius, each leg with all that choosing needs, so that a fix reads one run of memory; with half a million legs that memory is far
away, and fixes are looked up a block at a time (measured: a third faster). Of a road's limits only a profile is kept:
thousands of roads share a few dozen of them. The road of a vehicle's last fix is the only state.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.compiled import Floats, Ints, Row, Rows, compiled, inlined
from services.contracts.fix import Fixes
from services.contracts.registry import CLASSES, ROAD_CLASSES, Config, Road
from services.rules import limit_sources as source
from services.rules.geometry import bearing_deg, metres_per_e7
from services.rules.grid import Grid, cells_of_legs, find_cell, make_grid, place_of
from services.rules.records import NO_LIMIT, NO_ROAD, USE_SPEED, as_records
from services.rules.road_choice import (
    choice,
    direction,
    equally_far,
    figures_of,
    limit_on,
    nearest,
    squared_m,
)
from services.rules.zones import ZoneTables, build_zones, edges_of, inside_hours, tenths, zone_limit

MATCH = np.dtype([("road", "i4")])
"""What is remembered of a vehicle: the road of its last fix with a usable speed, NO_ROAD none."""

BLOCK = 64
"""Fixes looked up together, so that memory is waited for once and not for each."""
DEFAULT_RADIUS_M = 30.0
FINEST_SHIFT = 14
REACHES_A_CELL = 2
MOST_DOUBTS = 8
"""So many of the roads that fit equally are named, the first of the map."""


PROFILE = np.dtype([("posted", "u2", (len(CLASSES),)), ("night", "u2"), ("road_class", "u1")], align=True)
"""What a road says of speed, 0.1 km/h, NO_LIMIT where nothing: posted by vehicle class, the night limit, the class of road."""

LEG = np.dtype(
    [
        ("a_lon", "f4"),
        ("a_lat", "f4"),
        ("b_lon", "f4"),
        ("b_lat", "f4"),
        ("bearing", "f4"),  # degrees
        ("road", "i4"),  # 2 x road, + 1 where it is one-way
    ]
)
"""A leg as its cell sees it: both ends in 1e-7 degrees from the cell's south-west corner, exact to a millimetre within 10 km."""


class MapTables(NamedTuple):
    """Roads and zones of a config, as `locate` reads them."""

    grid: Grid
    legs: np.ndarray  # LEG, in the grid's order: one that lies in several cells stands several times
    road_profile: np.ndarray  # i4 by road: place in profiles
    profiles: np.ndarray  # PROFILE
    zones: ZoneTables
    matching: np.ndarray  # matching.PARAMS by period


@inlined
def _locate(
    match: Row, legs: Rows, first: int, count: int, corner: np.int64, profiles: Rows,
    road_profile: NDArray[np.int32], zone: np.int64, fix: Row, row: Row, match_param: Row, param: Row,
) -> None:  # fmt: skip
    """Fill in the context of one fix, and remember its road. `zone` is the limit of the zones that hold, NO_LIMIT none."""
    east, north = metres_per_e7(fix.lat_e7)
    lon, lat = float(np.int64(fix.lon_e7) & corner), float(np.int64(fix.lat_e7) & corner)
    heading, most_deg = direction(fix, row, match_param)
    road, least, second = nearest(
        legs, first, count, lon, lat, heading, most_deg, match_param.match_radius_m, east, north
    )
    vehicle_class, figures, doubt = np.int64(row.vehicle_class), figures_of(fix, row), False
    night = inside_hours(row.local_ms, param.night_from_ms, param.night_to_ms)
    if second != np.inf:
        most = equally_far(least, match_param.tie_m, match_param.match_radius_m)
        if second <= most:
            road, doubt = choice(
                legs, first, count, lon, lat, heading, most_deg, most, match.road, east, north, profiles,
                road_profile, vehicle_class, figures, night, zone, param,
            )  # fmt: skip
    match.road = road
    row.matched = road
    force, statutory, given, gives = limit_on(
        profiles, road_profile, road, vehicle_class, figures, night, param
    )
    if zone < force:
        force, given = zone, source.ZONE
    row.road = road if gives else NO_ROAD
    row.limit = force
    row.statutory = min(statutory, zone)
    row.source = given
    row.confidence = 50 if doubt else 100


@compiled
def doubtful(
    tables: MapTables, fix: Row, row: Row, param: Row, roads: NDArray[np.int32], given: NDArray[np.uint16]
) -> int:
    """The roads that fit a fix equally, in the map's order, and the limit in force on each; returns their number, at most MOST_DOUBTS."""
    cells, shift, legs = tables.grid.cells, tables.grid.shift, tables.legs
    found_first, found_count = find_cell(cells, shift, fix.lon_e7, fix.lat_e7)
    first, count = int(found_first), int(found_count)
    corner = (np.int64(1) << np.int64(shift)) - 1
    east, north = metres_per_e7(fix.lat_e7)
    lon, lat = float(np.int64(fix.lon_e7) & corner), float(np.int64(fix.lat_e7) & corner)
    match_param = tables.matching[row.period]
    heading, most_deg = direction(fix, row, match_param)
    _, least, _ = nearest(
        legs, first, count, lon, lat, heading, most_deg, match_param.match_radius_m, east, north
    )
    most = equally_far(least, match_param.tie_m, match_param.match_radius_m)
    zone = zone_limit(tables.zones, fix, row)
    night = inside_hours(row.local_ms, param.night_from_ms, param.night_to_ms)
    found, last = 0, np.int64(NO_ROAD)
    while found < MOST_DOUBTS:
        road = np.int64(1) << 40
        for entry in range(first, first + count):
            leg = legs[entry]
            if last < leg.road >> 1 < road and (
                squared_m(leg, lon, lat, heading, most_deg, most, east, north) != np.inf
            ):
                road = np.int64(leg.road >> 1)
        if road == np.int64(1) << 40:
            break
        force, _, _, _ = limit_on(
            tables.profiles,
            tables.road_profile,
            road,
            np.int64(row.vehicle_class),
            figures_of(fix, row),
            night,
            param,
        )
        roads[found], given[found] = road, min(force, zone)
        found, last = found + 1, road
    return found


@inlined
def _look_up(
    cells: Rows, shift: int, legs: Rows, fixes: Fixes, start: int, end: int, firsts: Ints, counts: Ints,
    touched: Ints,
) -> None:  # fmt: skip
    """First leg and number of legs of the cell of each fix of a block; reads what is looked at later, so that it is at hand then."""
    mask = np.int64(len(cells) - 1)
    for i in range(start, end):
        x, y = np.int64(fixes[i].lon_e7) >> np.int64(shift), np.int64(fixes[i].lat_e7) >> np.int64(shift)
        touched[i - start] = cells[place_of(x, y, mask)].count
    for i in range(start, end):
        first, count = find_cell(cells, shift, fixes[i].lon_e7, fixes[i].lat_e7)
        firsts[i - start], counts[i - start] = first, count
        if count > 0:
            touched[i - start] = legs[first].road + legs[first + count - 1].road


@compiled
def _zones_first(zones: ZoneTables, fixes: Fixes, context: Rows) -> None:
    """Leave the limit of the zones that hold at each fix in its `limit`, NO_LIMIT where none does."""
    for i in range(len(fixes)):
        row = context[i]
        if row.use & USE_SPEED:
            row.limit = zone_limit(zones, fixes[i], row)


@compiled
def locate(
    match: Rows, tables: MapTables, fixes: Fixes, context: Rows, params: Rows, block: NDArray[np.int64]
) -> None:
    """Fill in road, limit, statutory, source and confidence of every fix whose speed may be used.

    Args:
        match: MATCH by slot; the road of each vehicle's last fix, brought up to date.
        tables: MapTables.
        fixes: in the order of the log.
        context: of the same fixes, as the gate leaves it.
        params: speeding's parameters by period.
        block: int64 (3, BLOCK), whatever is in it: room to work in.
    """
    cells, shift, legs = tables.grid.cells, tables.grid.shift, tables.legs
    profiles, road_profile, matching = tables.profiles, tables.road_profile, tables.matching
    corner = (np.int64(1) << np.int64(shift)) - 1
    zoned = len(tables.zones.zones) > 0
    if zoned:
        _zones_first(tables.zones, fixes, context)
    firsts, counts, touched = block[0], block[1], block[2]
    for start in range(0, len(fixes), BLOCK):
        end = min(start + BLOCK, len(fixes))
        _look_up(cells, shift, legs, fixes, start, end, firsts, counts, touched)
        for i in range(start, end):
            row = context[i]
            if row.use & USE_SPEED:
                _locate(
                    match[row.slot], legs, firsts[i - start], counts[i - start], corner, profiles, road_profile,
                    np.int64(row.limit) if zoned else np.int64(NO_LIMIT), fixes[i], row, matching[row.period], params[row.period],
                )  # fmt: skip


def start_match(rows: np.ndarray) -> None:
    """Set fresh rows of MATCH to their beginning."""
    rows["road"] = NO_ROAD


def match_radius_m(config: Config) -> float:
    """The greatest match radius of any rule set: the grid serves all of them."""
    given = (
        rules.parameters.get(name, {}).get("match_radius_m")
        for rules in config.rules
        for name in ("matching", "speeding")
    )
    return max([DEFAULT_RADIUS_M, *(float(radius) for radius in given if radius is not None)])


def build_map(config: Config, matching: np.ndarray) -> MapTables:
    """Roads and zones of a config as arrays, with the parameters of matching by period."""
    profiles: dict[bytes, int] = {}
    rows = [_profile(road) for road in config.roads]
    road_profile = np.array([profiles.setdefault(row.tobytes(), len(profiles)) for row in rows], np.int32)
    grid, legs = _grid_of_roads(config.roads, match_radius_m(config))
    packed = np.frombuffer(b"".join(profiles), PROFILE)
    limiting = [zone for zone in config.zones if zone.limit_kmh is not None]
    return MapTables(
        grid, as_records(legs), road_profile, as_records(packed), build_zones(limiting), as_records(matching)
    )


def _profile(road: Road) -> np.ndarray:
    row = np.zeros((), PROFILE)
    general = NO_LIMIT if road.limit_kmh is None else tenths(road.limit_kmh)
    limits = road.class_limits_kmh
    row["posted"] = [tenths(limits[name]) if name in limits else general for name in CLASSES]
    row["night"] = NO_LIMIT if road.night_limit_kmh is None else tenths(road.night_limit_kmh)
    row["road_class"] = ROAD_CLASSES.index(road.road_class)
    return row


def _grid_of_roads(roads: tuple[Road, ...], radius_m: float) -> tuple[Grid, np.ndarray]:
    lines = [edges_of(road.coordinates) for road in roads]
    edges = np.vstack([np.zeros((0, 4)), *lines])
    owner = np.repeat(np.arange(len(roads)), [len(line) for line in lines])
    # a point given twice makes no leg: it has no direction
    directed = (edges[:, :2] != edges[:, 2:]).any(axis=1)
    edges, owner = np.ascontiguousarray(edges[directed]), owner[directed]
    shift = FINEST_SHIFT
    while (1 << shift) * 0.011 < REACHES_A_CELL * radius_m:  # 1e-7 degree of latitude is 0.011 m
        shift += 1
    xs, ys, found = cells_of_legs(edges, np.full(len(edges), radius_m), shift)
    grid, order = make_grid(xs, ys, shift)
    found = found[order]
    corners = np.stack([xs[order], ys[order]] * 2, axis=1) << shift
    legs = np.zeros(len(found), LEG)
    for place, name in enumerate(("a_lon", "a_lat", "b_lon", "b_lat")):
        legs[name] = edges[found, place] - corners[:, place]
    bearings = np.zeros(len(edges))
    _bearings(edges, bearings)
    legs["bearing"] = bearings[found]
    oneway = np.array([road.oneway for road in roads], np.int64)
    legs["road"] = (2 * owner + oneway[owner])[found]
    return grid, legs


@compiled
def _bearings(edges: Floats, bearings: Floats) -> None:
    """Direction of each leg in degrees, into `bearings`."""
    for i in range(len(edges)):
        bearings[i] = bearing_deg(edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3])


def road_names(config: Config) -> Callable[[int], str | None]:
    """What a road is called: "ref name", or either, None where it has none or there is no such road."""
    roads = config.roads

    def name(road: int) -> str | None:
        if not 0 <= road < len(roads):
            return None
        return " ".join(part for part in (roads[road].ref, roads[road].name) if part) or None

    return name


def road_keys(config: Config) -> np.ndarray:
    """int64 by road: a hash of its content, never 0, by which it is found again in another version of the map."""
    keys = np.zeros(len(config.roads), np.int64)
    for place, road in enumerate(config.roads):
        digest = hashlib.blake2b(msgspec.msgpack.encode(road), digest_size=8).digest()
        keys[place] = int.from_bytes(digest, "little", signed=True) or 1
    return keys


def roads_of_keys(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """int32: the road with each key, the first of equal ones; NO_ROAD where there is none (key 0 is none)."""
    if not len(keys):
        return np.full(len(wanted), NO_ROAD, np.int32)
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    road = order[place]
    return np.where((keys[road] == wanted) & (wanted != 0), road, NO_ROAD).astype(np.int32)


def moved(roads: np.ndarray, old_keys: np.ndarray, new_keys: np.ndarray) -> np.ndarray:
    """Places of roads (int32, any shape) as in a new map; a road that is no more is forgotten."""
    result = roads.copy()
    on = roads != NO_ROAD
    result[on] = roads_of_keys(new_keys, old_keys[roads[on]])
    return result
