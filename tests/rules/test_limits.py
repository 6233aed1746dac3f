"""The road a fix is on and the limit there: by hand where the text gives a figure, and against the reference on dense random maps."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from services.contracts.fix import NO_U2, fix_columns
from services.contracts.registry import (
    CLASSES,
    ROAD_CLASSES,
    Config,
    Road,
    RoadClass,
    RuleSet,
    Vehicle,
    VehicleClass,
    Zone,
)
from services.rules import limits
from services.rules.engine import Engine
from services.rules.limit_sources import SOURCES
from services.rules.matching import MATCHING
from services.rules.records import NO_LIMIT, NO_ROAD
from tests.rules.reference.fixes import Fix, from_records, to_records
from tests.rules.reference.limits import limit_at

NOON_MS = 1_763_956_800_000  # 2025-11-24T04:00:00Z, 12:00 local
NIGHT_MS = NOON_MS + 11 * 3_600_000  # 23:00 local
LON, LAT = 106.2, 38.48
M_LON, M_LAT = 87_300.0, 111_010.0

Place = tuple[float, float]


def spot(x_m: float, y_m: float) -> Place:
    """Metres east and north of the middle as degrees."""
    return round(float(LON + x_m / M_LON), 7), round(float(LAT + y_m / M_LAT), 7)


def road(*places_m: Place, road_class: str = "highway", **more: Any) -> Road:
    """A road through places in metres."""
    return Road(
        road_class=RoadClass(road_class), coordinates=tuple(spot(*place) for place in places_m), **more
    )


def square(
    zone: str, west: float, south: float, east: float, north: float, *holes: Sequence[Place], **more: Any
) -> Zone:
    """A rectangle in metres, with holes."""
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    rings = tuple(tuple(spot(*place) for place in part) for part in (ring, *holes))
    return Zone(zone=zone, name=zone, kind="hazard_section", polygons=(rings,), **more)


def config(
    vehicle_class: str = "coach", *, roads: Sequence[Road] = (), zones: Sequence[Zone] = (), **speeding: Any
) -> Config:
    """One vehicle of a class."""
    vehicle = Vehicle(
        id=1, plate="宁A00001", plate_color="yellow", vehicle_class=VehicleClass(vehicle_class), terminal="1",
        operator="o", division="640100",
    )  # fmt: skip
    return Config(
        vehicles=(vehicle,),
        roads=tuple(roads),
        zones=tuple(zones),
        rules=(RuleSet(parameters=_by_owner(speeding)),),
    )


def _by_owner(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters of matching and of speeding under their names."""
    found: dict[str, dict[str, Any]] = {"plausibility": {"frozen_distance_m": 1_000_000}, "speeding": {}}
    for name, value in given.items():
        owner = "matching" if name == "tie_m" else "speeding"
        found.setdefault(owner, {})[name] = value
    return found


def fix(x_m: float = 0.0, y_m: float = 0.0, *, time_ms: int = NOON_MS, kmh: float = 50, **more: Any) -> Fix:
    """A fix somewhere."""
    lon, lat = spot(x_m, y_m)
    return Fix(
        vehicle=1,
        time_ms=time_ms,
        lon_e7=round(lon * 1e7),
        lat_e7=round(lat * 1e7),
        speed=round(kmh * 10),
        **more,
    )


def located(world: Config, fixes: Sequence[Fix]) -> np.ndarray:
    """The context of fixes at ascending times."""
    engine = Engine(world, lambda _: None)
    engine.judge(to_records(fixes))
    return engine.context[: len(fixes)].copy()


def at(world: Config, one: Fix) -> tuple[float | None, float | None, str, int, float]:
    """(limit, statutory part, source, road, confidence) of one fix, km/h."""
    row = located(world, [one])[0]
    speeds = [None if int(row[name]) == NO_LIMIT else int(row[name]) / 10 for name in ("limit", "statutory")]
    return (
        speeds[0],
        speeds[1],
        SOURCES[int(row["source"])].code,
        int(row["road"]),
        int(row["confidence"]) / 100,
    )


EAST = ((-3000.0, 0.0), (3000.0, 0.0))
"""A road from west to east through the middle."""


@pytest.mark.parametrize(
    ("vehicle_class", "road_class", "posted", "expected"),
    [
        ("coach", "expressway", 120, (100, 100, "expressway_class")),
        ("coach", "expressway", 80, (80, 80, "posted")),
        ("charter", "expressway", None, (100, 100, "expressway_class")),
        ("freight", "expressway", 100, (100, 100, "expressway_class")),
        ("hazmat", "expressway", 120, (80, 80, "expressway_class")),
        ("hazmat", "rural", 70, (60, 60, "road_class")),
        ("school_bus", "urban", None, (60, 60, "road_class")),
        ("school_bus", "urban", 40, (40, 40, "posted")),
        ("coach", "highway", 70, (70, 70, "posted")),
    ],
)
def test_limits_by_class_and_road(
    vehicle_class: str, road_class: str, posted: float | None, expected: tuple[float, float, str]
) -> None:
    world = config(vehicle_class, roads=[road(*EAST, road_class=road_class, limit_kmh=posted)])
    assert at(world, fix())[:4] == (*expected, 0)


def test_a_road_without_any_limit_is_no_road_yet_the_road_of_the_next_fix() -> None:
    """The bare road, 8 m from a signed one of the same 100 km/h, is the road before at the second fix: it counts again, and gives nothing."""
    world = config(roads=[road(*EAST), road((-3000, 36), (3000, 36), limit_kmh=100)])
    rows = located(world, [fix(), fix(10, 22, time_ms=NOON_MS + 1000), fix(20, 36, time_ms=NOON_MS + 2000)])
    assert rows["limit"].tolist() == [1000, 1000, 1000]
    assert rows["road"].tolist() == [NO_ROAD, NO_ROAD, 1]
    assert rows["statutory"].tolist() == [1000, 1000, 1000]


def test_the_class_limit_of_a_road_replaces_the_general_one() -> None:
    world = config(roads=[road(*EAST, limit_kmh=60, class_limits_kmh={"coach": 90})])
    assert at(world, fix())[:3] == (90, 90, "posted")


def test_off_every_road_the_unmatched_limit_holds() -> None:
    world = config("hazmat", roads=[road(*EAST, limit_kmh=40)], unmatched_limit_kmh={"hazmat": 72.5})
    assert at(world, fix(0, 31))[:4] == (72.5, 80, "unmatched", NO_ROAD)
    assert at(world, fix(0, 29.5))[:4] == (40, 40, "posted", 0)


@pytest.mark.parametrize(
    ("heading", "oneway", "kmh", "found"),
    [
        (90, True, 50, True),
        (270, True, 50, False),
        (270, False, 50, True),
        (45, True, 50, True),
        (44, True, 50, False),
        (135, True, 50, True),
        (136, False, 50, False),
        (225, False, 50, True),
        (0, False, 50, False),
        (0, False, 4.9, True),  # slower than moving_kmh: not asked
        (0, False, 5, False),
        (None, True, 50, True),
    ],
)
def test_the_direction_fits_within_45_degrees(
    heading: int | None, oneway: bool, kmh: float, found: bool
) -> None:
    world = config(roads=[road(*EAST, limit_kmh=40, oneway=oneway)])
    assert (at(world, fix(heading=heading, kmh=kmh))[3] == 0) is found


def test_a_crossing_does_not_catch_a_vehicle() -> None:
    """At the crossing the side road is as near; its direction does not fit."""
    world = config(roads=[road((0, -3000), (0, 3000), limit_kmh=30), road(*EAST, limit_kmh=80)])
    assert at(world, fix(2, 5, heading=90))[:4] == (80, 80, "posted", 1)


def test_the_nearest_leg_of_a_road_that_fits_counts() -> None:
    """A bend: the near leg runs north, the vehicle east; the leg that fits is 20 m away."""
    bend = road((-3000, 20), (0, 20), (0, -3000), limit_kmh=60)
    assert at(config(roads=[bend]), fix(-1, 0, heading=90))[3] == 0
    assert at(config(roads=[bend]), fix(-1, -15, heading=90))[3] == NO_ROAD


def test_of_equal_limits_the_road_before_goes_before_the_nearest() -> None:
    world = config(roads=[road(*EAST, limit_kmh=80), road((-3000, 20), (3000, 20), limit_kmh=80)])
    along = [0, 12, 17, 18, 12, 3, 2]
    rows = located(world, [fix(0, y, time_ms=NOON_MS + i * 1000) for i, y in enumerate(along)])
    assert rows["road"].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert set(rows["confidence"].tolist()) == {100}


def test_the_road_before_does_not_go_before_a_higher_limit() -> None:
    world = config(roads=[road(*EAST, limit_kmh=40), road((-3000, 20), (3000, 20), limit_kmh=80)])
    rows = located(world, [fix(0, y, time_ms=NOON_MS + i * 1000) for i, y in enumerate([0, 2, 4, 0])])
    assert rows["road"].tolist() == [0, 0, 1, 0]
    assert rows["confidence"].tolist() == [100, 100, 50, 100]


def test_a_fix_without_a_usable_speed_does_not_change_the_road_before() -> None:
    world = config(roads=[road(*EAST, limit_kmh=80), road((-3000, 20), (3000, 20), limit_kmh=80)])
    between = fix(0, 20, time_ms=NOON_MS + 1000, speed_implausible=True)
    rows = located(world, [fix(), between, fix(0, 16, time_ms=NOON_MS + 2000)])
    assert rows["road"][2] == 0


def test_of_roads_that_fit_equally_the_higher_limit_holds_at_half_confidence() -> None:
    lower, higher = road(*EAST, limit_kmh=60), road(*EAST, limit_kmh=80)
    assert at(config(roads=[lower, higher]), fix())[:5] == (80, 80, "posted", 1, 0.5)
    assert at(config(roads=[higher, lower]), fix())[:5] == (80, 80, "posted", 0, 0.5)
    assert at(config(roads=[higher, road(*EAST)]), fix())[:5] == (100, 100, "unmatched", NO_ROAD, 0.5)
    assert at(config(roads=[higher]), fix())[4] == 1.0


def test_the_higher_limit_is_that_in_force_for_this_class_at_this_hour() -> None:
    """By night the road with the lower sign has the higher limit: its night limit is not multiplied."""
    by_day, by_night = road(*EAST, limit_kmh=90), road(*EAST, limit_kmh=80, night_limit_kmh=75)
    world = config(roads=[by_day, by_night])
    assert at(world, fix())[3] == 0
    assert at(world, fix(time_ms=NIGHT_MS))[:4] == (75, 75, "posted_night", 1)


def test_equal_within_tie_m_and_no_farther() -> None:
    """Between two parallel roads, 1e-7 degree of latitude being 11 mm: 14.98 m farther fits as well, 15.04 m farther does not."""
    world = config(
        roads=[road((-3000, -25), (3000, -25), limit_kmh=60), road((-3000, 15), (3000, 15), limit_kmh=80)]
    )
    assert at(world, fix(0, -12.49))[3:] == (1, 0.5)
    assert at(world, fix(0, -12.52))[3:] == (0, 1.0)
    nobody = config(roads=world.roads, tie_m=0)
    assert at(nobody, fix(0, -4.9))[3:] == (1, 1.0)


@pytest.mark.parametrize(
    ("vehicle_class", "night_limit", "hour_ms", "expected"),
    [
        ("coach", None, NIGHT_MS, (80, 100, "night_factor")),
        ("charter", None, NIGHT_MS, (80, 100, "night_factor")),
        ("freight", None, NIGHT_MS, (100, 100, "expressway_class")),
        (
            "coach",
            90,
            NIGHT_MS,
            (80, 90, "night_factor"),
        ),  # 0.8 x the class's 100; the night limit stays as it is
        ("coach", 70, NIGHT_MS, (70, 70, "posted_night")),
        ("freight", 90, NIGHT_MS, (90, 90, "posted_night")),
        ("coach", None, NOON_MS, (100, 100, "expressway_class")),
        ("coach", 70, NOON_MS, (100, 100, "expressway_class")),
    ],
)
def test_night(
    vehicle_class: str, night_limit: float | None, hour_ms: int, expected: tuple[float, float, str]
) -> None:
    world = config(
        vehicle_class,
        roads=[road(*EAST, road_class="expressway", limit_kmh=120, night_limit_kmh=night_limit)],
    )
    assert at(world, fix(time_ms=hour_ms))[:3] == expected


@pytest.mark.parametrize(
    ("local", "night"),
    [("21:59:59", False), ("22:00:00", True), ("00:00:00", True), ("05:59:59", True), ("06:00:00", False)],
)
def test_the_night_window_is_half_open(local: str, night: bool) -> None:
    hours, minutes, seconds = map(int, local.split(":"))
    time_ms = NOON_MS + ((hours - 12) * 3600 + minutes * 60 + seconds) * 1000
    assert at(config(), fix(time_ms=time_ms))[:3] == (
        (80, 100, "night_factor") if night else (100, 100, "unmatched")
    )


def test_the_night_share_is_rounded_half_up() -> None:
    world = config(roads=[road(*EAST, limit_kmh=97)], night_factor={"coach": 0.85})
    assert at(world, fix(time_ms=NIGHT_MS))[0] == 82.5  # 82.45


def test_a_night_limit_alone_is_a_limit_only_at_night() -> None:
    world = config("freight", roads=[road(*EAST, night_limit_kmh=50)])
    assert at(world, fix())[:4] == (100, 100, "unmatched", NO_ROAD)
    assert at(world, fix(time_ms=NIGHT_MS))[:4] == (50, 50, "posted_night", 0)


@pytest.mark.parametrize(("pupils", "limit"), [(True, 60), (None, 60), (False, 100)])
def test_a_school_bus_without_pupils_is_as_a_coach(pupils: bool | None, limit: float) -> None:
    rural = [road(*EAST, road_class="rural")]
    assert at(config("school_bus", roads=rural), fix(pupils=pupils))[0] == limit
    row = located(config("school_bus"), [fix(pupils=pupils)])[0]
    assert int(row["statutory"]) == (1000 if pupils is False else 800)


def test_pupils_lift_neither_the_night_factor_nor_another_class() -> None:
    assert at(config("school_bus"), fix(pupils=False, time_ms=NIGHT_MS))[0] == 100
    assert at(config("hazmat"), fix(pupils=False))[0] == 80


def test_a_zone_lowers_the_limit_and_its_statutory_part() -> None:
    hole = ((-20.0, -20.0), (20.0, -20.0), (20.0, 20.0), (-20.0, 20.0), (-20.0, -20.0))
    world = config(zones=[square("z", -200, -200, 200, 200, hole, limit_kmh=30)])
    assert at(world, fix(100, 100))[:3] == (30, 30, "zone")
    assert at(world, fix(0, 0))[:3] == (100, 100, "unmatched")
    assert at(world, fix(201, 0))[:3] == (100, 100, "unmatched")


def test_a_zone_is_not_multiplied_at_night() -> None:
    world = config(
        roads=[road(*EAST, road_class="expressway")], zones=[square("z", -200, -200, 200, 200, limit_kmh=90)]
    )
    assert at(world, fix(time_ms=NIGHT_MS))[:3] == (80, 90, "night_factor")


def test_a_zone_above_limit_and_ceiling_changes_nothing() -> None:
    world = config(zones=[square("z", -200, -200, 200, 200, limit_kmh=120)])
    assert at(world, fix())[:3] == (100, 100, "unmatched")


@pytest.mark.parametrize(
    ("more", "time_ms", "vehicle_class", "holds"),
    [
        ({"classes": (VehicleClass.HAZMAT,)}, NOON_MS, "coach", False),
        ({"classes": (VehicleClass.COACH, VehicleClass.HAZMAT)}, NOON_MS, "coach", True),
        ({"hours": ((43_200, 43_201),)}, NOON_MS, "coach", True),
        ({"hours": ((43_200, 43_201),)}, NOON_MS + 1000, "coach", False),
        ({"hours": ((3600, 7200), (79_200, 3600))}, NIGHT_MS, "coach", True),
        ({"hours": ((79_200, 3600),)}, NOON_MS, "coach", False),
        ({"days": (0,)}, NOON_MS, "coach", True),  # 2025-11-24 is a Monday
        ({"days": (1, 6)}, NOON_MS, "coach", False),
        ({"days": (0,)}, NOON_MS + 12 * 3_600_000 - 1, "coach", True),
        ({"days": (0,)}, NOON_MS + 12 * 3_600_000, "coach", False),
        ({"days": (1,)}, NOON_MS + 12 * 3_600_000, "coach", True),
        (
            {"days": (0,), "hours": ((79_200, 21_600),)},
            NIGHT_MS + 2 * 3_600_000,
            "coach",
            False,
        ),  # Tuesday 01:00
        ({"days": (1,), "hours": ((79_200, 21_600),)}, NIGHT_MS + 2 * 3_600_000, "coach", True),
        ({"dates": (("2025-11-24", "2025-11-24"),)}, NOON_MS, "coach", True),
        ({"dates": (("2025-11-20", "2025-11-23"), ("2025-11-25", "2025-12-01"))}, NOON_MS, "coach", False),
        ({"dates": (("2025-11-20", "2025-11-24"),)}, NOON_MS + 12 * 3_600_000 - 1, "coach", True),
        ({"dates": (("2025-11-20", "2025-11-24"),)}, NOON_MS + 12 * 3_600_000, "coach", False),
        ({"except_dates": (("2025-11-24", "2025-11-24"),)}, NOON_MS, "coach", False),
        ({"except_dates": (("2025-11-25", "2025-11-25"),)}, NOON_MS, "coach", True),
        (
            {"dates": (("2025-11-01", "2025-11-30"),), "except_dates": (("2025-11-24", "2025-11-24"),)},
            NOON_MS,
            "coach",
            False,
        ),
        ({"days": (0,), "except_dates": (("2025-11-24", "2025-11-24"),)}, NOON_MS, "coach", False),
        ({"days": (2,), "dates": (("2025-11-24", "2025-11-24"),)}, NOON_MS, "coach", False),
        ({"from_ms": NOON_MS}, NOON_MS, "coach", True),
        ({"from_ms": NOON_MS + 1}, NOON_MS, "coach", False),
        ({"to_ms": NOON_MS + 1}, NOON_MS, "coach", True),
        ({"to_ms": NOON_MS}, NOON_MS, "coach", False),
    ],
)
def test_a_zone_holds_for_classes_at_hours_between_dates(
    more: dict[str, Any], time_ms: int, vehicle_class: str, holds: bool
) -> None:
    world = config(vehicle_class, zones=[square("z", -200, -200, 200, 200, limit_kmh=30, **more)])
    assert (at(world, fix(time_ms=time_ms))[0] == 30) is holds


@pytest.mark.parametrize("axis", ["lon_e7", "lat_e7"])
def test_the_edges_of_a_zone_belong_to_it(axis: str) -> None:
    """Every fix on an edge of a square, of its hole too, is inside; a step of 11 mm outside none is."""
    hole = ((-50.0, -50.0), (50.0, -50.0), (50.0, 50.0), (-50.0, 50.0), (-50.0, -50.0))
    world = config(zones=[square("z", -200, -200, 200, 200, hole, limit_kmh=30)])
    on, beyond = [], []
    for reach, outward in ((200, 2), (-200, -2), (50, -2), (-50, 2)):
        edge = fix(*((reach, 7) if axis == "lon_e7" else (7, reach)))
        on.append(at(world, edge)[0])
        beyond.append(at(world, dataclasses.replace(edge, **{axis: getattr(edge, axis) + outward}))[0])
    assert (on, beyond) == ([30] * 4, [100] * 4)


def test_a_zone_along_a_line_reaches_as_far_as_its_buffer() -> None:
    tunnel = Zone(
        zone="t",
        name="t",
        kind="hazard_section",
        line=(spot(-500, 0), spot(500, 0)),
        buffer_m=40,
        limit_kmh=60,
    )
    world = config(zones=[tunnel, square("far", 50_000, 0, 50_100, 100, limit_kmh=5)])
    assert at(world, fix(0, 39.5))[0] == 60
    assert at(world, fix(0, 40.5))[0] == 100
    assert at(world, fix(530, 0))[0] == 60


def test_a_zone_as_large_as_a_country_is_one_like_any_other() -> None:
    ring = ((75.0, 20.0), (134.0, 20.0), (134.0, 53.0), (75.0, 53.0), (75.0, 20.0))
    country = Zone(zone="c", name="c", kind="hazard_section", polygons=((ring,),), limit_kmh=70)
    tables = limits.build_map(config(zones=[country]), np.zeros(1, MATCHING.params_dtype))
    assert len(tables.zones.near) <= 1 << 20
    assert at(config(zones=[country]), fix())[0] == 70


def test_what_the_gate_kept_out_is_not_located() -> None:
    rows = located(config(roads=[road(*EAST, limit_kmh=40)]), [fix(not_fixed=True)])
    assert rows["limit"].tolist() == [0]


def test_the_grid_serves_the_greatest_radius_of_any_rule_set() -> None:
    later = RuleSet(parameters={"speeding": {"match_radius_m": 400}}, from_ms=NOON_MS + 1000)
    world = config(roads=[road(*EAST, limit_kmh=40)])
    world = msgspec.structs.replace(world, rules=(*world.rules, later))
    rows = located(world, [fix(0, 390), fix(0, 390, time_ms=NOON_MS + 1000)])
    assert rows["road"].tolist() == [NO_ROAD, 0]


def test_a_road_is_found_again_in_another_map() -> None:
    first = [road(*EAST, limit_kmh=80), road((0, 0), (0, 900), name="b"), road((5, 5), (9, 9), name="c")]
    second = [first[2], road((1, 1), (2, 2)), first[0]]
    old, new = (limits.road_keys(Config(roads=tuple(roads))) for roads in (first, second))
    held = np.array([0, 1, 2, NO_ROAD], np.int32)
    assert limits.moved(held, old, new).tolist() == [2, NO_ROAD, 0, NO_ROAD]
    assert limits.moved(held.reshape(2, 2), old, new).tolist() == [[2, NO_ROAD], [0, NO_ROAD]]
    assert limits.moved(held, old, np.zeros(0, np.int64)).tolist() == [NO_ROAD] * 4
    assert limits.roads_of_keys(new, np.array([old[2], 0, 12345])).tolist() == [0, NO_ROAD, NO_ROAD]


def test_roads_are_called_by_ref_and_name() -> None:
    name = limits.road_names(
        Config(roads=(road(*EAST, name="京藏高速", ref="G6"), road(*EAST, name="路"), road(*EAST)))
    )
    assert [name(place) for place in (0, 1, 2, 3, NO_ROAD)] == ["G6 京藏高速", "路", None, None, None]


def _random_road(rng: np.random.Generator) -> Road:
    """A few legs, often on the same few lines as others, sometimes with a point given twice."""
    if rng.random() < 0.4:  # one of a few straight lines, so that roads coincide and cross
        angle, shift_m = math.pi / 4 * rng.integers(0, 4), 12.0 * rng.integers(-3, 4)
        along = np.sort(rng.uniform(-900, 900, rng.integers(2, 5)))
        xs, ys = (
            along * math.cos(angle) - shift_m * math.sin(angle),
            along * math.sin(angle) + shift_m * math.cos(angle),
        )
    else:
        steps = rng.normal(0, 120, (rng.integers(2, 7), 2))
        xs, ys = (rng.uniform(-500, 500, 2)[:, None] + np.cumsum(steps, axis=0).T).tolist()
    places = list(zip(xs, ys, strict=True))
    if rng.random() < 0.2:
        places.insert(1, places[0])

    def maybe(*values: float) -> float | None:
        return float(rng.choice(values)) if rng.random() < 0.6 else None

    given = {str(name): float(rng.choice([40, 60, 90])) for name in CLASSES if rng.random() < 0.1}
    return road(
        *places, road_class=str(rng.choice([str(c) for c in ROAD_CLASSES])), limit_kmh=maybe(40, 60, 80, 120),
        night_limit_kmh=maybe(30, 50, 70) if rng.random() < 0.4 else None, class_limits_kmh=given,
        oneway=bool(rng.random() < 0.4),
    )  # fmt: skip


def _random_zone(rng: np.random.Generator, number: int) -> Zone:
    more: dict[str, Any] = {"limit_kmh": float(rng.choice([20, 50, 70])) if rng.random() < 0.9 else None}
    if rng.random() < 0.4:
        more["classes"] = tuple(name for name in CLASSES if rng.random() < 0.5)
    if rng.random() < 0.5:
        more["hours"] = tuple((int(a), int(b)) for a, b in rng.integers(0, 86_400, (rng.integers(1, 3), 2)))
    if rng.random() < 0.3:
        more["from_ms"] = NOON_MS + int(rng.integers(0, 86_400_000))
    if rng.random() < 0.3:
        line = tuple(spot(*place) for place in rng.uniform(-800, 800, (rng.integers(2, 6), 2)).tolist())
        return Zone(
            zone=str(number), name="", kind="school", line=line, buffer_m=float(rng.uniform(5, 150)), **more
        )
    west, south = rng.uniform(-800, 600, 2)
    hole = [
        (west + 50, south + 50),
        (west + 90, south + 60),
        (west + 70, south + 120),
        (west + 50, south + 50),
    ]
    return square(
        str(number), west, south, west + rng.uniform(150, 600), south + rng.uniform(150, 600), hole, **more
    )


def _random_fixes(rng: np.random.Generator, roads: Sequence[Road], count: int) -> np.ndarray:
    """Fixes on and beside roads, at joints too, over a day."""
    fixes = fix_columns(count)
    fixes["vehicle"], fixes["raw_offset"] = 1, np.arange(count)
    fixes["time_ms"] = NOON_MS + np.sort(rng.choice(86_400_000, count, replace=False))
    for one in fixes:
        line = roads[int(rng.integers(len(roads)))].coordinates
        leg = int(rng.integers(len(line) - 1))
        share = rng.choice([0.0, 1.0, float(rng.random())])
        for axis, name, metres in ((0, "lon_e7", M_LON), (1, "lat_e7", M_LAT)):
            place = line[leg][axis] + share * (line[leg + 1][axis] - line[leg][axis])
            one[name] = round((place + rng.choice([0.0, float(rng.normal(0, 15))]) / metres) * 1e7)
    fixes["speed"] = rng.choice([0, 49, 50, 300, 900], count)
    fixes["heading"] = np.where(rng.random(count) < 0.2, NO_U2, rng.integers(0, 360, count))
    fixes["flags"] = np.where(rng.random(count) < 0.05, 2, 0)
    fixes["status"] |= rng.choice([0, 1 << 12, 3 << 12], count).astype(np.uint32)
    return fixes


@pytest.mark.parametrize("seed", range(30))
def test_limits_are_those_of_the_reference(seed: int) -> None:
    """Every leg of every road and every zone tried, in plain Python, on maps where roads coincide, cross and run side by side."""
    rng = np.random.default_rng(seed)
    roads = [_random_road(rng) for _ in range(int(rng.integers(1, 25)))]
    zones = [_random_zone(rng, number) for number in range(int(rng.integers(0, 6)))]
    given: dict[str, Any] = {}
    if rng.random() < 0.5:
        given = {"match_radius_m": float(rng.choice([8, 30, 120])), "match_heading_deg": int(rng.choice([20, 45, 100])),
                 "night_factor": {"freight": 0.75, "coach": None}, "unmatched_limit_kmh": {"coach": 66},
                 "statutory_kmh": {"coach": {"rural": 45}}}  # fmt: skip
    world = config(str(CLASSES[seed % len(CLASSES)]), roads=roads, zones=zones, **given)
    records = _random_fixes(rng, roads, 250)
    engine = Engine(world, lambda _: None)
    engine.judge(records.copy())
    before: int | None = None
    for row, one in zip(engine.context, from_records(records), strict=False):
        if not one.has_speed:
            continue
        expected = limit_at(world, one, before)
        before = expected.matched
        found = (
            int(row["limit"]),
            int(row["statutory"]),
            int(row["road"]),
            int(row["confidence"]),
        )
        wanted = NO_ROAD if expected.road is None else expected.road
        assert found == (
            expected.in_force,
            expected.statutory,
            wanted,
            round(100 * expected.confidence),
        ), one
