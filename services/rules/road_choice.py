"""Which of the roads near a fix counts, and what limit each gives (catalogue section 8, "Doubtful roads").

`legs` are rows of `limits.LEG`, those of one cell from `first` on; `lon`, `lat` count from the cell's corner in 1e-7 degrees.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.compiled import Row, Rows, compiled, inlined
from services.contracts.fix import NO_U2, STATUS_PUPILS, STATUS_PUPILS_KNOWN
from services.contracts.registry import CLASSES, VehicleClass
from services.rules import limit_sources as source
from services.rules.geometry import leg_distance_squared, turn_deg
from services.rules.records import NO_LIMIT, NO_ROAD

EQUAL_M = 0.01
"""Roads no farther apart than this are equally near: 32 bits hold a leg to a millimetre, a fix is kept to a centimetre."""
SAME_DEG = 1e-4
"""Angles are compared inclusively; so much is lost of them in atan2 and in 32 bits."""
ANY_DEG = 400.0
"""Every direction fits."""
COACH, SCHOOL_BUS = CLASSES.index(VehicleClass.COACH), CLASSES.index(VehicleClass.SCHOOL_BUS)
EXPRESSWAY = 0


@inlined
def squared_m(
    leg: Row, lon: float, lat: float, heading: float, most_deg: float, most_squared: float, east: float,
    north: float,
) -> float:  # fmt: skip
    """Square of the metres to a leg; infinite where it is too far or its direction does not fit.

    `lon`, `lat` count from the cell's corner. A two-way road fits either way round.
    """
    squared = leg_distance_squared(
        lon, lat, float(leg.a_lon), float(leg.a_lat), float(leg.b_lon), float(leg.b_lat), east, north
    )
    if squared > most_squared:
        return np.inf
    turn = turn_deg(float(leg.bearing), heading)
    if leg.road & 1 == 0:
        turn = min(turn, 180.0 - turn)
    return np.inf if turn > most_deg else squared


@inlined
def nearest(
    legs: Rows, first: int, count: int, lon: float, lat: float, heading: float, most_deg: float,
    radius_m: float, east: float, north: float,
) -> tuple[np.int64, float, float]:  # fmt: skip
    """The nearest road that fits among the legs of a cell, the square of its distance, and that of the next nearest road."""
    road, least, second = np.int64(NO_ROAD), np.inf, np.inf
    for entry in range(first, first + count):
        leg = legs[entry]
        squared = squared_m(leg, lon, lat, heading, most_deg, radius_m * radius_m, east, north)
        if squared == np.inf:
            continue
        if leg.road >> 1 == road:
            least = min(least, squared)
        elif squared < least:
            road, least, second = np.int64(leg.road >> 1), squared, least
        else:
            second = min(second, squared)
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
def limit_on(
    profiles: Rows, road_profile: NDArray[np.int32], road: np.int64, vehicle_class: np.int64,
    figures: np.int64, night: bool, param: Row,
) -> tuple[np.int64, np.int64, int, bool]:  # fmt: skip
    """The limit on a road, or on none, zones left out: (in force, statutory part, source, whether the road gives one).

    `figures` is the class whose statutory, unmatched and ceiling figures hold. On no road the ceiling is the statutory part.
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
        return factored, np.int64(param.ceiling[figures]), source.NIGHT_FACTOR, False
    return unmatched, np.int64(param.ceiling[figures]), source.UNMATCHED, False


@compiled
def choice(
    legs: Rows, first: int, count: int, lon: float, lat: float, heading: float, most_deg: float,
    most_squared: float, before: int, east: float, north: float, profiles: Rows,
    road_profile: NDArray[np.int32], vehicle_class: np.int64, figures: np.int64, night: bool,
    zone: np.int64, param: Row,
) -> tuple[np.int64, bool]:  # fmt: skip
    """Of the roads that fit equally the one that counts, and whether they differ in limit or statutory part.

    The highest limit in force, of equals the highest statutory part, then the road of the fix before, the nearest, the first of the map.
    """
    best, highest, law, near, doubt = np.int64(NO_ROAD), np.int64(-1), np.int64(-1), np.inf, False
    for entry in range(first, first + count):
        leg = legs[entry]
        squared = squared_m(leg, lon, lat, heading, most_deg, most_squared, east, north)
        if squared == np.inf:
            continue
        road = np.int64(leg.road >> 1)
        force, statutory, _, _ = limit_on(profiles, road_profile, road, vehicle_class, figures, night, param)
        force, statutory = min(force, zone), min(statutory, zone)
        doubt = bool(doubt or (highest >= 0 and (force != highest or statutory != law)))
        higher = force > highest or (force == highest and statutory > law)
        if not higher and (force != highest or statutory != law or (best == before and best != NO_ROAD)):
            continue
        distance = math.sqrt(squared)
        if higher or road == before or distance < near - EQUAL_M:
            best, highest, law, near = road, force, statutory, distance
        elif distance <= near + EQUAL_M:
            best, near = min(best, road), min(near, distance)
    return best, doubt


@inlined
def figures_of(fix: Row, row: Row) -> np.int64:
    """The class whose statutory, unmatched and ceiling figures hold: a school bus without pupils has a coach's."""
    known = fix.status & (STATUS_PUPILS_KNOWN | STATUS_PUPILS)
    if row.vehicle_class == SCHOOL_BUS and known == STATUS_PUPILS_KNOWN:
        return np.int64(COACH)
    return np.int64(row.vehicle_class)


@inlined
def direction(fix: Row, row: Row, match_param: Row) -> tuple[float, float]:
    """Heading, and how far a road's direction may differ from it; anything may where direction is not asked."""
    if fix.heading == NO_U2 or row.speed < match_param.moving:
        return 0.0, ANY_DEG
    return float(fix.heading), match_param.match_heading_deg + SAME_DEG


@inlined
def equally_far(least: float, tie_m: float, radius_m: float) -> float:
    """Square of the metres within which roads fit as well as the nearest, `least` being the square of its distance."""
    reach_m = min(math.sqrt(least) + tie_m + EQUAL_M, radius_m)
    return reach_m * reach_m
