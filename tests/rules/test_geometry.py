"""What the map and the corridors measure with: distances without NaN, cells that leave nothing out, the leg that is nearest indeed."""

import math
from typing import Any

import numpy as np
import pytest

from services.compiled import compiled
from services.contracts.registry import Config, Road, RoadClass, Route
from services.rules.corridor import build_corridors, nearest_leg, off_by
from services.rules.geometry import (
    bearing_deg,
    distance_m,
    leg_distance_squared,
    metres_per_e7,
    share_along,
    turn_deg,
)
from services.rules.grid import cells_of_boxes, cells_of_legs, find_cell, make_grid
from services.rules.limits import build_map
from services.rules.matching import MATCHING
from tests.rules.reference import geometry as plain

E7 = 10_000_000
NO_PARAMETERS = np.zeros(1, MATCHING.params_dtype)


def leg_m(lon_e7: float, lat_e7: float, leg: tuple[float, float, float, float]) -> float:
    """Metres from a point to a leg."""
    east, north = metres_per_e7(round(lat_e7))
    return math.sqrt(leg_distance_squared(float(lon_e7), float(lat_e7), *leg, east, north))


def test_a_point_on_a_north_south_leg_is_on_it() -> None:
    """Traccar's corridor vector: Heron's formula gives NaN here, and the vehicle would be outside."""
    leg = (1068917890.0, 383800150.0, 1068917890.0, 384065400.0)
    assert leg_m(1068917890, 383948830, leg) < 1e-9


def test_no_point_on_a_north_south_leg_is_off_it() -> None:
    rng = np.random.default_rng(1)
    for _ in range(2000):
        lon = float(rng.integers(105_000_000, 107_000_000) * 10)
        south = float(rng.integers(37_000_000, 39_000_000) * 10)
        north = south + float(rng.integers(1, 40_000) * 10)
        assert leg_m(lon, float(rng.integers(int(south), int(north) + 1)), (lon, south, lon, north)) < 1e-5


def test_a_leg_without_length_is_a_point() -> None:
    leg = (1062000000.0, 385000000.0, 1062000000.0, 385000000.0)
    assert leg_m(1062000000, 385009000, leg) == pytest.approx(99.9, abs=0.1)
    assert share_along(1.0, 2.0, *leg, 0.01, 0.01) == 0.0


def test_beyond_its_ends_a_leg_is_as_far_as_the_end() -> None:
    leg = (1062000000.0, 385000000.0, 1062100000.0, 385000000.0)
    assert leg_m(1062200000, 385000000, leg) == pytest.approx(
        distance_m(1062100000, 385000000, 1062200000, 385000000)
    )


@pytest.mark.parametrize("lat", [-89.9, -45.0, -0.05, 0.0, 18.2, 38.4872, 53.6, 89.9, 90.0, -90.0])
def test_metres_of_a_degree_are_those_of_the_series(lat: float) -> None:
    east, north = metres_per_e7(round(lat * E7))
    expected_east, expected_north = plain.metres_per_degree(lat)
    assert east * E7 == pytest.approx(expected_east, rel=2e-6, abs=0.3)
    assert north * E7 == pytest.approx(expected_north, rel=2e-6)


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [  # Vincenty on WGS-84, from published test pairs and a tape of one degree
        ((106.0, 38.0), (107.0, 38.0), 87_832.0),
        ((106.0, 38.0), (106.0, 39.0), 111_006.0),
        ((121.4737, 31.2304), (121.5654, 31.3304), 14_126.0),
    ],
)
def test_distances_are_within_half_a_percent(
    a: tuple[float, float], b: tuple[float, float], metres: float
) -> None:
    assert distance_m(a[0] * E7, a[1] * E7, b[0] * E7, b[1] * E7) == pytest.approx(metres, rel=0.005)


@pytest.mark.parametrize(
    ("to", "bearing"), [((0, 1), 0), ((1, 0), 90), ((0, -1), 180), ((-1, 0), 270)], ids=["n", "e", "s", "w"]
)
def test_bearings_count_from_north_clockwise(to: tuple[int, int], bearing: float) -> None:
    lon, lat = 1062000000.0, 385000000.0
    assert bearing_deg(lon, lat, lon + to[0] * 1e5, lat + to[1] * 1e5) == pytest.approx(bearing)


def test_a_turn_is_the_shorter_way_round() -> None:
    assert turn_deg(350.0, 10.0) == 20.0
    assert turn_deg(10.0, 190.0) == 180.0


def test_a_cell_lists_every_leg_within_reach() -> None:
    """Random points against all legs, short ones and ones over hundreds of cells."""
    rng = np.random.default_rng(2)
    shift, reach_m = 14, 30.0
    starts = rng.uniform([1061000000, 384000000], [1061300000, 384300000], (120, 2))
    ends = starts + rng.normal(0, 1, (120, 2)) * 10.0 ** rng.uniform(1, 6, (120, 1))
    lines = np.ascontiguousarray(np.hstack([starts, ends]))
    xs, ys, legs = cells_of_legs(lines, np.full(len(lines), reach_m), shift)
    grid, order = make_grid(xs, ys, shift)
    near = legs[order]
    shares = rng.random(20_000)
    of = rng.integers(0, len(lines), 20_000)
    points = starts[of] + (ends - starts)[of] * shares[:, None] + rng.normal(0, 2000, (20_000, 2))
    within = 0
    for lon, lat in points.round().astype(np.int64).tolist():
        first, count = find_cell(grid.cells, shift, lon, lat)
        listed = set(near[first : first + count].tolist())
        east, north = metres_per_e7(lat)
        x, y = (lines[:, [0, 2]] - lon) * east, (lines[:, [1, 3]] - lat) * north
        dx, dy = x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]
        share = np.clip(-(x[:, 0] * dx + y[:, 0] * dy) / (dx * dx + dy * dy), 0, 1)
        distance = np.hypot(x[:, 0] + share * dx, y[:, 0] + share * dy)
        reached = set(np.flatnonzero(distance <= reach_m).tolist())
        within += len(reached)
        assert reached <= listed
    assert within > 10_000


def test_a_grid_finds_what_stands_in_a_cell_and_nothing_elsewhere() -> None:
    boxes = np.array([[0.0, 0.0, 40_000.0, 20_000.0], [-40_000.0, -40_000.0, -20_000.0, -20_000.0]])
    xs, ys, owners = cells_of_boxes(boxes, 14)
    grid, order = make_grid(xs, ys, 14)

    def at(lon: int, lat: int) -> list[int]:
        first, count = find_cell(grid.cells, 14, lon, lat)
        return owners[order][first : first + count].tolist()  # type: ignore[no-any-return]

    assert at(39_999, 19_999) == [0]
    assert at(-30_000, -30_000) == [1]
    assert at(100_000, 0) == []
    assert at(-1, 0) == []


def test_an_empty_grid_finds_nothing() -> None:
    none = np.zeros(0, np.int64)
    grid, _ = make_grid(none, none, 14)
    assert find_cell(grid.cells, 14, 1_062_000_000, 385_000_000) == (0, 0)
    assert len(build_map(Config(), NO_PARAMETERS).legs) == 0


def test_a_leg_in_its_cell_is_exact_to_a_millimetre() -> None:
    road = Road(road_class=RoadClass.HIGHWAY, coordinates=((106.2000001, 38.5), (106.2700003, 38.5600007)))
    tables = build_map(Config(roads=(road,)), NO_PARAMETERS)
    for cell in tables.grid.cells[tables.grid.cells["count"] > 0]:
        leg = tables.legs[cell["first"]]
        size = 1 << tables.grid.shift
        assert float(leg["a_lon"]) + int(cell["x"]) * size == pytest.approx(1_062_000_001, abs=0.1)
        assert float(leg["b_lat"]) + int(cell["y"]) * size == pytest.approx(385_600_007, abs=0.1)


@compiled
def _brute(corridors: Any, place: int, lon: int, lat: int) -> tuple[float, int]:
    route = corridors.routes[place]
    east, north = metres_per_e7(lat)
    least, nearest = np.inf, -1
    for leg in range(route.legs):
        a = np.int64(route.first) + leg
        squared = leg_distance_squared(
            float(lon), float(lat), corridors.points[a, 0], corridors.points[a, 1],
            corridors.points[a + 1, 0], corridors.points[a + 1, 1], east, north,
        )  # fmt: skip
        if squared < least:
            least, nearest = squared, leg
    return least, nearest


@compiled
def _wrong(corridors: Any, places: Any, hints: Any, lons: Any, lats: Any) -> int:
    """How many of the points the tree gives another leg or distance for than looking at every leg does."""
    wrong = 0
    for i in range(len(places)):
        east, north = metres_per_e7(lats[i])
        found = nearest_leg(
            corridors.points, corridors.boxes, corridors.routes[places[i]], hints[i], float(lons[i]), float(lats[i]),
            east, north, -1.0,
        )  # fmt: skip
        expected = _brute(corridors, places[i], lons[i], lats[i])
        if found[0] != expected[0] or found[1] != expected[1]:
            wrong += 1
    return wrong


def _winding(rng: np.random.Generator, legs: int) -> Route:
    """A line that turns, crosses itself and doubles back, some of its points given twice."""
    headings = np.cumsum(rng.normal(0, 0.6, legs)) + np.where(rng.random(legs) < 0.02, math.pi, 0)
    lengths = np.where(rng.random(legs) < 0.03, 0.0, 10.0 ** rng.uniform(-4.5, -1.5, legs))
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1) * lengths[:, None]
    points = np.vstack([[106.2, 38.4], np.array([106.2, 38.4]) + np.cumsum(steps, axis=0)]).round(7)
    return Route(
        route="r",
        name="",
        coordinates=tuple((float(x), float(y)) for x, y in points),
        leg_half_widths_m=(100.0,) * legs,
    )


def test_the_nearest_leg_is_the_nearest_leg() -> None:
    """10^5 points on and off random lines, wherever the search begins."""
    rng = np.random.default_rng(3)
    routes = [_winding(rng, int(legs)) for legs in [1, 2, 3, 4, 5, 7, 8, 9, *rng.integers(10, 600, 60)]]
    corridors = build_corridors(routes)
    count = 100_000 if hasattr(_wrong, "py_func") else 300
    places = rng.integers(0, len(routes), count)
    legs = corridors.routes["legs"][places]
    base = corridors.points[corridors.routes["first"][places] + (rng.random(count) * (legs + 1)).astype(int)]
    points = base + rng.normal(0, 1, (count, 2)) * 10.0 ** rng.uniform(-1, 6.5, (count, 1))
    lons, lats = points.round().astype(np.int64).T
    hints = (rng.random(count) * legs).astype(int)
    assert _wrong(corridors, places, hints, lons, lats) == 0


def test_of_equally_near_legs_the_widest_counts() -> None:
    """At a corner both legs are equally near; where a route doubles back, all of them."""
    line = ((106.2, 38.4), (106.3, 38.4), (106.3, 38.5), (106.3, 38.4), (106.2, 38.4))
    corridors = build_corridors(
        [Route(route="r", name="", coordinates=line, leg_half_widths_m=(50.0, 300.0, 20.0, 80.0))]
    )
    route = corridors.routes[0]
    off, distance, leg = off_by(corridors, route, 0, 1_063_020_000, 383_980_000, 15.0)  # beyond the corner
    assert (off, leg) == (False, 1)
    off, distance, leg = off_by(corridors, route, 3, 1_062_500_000, 384_010_000, 15.0)  # beside legs 0 and 3
    assert (off, leg) == (True, 3)
    assert distance == pytest.approx(111.0, rel=0.005)


def test_a_distance_far_from_the_route_is_within_half_a_percent() -> None:
    """120 km north-east of the end, where a degree is shorter than on the route."""
    corridors = build_corridors(
        [Route(route="r", name="", coordinates=((106.2, 38.0), (106.3, 38.0)), leg_half_widths_m=(100.0,))]
    )
    off, distance, _ = off_by(corridors, corridors.routes[0], 0, 1_073_000_000, 388_000_000, 15.0)
    assert off
    assert distance == pytest.approx(124_700.0, rel=0.005)
