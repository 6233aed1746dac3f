"""Metres and degrees on a flat Earth around a point: nothing here is more than school geometry, written out."""

import itertools
import math

Degrees = tuple[float, float]
"""lon, lat."""


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres of one degree of longitude and of latitude, WGS-84 series."""
    phi = math.radians(lat)
    east = 111412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)
    north = 111132.954 - 559.822 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    return east, north


def distance_m(a: Degrees, b: Degrees) -> float:
    """Between two points, at the latitude between them."""
    east, north = metres_per_degree((a[1] + b[1]) / 2)
    return math.hypot((a[0] - b[0]) * east, (a[1] - b[1]) * north)


def distance_to_leg_m(point: Degrees, start: Degrees, end: Degrees) -> float:
    """From a point to the nearest point of a leg."""
    east, north = metres_per_degree(point[1])
    ax, ay = (start[0] - point[0]) * east, (start[1] - point[1]) * north
    bx, by = (end[0] - point[0]) * east, (end[1] - point[1]) * north
    dx, dy = bx - ax, by - ay
    length_squared = dx * dx + dy * dy
    if length_squared == 0:
        return math.hypot(ax, ay)
    share = min(1.0, max(0.0, -(ax * dx + ay * dy) / length_squared))
    return math.hypot(ax + share * dx, ay + share * dy)


def bearing_deg(start: Degrees, end: Degrees) -> float:
    """Direction of a leg, degrees from north, clockwise."""
    east, north = metres_per_degree((start[1] + end[1]) / 2)
    return math.degrees(math.atan2((end[0] - start[0]) * east, (end[1] - start[1]) * north)) % 360


def turn_deg(a: float, b: float) -> float:
    """The angle between two directions, 0 to 180."""
    turn = abs(a - b) % 360
    return min(turn, 360 - turn)


def inside_rings(point: Degrees, rings: tuple[tuple[Degrees, ...], ...]) -> bool:
    """Whether a ray to the east crosses the rings an odd number of times."""
    crossings = 0
    for ring in rings:
        for start, end in itertools.pairwise(ring):
            if (start[1] > point[1]) != (end[1] > point[1]):
                lon = start[0] + (point[1] - start[1]) / (end[1] - start[1]) * (end[0] - start[0])
                crossings += lon > point[0]
    return crossings % 2 == 1
