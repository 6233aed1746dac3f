"""Distances and directions on the ground, in a local metric projection: what the map's context and the rules measure with.

A fix is compared with lines a few hundred metres off, so the Earth is flat there: degrees are scaled by the metres of a degree at the
fix's own latitude (WGS-84 series, exact to a centimetre a degree). A distance to a leg is that to its nearest point, by projection: no
square root of a difference (Heron), which turns into NaN for a point lying exactly on a north-south leg.
Positions are in 1e-7 degrees, floats or integers; lines across the antimeridian are not known.
"""

import math

import numpy as np

from services.compiled import compiled, inlined

STEP_BITS = 20
"""The table below has a row every 2**20 units of 1e-7 degree (0.105 degrees); between rows it is off by less than 1e-6 of the value."""
STEP = 1 << STEP_BITS
SOUTH_POLE_E7 = -900_000_000
NEAR_E7 = 0.0111320
"""No more metres than this has 1e-7 degree anywhere (a degree of longitude on the equator)."""


def _series(lat_e7: float) -> tuple[float, float]:
    phi = math.radians(lat_e7 * 1e-7)
    east = 111412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)
    north = 111132.954 - 559.822 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    return east * 1e-7, north * 1e-7


METRES = np.array([_series(lat_e7) for lat_e7 in range(SOUTH_POLE_E7, -SOUTH_POLE_E7 + 2 * STEP, STEP)])


@inlined
def metres_per_e7(lat_e7: float) -> tuple[float, float]:
    """Metres of 1e-7 degree of longitude and of latitude at a latitude: (east, north)."""
    above = np.int64(lat_e7) - SOUTH_POLE_E7
    row = above >> STEP_BITS
    share = (above & (STEP - 1)) * (1.0 / STEP)
    east = METRES[row, 0] + share * (METRES[row + 1, 0] - METRES[row, 0])
    north = METRES[row, 1] + share * (METRES[row + 1, 1] - METRES[row, 1])
    return east, north


@inlined
def leg_distance_squared(
    lon: float, lat: float, a_lon: float, a_lat: float, b_lon: float, b_lat: float, east: float, north: float
) -> float:
    """Square of the metres from a point to the leg a-b, `east` and `north` being metres of 1e-7 degree; a leg may have no length."""
    ax = (a_lon - lon) * east
    ay = (a_lat - lat) * north
    dx = (b_lon - a_lon) * east
    dy = (b_lat - a_lat) * north
    along = -(ax * dx + ay * dy)
    if along > 0.0:
        length = dx * dx + dy * dy
        share = along / length if along < length else 1.0
        ax += share * dx
        ay += share * dy
    return ax * ax + ay * ay


@compiled
def share_along(
    lon: float, lat: float, a_lon: float, a_lat: float, b_lon: float, b_lat: float, east: float, north: float
) -> float:
    """Where on the leg a-b the point nearest to (lon, lat) lies: 0 at a, 1 at b."""
    dx = (b_lon - a_lon) * east
    dy = (b_lat - a_lat) * north
    along = (lon - a_lon) * east * dx + (lat - a_lat) * north * dy
    length = dx * dx + dy * dy
    if along <= 0.0 or length == 0.0:
        return 0.0
    return min(along / length, 1.0)


@compiled
def distance_m(a_lon: float, a_lat: float, b_lon: float, b_lat: float) -> float:
    """Metres between two points, projected at their middle latitude: within 0.5 % up to some hundred kilometres."""
    east, north = metres_per_e7(0.5 * (float(a_lat) + float(b_lat)))
    return math.hypot((float(b_lon) - float(a_lon)) * east, (float(b_lat) - float(a_lat)) * north)


@inlined
def within(lon_a: int, lat_a: int, lon_b: int, lat_b: int, radius_m: float) -> bool:
    """Whether two positions in 1e-7 degrees lie at most so far apart; a standing vehicle is told by two subtractions."""
    east_e7, north_e7 = abs(np.int64(lon_a) - np.int64(lon_b)), abs(np.int64(lat_a) - np.int64(lat_b))
    if (east_e7 + north_e7) * NEAR_E7 <= radius_m:
        return True
    east, north = metres_per_e7(0.5 * (float(lat_a) + float(lat_b)))
    x, y = east_e7 * east, north_e7 * north
    return bool(x * x + y * y <= radius_m * radius_m)


@compiled
def bearing_deg(a_lon: float, a_lat: float, b_lon: float, b_lat: float) -> float:
    """Direction of the leg a-b, degrees from north clockwise, 0 <= bearing < 360; 0 for a leg of no length."""
    east, north = metres_per_e7(0.5 * (a_lat + b_lat))
    bearing = math.degrees(math.atan2((b_lon - a_lon) * east, (b_lat - a_lat) * north))
    return bearing + 360.0 if bearing < 0.0 else bearing


@inlined
def turn_deg(a: float, b: float) -> float:
    """Least angle between two directions in 0-360, 0 <= turn <= 180."""
    turn = abs(a - b)
    return 360.0 - turn if turn > 180.0 else turn
