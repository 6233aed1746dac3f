"""What the map says at a fix: the road it is on, and the speed limit in force there for this vehicle at this moment.

Runs once per batch before the rules (interfaces section 5, "speeding"). Roads stand in a grid whose cells list every leg within the
match radius, each leg with all that choosing needs, so that a fix reads one run of memory; with half a million legs that memory is far
away, and fixes are looked up a block at a time (measured: a third faster). Of a road's limits only a profile is kept:
thousands of roads share a few dozen of them. The road of a vehicle's last fix is the only state.
"""

import hashlib
import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.compiled import Floats, Ints, Row, Rows, compiled, inlined
from services.contracts.fix import NO_U2, STATUS_PUPILS, STATUS_PUPILS_KNOWN, Fixes
from services.contracts.registry import CLASSES, ROAD_CLASSES, Config, Road, VehicleClass
from services.rules import limit_sources as source
from services.rules.geometry import bearing_deg, leg_distance_squared, metres_per_e7, turn_deg
from services.rules.grid import Grid, cells_of_legs, find_cell, make_grid, place_of
from services.rules.records import NO_LIMIT, NO_ROAD, USE_SPEED, as_records
from services.rules.zones import ZoneTables, build_zones, edges_of, inside_hours, tenths, zone_limit

MATCH = np.dtype([("road", "i4")])
"""What is remembered of a vehicle: the road of its last fix with a usable speed, NO_ROAD none."""

PREFERRED_M = 10.0
"""By so much the road of the fix before is preferred (interfaces section 5)."""
EQUAL_M = 0.01
"""Roads no farther apart than this fit equally."""
SAME_DEG = 1e-4
"""Angles are compared inclusively; so much is lost of them in atan2 and in 32 bits."""
ANY_DEG = 400.0
"""Every direction fits."""
BLOCK = 64
"""Fixes looked up together, so that memory is waited for once and not for each."""
DEFAULT_RADIUS_M = 30.0
FINEST_SHIFT = 14
REACHES_A_CELL = 2

COACH, SCHOOL_BUS = CLASSES.index(VehicleClass.COACH), CLASSES.index(VehicleClass.SCHOOL_BUS)
EXPRESSWAY = 0

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


@inlined
def _distance(
    leg: Row, lon: float, lat: float, heading: float, most_deg: float, radius_squared: float, before: int,
    east: float, north: float,
) -> float:  # fmt: skip
    """Effective distance of a leg in metres, less what its road is preferred by; infinite where it is too far or does not fit.

    `lon`, `lat` count from the cell's corner. A two-way road fits either way round.
    """
    squared = leg_distance_squared(
        lon, lat, float(leg.a_lon), float(leg.a_lat), float(leg.b_lon), float(leg.b_lat), east, north
    )
    if squared > radius_squared:
        return np.inf
    turn = turn_deg(float(leg.bearing), heading)
    if leg.road & 1 == 0:
        turn = min(turn, 180.0 - turn)
    if turn > most_deg:
        return np.inf
    distance = math.sqrt(squared)
    return distance - PREFERRED_M if leg.road >> 1 == before else distance


@inlined
def _nearest(
    legs: Rows, first: int, count: int, lon: float, lat: float, heading: float, most_deg: float,
    radius_m: float, before: int, east: float, north: float,
) -> tuple[np.int64, float, float]:  # fmt: skip
    """Road with the least effective distance among the legs of a cell, that distance, and the least one of any other road."""
    road, least, second = np.int64(NO_ROAD), np.inf, np.inf
    for entry in range(first, first + count):
        leg = legs[entry]
        distance = _distance(leg, lon, lat, heading, most_deg, radius_m * radius_m, before, east, north)
        if distance == np.inf:
            continue
        if leg.road >> 1 == road:
            least = min(least, distance)
        elif distance < least:
            road, least, second = np.int64(leg.road >> 1), distance, least
        else:
            second = min(second, distance)
    return road, least, second


@inlined
def _or_none(limit: int) -> np.int64:
    """A parameter's limit, in which 0 stands for none."""
    return np.int64(limit) if limit != 0 else np.int64(NO_LIMIT)


@inlined
def _at_night(base: np.int64, factor: float) -> np.int64:
    """The monitoring limit made of a base: rounded half up to 0.1 km/h; NO_LIMIT without a factor or a base."""
    if factor == 0.0 or base == NO_LIMIT:
        return np.int64(NO_LIMIT)
    return np.int64(np.floor(factor * base + 0.5 + 1e-6))


@inlined
def _limit(
    profiles: Rows, road_profile: NDArray[np.int32], road: np.int64, vehicle_class: np.int64,
    figures: np.int64, night: bool, param: Row,
) -> tuple[np.int64, np.int64, int, bool]:  # fmt: skip
    """The limit on a road, or on none, zones left out: (in force, statutory part, source, whether the road gives one).

    `figures` is the class whose statutory and unmatched figures hold.
    """
    factor = param.night_factor[vehicle_class] if night else 0.0
    if road != NO_ROAD:
        profile = profiles[road_profile[road]]
        own = _or_none(param.statutory[figures, profile.road_class])
        posted, replaced = np.int64(profile.posted[vehicle_class]), False
        if night and profile.night != NO_LIMIT:
            posted, replaced = np.int64(profile.night), True
        statutory = min(own, posted)
        if statutory != NO_LIMIT:
            # a night limit in force replaces the posted one and is not multiplied
            factored = _at_night(own if replaced else statutory, factor)
            if factored < statutory:
                return factored, statutory, source.NIGHT_FACTOR, True
            if posted < own:
                return statutory, statutory, source.POSTED_NIGHT if replaced else source.POSTED, True
            given = source.EXPRESSWAY_CLASS if profile.road_class == EXPRESSWAY else source.ROAD_CLASS
            return statutory, statutory, given, True
    unmatched = _or_none(param.unmatched[figures])
    factored = _at_night(unmatched, factor)
    if factored < unmatched:
        return factored, np.int64(NO_LIMIT), source.NIGHT_FACTOR, False
    return unmatched, np.int64(NO_LIMIT), source.UNMATCHED, False


@compiled
def _highest(
    legs: Rows, first: int, count: int, lon: float, lat: float, heading: float, most_deg: float,
    radius_m: float, before: int, east: float, north: float, least: float, profiles: Rows,
    road_profile: NDArray[np.int32], vehicle_class: np.int64, figures: np.int64, night: bool,
    zone: np.int64, param: Row,
) -> np.int64:  # fmt: skip
    """Of the roads that fit equally, the one with the highest limit in force; of equals the first of the map."""
    best, highest = np.int64(NO_ROAD), np.int64(-1)
    for entry in range(first, first + count):
        leg = legs[entry]
        distance = _distance(leg, lon, lat, heading, most_deg, radius_m * radius_m, before, east, north)
        if distance > least + EQUAL_M:
            continue
        road = np.int64(leg.road >> 1)
        force = min(_limit(profiles, road_profile, road, vehicle_class, figures, night, param)[0], zone)
        if force > highest or (force == highest and road < best):
            best, highest = road, force
    return best


@inlined
def _locate(
    match: Row, legs: Rows, first: int, count: int, corner: np.int64, profiles: Rows,
    road_profile: NDArray[np.int32], zone: np.int64, fix: Row, row: Row, param: Row,
) -> None:  # fmt: skip
    """Fill in the context of one fix, and remember its road. `zone` is the limit of the zones that hold, NO_LIMIT none."""
    east, north = metres_per_e7(fix.lat_e7)
    lon, lat = float(np.int64(fix.lon_e7) & corner), float(np.int64(fix.lat_e7) & corner)
    heading, most_deg = float(fix.heading), param.match_heading_deg + SAME_DEG
    if fix.heading == NO_U2 or row.speed < param.moving:
        heading, most_deg = 0.0, ANY_DEG
    before = match.road
    road, least, second = _nearest(
        legs, first, count, lon, lat, heading, most_deg, param.match_radius_m, before, east, north
    )
    vehicle_class = np.int64(row.vehicle_class)
    figures = vehicle_class
    if figures == SCHOOL_BUS and fix.status & (STATUS_PUPILS_KNOWN | STATUS_PUPILS) == STATUS_PUPILS_KNOWN:
        figures = np.int64(COACH)
    night = inside_hours(row.local_ms, param.night_from_ms, param.night_to_ms)
    tied = road != NO_ROAD and second <= least + EQUAL_M
    if tied:
        road = _highest(
            legs, first, count, lon, lat, heading, most_deg, param.match_radius_m, before, east, north, least,
            profiles, road_profile, vehicle_class, figures, night, zone, param,
        )  # fmt: skip
    match.road = road
    force, statutory, given, gives = _limit(
        profiles, road_profile, road, vehicle_class, figures, night, param
    )
    statutory = min(statutory, zone)
    if zone < force:
        force, given = zone, source.ZONE
    row.road = road if gives else NO_ROAD
    row.limit = force
    row.statutory = statutory
    row.against = statutory if statutory != NO_LIMIT else param.ceiling[figures]
    row.source = given
    row.confidence = 50 if tied else 100


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
    """Fill in road, limit, statutory, against, source and confidence of every fix whose speed may be used.

    Args:
        match: MATCH by slot; the road of each vehicle's last fix, brought up to date.
        tables: MapTables.
        fixes: in the order of the log.
        context: of the same fixes, as the gate leaves it.
        params: speeding's parameters by period.
        block: int64 (3, BLOCK), whatever is in it: room to work in.
    """
    cells, shift, legs = tables.grid.cells, tables.grid.shift, tables.legs
    profiles, road_profile = tables.profiles, tables.road_profile
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
                    np.int64(row.limit) if zoned else np.int64(NO_LIMIT), fixes[i], row, params[row.period],
                )  # fmt: skip


def start_match(rows: np.ndarray) -> None:
    """Set fresh rows of MATCH to their beginning."""
    rows["road"] = NO_ROAD


def match_radius_m(config: Config) -> float:
    """The greatest match radius of any rule set: the grid serves all of them."""
    given = (rules.parameters.get("speeding", {}).get("match_radius_m") for rules in config.rules)
    return max([DEFAULT_RADIUS_M, *(float(radius) for radius in given if radius is not None)])


def build_map(config: Config) -> MapTables:
    """Roads and zones of a config as arrays."""
    profiles: dict[bytes, int] = {}
    rows = [_profile(road) for road in config.roads]
    road_profile = np.array([profiles.setdefault(row.tobytes(), len(profiles)) for row in rows], np.int32)
    grid, legs = _grid_of_roads(config.roads, match_radius_m(config))
    packed = np.frombuffer(b"".join(profiles), PROFILE)
    return MapTables(grid, as_records(legs), road_profile, as_records(packed), build_zones(config))


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


def moved(match: np.ndarray, old_keys: np.ndarray, new_keys: np.ndarray) -> np.ndarray:
    """MATCH as it was, its roads numbered as in a new map; a road that is no more is forgotten."""
    result = match.copy()
    on = match["road"] != NO_ROAD
    result["road"][on] = roads_of_keys(new_keys, old_keys[match["road"][on]])
    return result
