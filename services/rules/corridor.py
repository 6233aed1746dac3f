"""Routes as lines with a width for each leg, and the exact nearest leg of a line of any length.

Each route carries a tree of boxes over runs of a few legs: a search starts where the last fix was, then looks into every box that may
hold something nearer, and into no other. So it costs a few legs on the route, a few dozen boxes far off it, and is never wrong. A fix
that is surely inside needs no more than one leg that is near enough, which is the common case.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.compiled import Floats, Row, Rows, Whole, compiled, compiled_freely, inlined
from services.contracts.registry import Route
from services.rules.geometry import distance_m, leg_distance_squared, metres_per_e7, share_along
from services.rules.records import as_records

LEGS_A_LEAF = 4
LOOK_AHEAD = 3
"""Legs from the last one on that are asked first whether they are near enough."""
EQUAL_M = 0.01
"""Legs no farther apart than this are equally near: the widest of them counts."""
ROUNDING = 1.0 + 1e-9
"""A box may come out a bit farther than what lies on its edge; it is looked into all the same."""
FAR_M = 5_000.0
"""Beyond it a degree at the fix and one at the route differ: distances are measured again at the latitude between."""

ROUTE = np.dtype(
    [
        ("first", "i4"),  # its first point; leg i runs from point first + i to the next
        ("legs", "i4"),
        ("tree", "i4"),  # its boxes: node n at tree + n, root 1, children 2n and 2n + 1, leaf i at leaves + i
        ("leaves", "i4"),
        ("least_half_m", "f8"),
    ],
    align=True,
)


class Corridors(NamedTuple):
    """All routes of a config."""

    routes: np.ndarray  # ROUTE
    points: np.ndarray  # f8 (n, 2): lon, lat in 1e-7 degrees
    half_m: np.ndarray  # f8 (n): half width of the leg that begins at the point
    boxes: np.ndarray  # i4 (m, 4): west, south, east, north


@compiled
def _leaf(
    points: Floats, route: Row, leaf: Whole, lon: float, lat: float, east: float, north: float,
    least: float, nearest: Whole,
) -> tuple[float, Whole]:  # fmt: skip
    """(square of the least distance, its leg), the legs of one leaf taken into account; of equal ones the first of the route."""
    first = leaf * LEGS_A_LEAF
    for leg in range(first, min(first + LEGS_A_LEAF, route.legs)):
        a = route.first + leg
        squared = leg_distance_squared(
            lon, lat, points[a, 0], points[a, 1], points[a + 1, 0], points[a + 1, 1], east, north
        )
        if squared < least or (squared == least and leg < nearest):
            least, nearest = squared, leg
    return least, nearest


@compiled
def _box_squared(
    boxes: NDArray[np.int32], box: Whole, lon: float, lat: float, east: float, north: float
) -> float:
    """Square of the metres from a point to a box, 0 inside."""
    x: float = max(boxes[box, 0] - lon, lon - boxes[box, 2], 0.0) * east
    y: float = max(boxes[box, 1] - lat, lat - boxes[box, 3], 0.0) * north
    return x * x + y * y


@compiled
def _under(
    points: Floats, boxes: NDArray[np.int32], route: Row, top: Whole, lon: float, lat: float, east: float,
    north: float, least: float, nearest: Whole,
) -> tuple[float, Whole]:  # fmt: skip
    """`_leaf` for every leaf under a node that can hold something nearer, without a stack: after a subtree comes its right neighbour."""
    node = top
    while True:
        if _box_squared(boxes, route.tree + node, lon, lat, east, north) <= least * ROUNDING:
            if node < route.leaves:
                node *= 2
                continue
            least, nearest = _leaf(points, route, node - route.leaves, lon, lat, east, north, least, nearest)
        while node != top and node & 1:
            node >>= 1
        if node == top:
            return least, nearest
        node += 1


@inlined
def _within(
    points: Floats, a: Whole, lon: float, lat: float, east: float, north: float, enough: float
) -> bool:
    """Whether the square of the metres from a point to the leg that begins at point `a` is not above `enough`: no division, no root."""
    ax, ay = (points[a, 0] - lon) * east, (points[a, 1] - lat) * north
    dx, dy = (points[a + 1, 0] - points[a, 0]) * east, (points[a + 1, 1] - points[a, 1]) * north
    along, length = -(ax * dx + ay * dy), dx * dx + dy * dy
    if along <= 0.0:
        return bool(ax * ax + ay * ay <= enough)
    if along >= length:
        return bool((ax + dx) * (ax + dx) + (ay + dy) * (ay + dy) <= enough)
    across = ax * dy - ay * dx
    return bool(across * across <= enough * length)


@compiled
def nearest_leg(
    points: Floats, boxes: NDArray[np.int32], route: Row, hint: int, lon: float, lat: float, east: float,
    north: float, enough: float,
) -> tuple[float, Whole]:  # fmt: skip
    """(square of the distance in metres, leg) of the leg nearest to a point; `hint` is the leg to look at first.

    Any leg whose squared distance is not above `enough` may be returned, and `enough` for its distance; below 0 it is always the nearest,
    the first of equal ones.
    """
    for ahead in range(LOOK_AHEAD):  # most often the vehicle has just driven on
        leg = np.int64(hint) + ahead
        if leg < route.legs and _within(points, np.int64(route.first) + leg, lon, lat, east, north, enough):
            return enough, leg
    leaf = np.int64(hint // LEGS_A_LEAF)
    least, nearest = _leaf(points, route, leaf, lon, lat, east, north, np.inf, np.int64(route.legs))
    if least <= enough:
        return least, nearest
    for beside in (leaf + 1, leaf - 1):
        if 0 <= beside < route.leaves:
            least, nearest = _leaf(points, route, beside, lon, lat, east, north, least, nearest)
            if least <= enough:
                return least, nearest
    node = route.leaves + leaf
    while node > 1 and least > enough:
        least, nearest = _under(points, boxes, route, node ^ 1, lon, lat, east, north, least, nearest)
        node >>= 1
    return least, nearest


@compiled
def _widest(
    points: Floats, half_m: Floats, boxes: NDArray[np.int32], route: Row, bound: float, lon: float,
    lat: float, east: float, north: float,
) -> Whole:  # fmt: skip
    """The widest leg whose squared distance is not above `bound`, the first of equal ones."""
    node, widest = np.int64(1), -1.0
    found: Whole = np.int64(route.legs)
    while True:
        if _box_squared(boxes, route.tree + node, lon, lat, east, north) <= bound:
            if node < route.leaves:
                node *= 2
                continue
            first = (node - route.leaves) * LEGS_A_LEAF
            for leg in range(first, min(first + LEGS_A_LEAF, route.legs)):
                a = route.first + leg
                squared = leg_distance_squared(
                    lon, lat, points[a, 0], points[a, 1], points[a + 1, 0], points[a + 1, 1], east, north
                )
                if squared <= bound and (half_m[a] > widest or (half_m[a] == widest and leg < found)):
                    widest, found = half_m[a], leg
        while node != 1 and node & 1:
            node >>= 1
        if node == 1:
            return found
        node += 1


@inlined
def off_by(
    corridors: Corridors, route: Row, hint: int, lon_e7: int, lat_e7: int, margin_m: float
) -> tuple[bool, float, Whole]:
    """(whether a point is outside a route's corridor, distance in metres, leg); the last two are exact where it is outside.

    A point that is within the narrowest width of any leg is inside, whichever leg is nearest.
    """
    points, boxes, half_m = corridors.points, corridors.boxes, corridors.half_m
    lon, lat = float(lon_e7), float(lat_e7)
    east, north = metres_per_e7(lat_e7)
    sure = (route.least_half_m + margin_m) * (route.least_half_m + margin_m)
    squared, leg = nearest_leg(points, boxes, route, hint, lon, lat, east, north, sure)
    distance = np.sqrt(squared)
    if squared <= sure:
        return False, distance, leg
    bound = (distance + EQUAL_M) * (distance + EQUAL_M)
    leg = _widest(points, half_m, boxes, route, bound, lon, lat, east, north)
    a = route.first + leg
    if distance > FAR_M:
        share = share_along(
            lon, lat, points[a, 0], points[a, 1], points[a + 1, 0], points[a + 1, 1], east, north
        )
        at_lon = points[a, 0] + share * (points[a + 1, 0] - points[a, 0])
        at_lat = points[a, 1] + share * (points[a + 1, 1] - points[a, 1])
        distance = distance_m(lon, lat, at_lon, at_lat)
    return distance > half_m[a] + margin_m, distance, leg


@compiled
def near_an_end(corridors: Corridors, route: Row, lon_e7: int, lat_e7: int, exempt_m: float) -> bool:
    """Whether a point lies within `exempt_m` in a straight line of either end point of a route."""
    points = corridors.points
    for end in (np.int64(route.first), np.int64(route.first) + np.int64(route.legs)):
        if distance_m(lon_e7, lat_e7, points[end, 0], points[end, 1]) <= exempt_m:
            return True
    return False


@compiled_freely
def _grow_trees(routes: Rows, points: Floats, boxes: NDArray[np.int32]) -> None:
    """Boxes of the leaves, rounded outwards, then of what stands above them."""
    for r in range(len(routes)):
        route = routes[r]
        for leaf in range(route.leaves):
            box = boxes[route.tree + route.leaves + leaf]
            first = route.first + leaf * LEGS_A_LEAF
            last = min(first + LEGS_A_LEAF, route.first + route.legs)
            for axis in range(2):
                box[axis] = np.int64(np.floor(points[first : last + 1, axis].min()))
                box[axis + 2] = np.int64(np.ceil(points[first : last + 1, axis].max()))
        for node in range(route.leaves - 1, 0, -1):
            for axis in range(2):
                one, other = boxes[route.tree + 2 * node], boxes[route.tree + 2 * node + 1]
                boxes[route.tree + node, axis] = min(one[axis], other[axis])
                boxes[route.tree + node, axis + 2] = max(one[axis + 2], other[axis + 2])


def build_corridors(routes: Sequence[Route]) -> Corridors:
    """Routes as arrays, in their order."""
    rows = np.zeros(len(routes), ROUTE)
    first = tree = 0
    points, halves = [np.zeros((0, 2))], [np.zeros(0)]
    for row, route in zip(rows, routes, strict=True):
        legs = len(route.coordinates) - 1
        leaves = -(-legs // LEGS_A_LEAF)
        row["first"], row["legs"], row["tree"], row["leaves"] = first, legs, tree, leaves
        row["least_half_m"] = min(route.leg_half_widths_m)
        points.append(np.array(route.coordinates, np.float64).reshape(-1, 2) * 1e7)
        halves.append(np.array([*route.leg_half_widths_m, 0.0]))
        first, tree = first + legs + 1, tree + 2 * leaves
    boxes = np.zeros((tree, 4), np.int32)
    corridors = Corridors(as_records(rows), np.concatenate(points), np.concatenate(halves), boxes)
    _grow_trees(corridors.routes, corridors.points, boxes)
    return corridors
