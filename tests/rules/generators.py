"""Drives and worlds made at random, that sit on the edges of the three rules more often than any traffic would.

A drive is a list of phases: some fixes at one place, one speed and one interval. Whatever a phase is made of comes from small pools of
values around the thresholds, and from the same pools whether Hypothesis draws (and can shrink) or a seed does. Places are picked by hand
so that no distance lies within half a percent of a threshold: there, two right implementations may differ.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from services.contracts.fix import Fixes
from services.contracts.registry import (
    CLASSES,
    Assignment,
    Config,
    Position,
    Road,
    RoadClass,
    Route,
    RuleSet,
    Vehicle,
    VehicleClass,
    Zone,
)
from tests.rules.reference.fixes import Fix, to_records

T = TypeVar("T")
Pick = Callable[[Sequence[T]], T]
"""Chooses one of a pool: Hypothesis's draw, or a seeded generator's."""

MIDNIGHT_MS = 1_795_363_200_000
"""2026-11-23 00:00 local time (UTC+8)."""
HOUR_S = 3600
LON, LAT = 106.2, 38.5
EAST_M, NORTH_M = 87_232.7, 111_006.0
RULES = ("speeding", "fatigue", "route_deviation")
SWITCHING = 6
"""The vehicle whose class changes from coach to hazmat at SWITCH_S; vehicle n up to 5 is of the n-th class."""
SWITCH_S = 23 * HOUR_S

STARTS_S = (
    8 * HOUR_S,
    21 * HOUR_S + 1800,
    21 * HOUR_S + 3540,
    23 * HOUR_S - 600,
    29 * HOUR_S,
    30 * HOUR_S - 300,
)
NO_CARD_NEWS = 0
CARDS = (*[NO_CARD_NEWS] * 9, -1, 1, 2, 3)
KEPT_OUT: tuple[dict[str, Any], ...] = (
    *[{}] * 14,
    {"not_fixed": True},
    {"speed_implausible": True},
    {"speed": None},
)
HEADINGS = (None, 0, 44, 46, 90, 91, 134, 136, 179, 180, 270, 315, 359)


@dataclass(frozen=True)
class Phase:
    """`count` fixes a `gap_ms` apart, the first `wait_ms` after the fix before (none or less: a duplicate, or late)."""

    wait_ms: int
    gap_ms: int
    count: int
    speed: int  # 0.1 km/h
    spot: Position  # metres east and north
    heading: int | None
    driver: int
    kept_out: dict[str, Any]
    odometer_m: int | None  # added to the odometer when the phase begins; None: it is not told
    by_recorder: bool
    pupils: bool | None


@dataclass(frozen=True)
class Pools:
    """What a rule's phases are made of."""

    gaps_s: tuple[float, ...]
    waits_s: tuple[float, ...]
    speeds: tuple[int, ...]
    spots: tuple[Position, ...]
    counts: tuple[int, ...]
    parameters: dict[str, tuple[Any, ...]]


def _edges(*seconds: float) -> tuple[float, ...]:
    """Each, a millisecond less and more, a second less and more."""
    return tuple(second + delta for second in seconds for delta in (0, 0, -0.001, 0.001, -1, 1))


ODD_WAITS = (0, -0.001, -30)

SPEEDING = Pools(
    gaps_s=(5, 10, 15, 30, 31, 60, 61),
    waits_s=(*[10.0] * 12, *_edges(30, 60, 180), 15 * 60, HOUR_S, *ODD_WAITS),
    speeds=(
        0, 29, 49, 50, 51, 399, 400, 401, 411, 480, 481, 500, 501, 560, 600, 601, 640, 641, 660, 700, 701, 719, 720,
        750, 799, 800, 801, 810, 810, 850, 880, 950, 959, 960, 990, 1000, 1001, 1050, 1051, 1100, 1199, 1200, 1500,
    ),
    spots=(
        (0, 0), (0, 4), (0, 9.5), (0, 20), (0, 26), (0, 33), (0, 42), (5, 200), (12, 200), (-14, 200), (300, 100), (300, 0),
        (900, 650), (900, 655), (900, 664), (2500, 2500), (-300, 104), (-300, 90),
    ),
    counts=(1, 1, 2, 3, 5, 8),
    parameters={
        "min_duration_s": (0, 10, 30, 60),
        "merge_window_s": (0, 15, 60, 200),
        "max_gap_s": (10, 30, 180, 600),
        "tolerance_kmh": (0, 0.1, 5),
        "match_radius_m": (10, 30, 50),
        "match_heading_deg": (45, 135, 180),
        "moving_kmh": (5, 50),
        "unmatched_limit_kmh": ({"coach": 60}, {"freight": None, "hazmat": 40}, {"school_bus": 110}),
        "night_factor": ({"coach": None}, {"school_bus": 0.75}, {"charter": 0.333}),
        "night_window": ("22:00-06:00", "08:10-23:00", "00:00-24:00"),
        "statutory_kmh": ({"coach": {"urban": 50}}, {"hazmat": {"expressway": None}}, {"freight": None}),
    },
)  # fmt: skip
FATIGUE = Pools(
    gaps_s=(30, 60, 180, 300, 599, 600, 601, 900, 1199, 1200, 1201),
    waits_s=(*[30.0] * 10, *_edges(600, 1200, 3600), 300, 900, 1800, 5000, *ODD_WAITS, 86_400 - 1800),
    speeds=(0, 0, 0, 0, 0, 10, 29, 30, 31, 40, 49, 50, 51, 400, 600, 600, 600, 600, 600, 600),
    spots=((0, 0), (0, 0), (0, 0), (0, 0), (240, 0), (495, 0), (760, 0), (20_000, 0), (20_300, 0)),
    counts=(1, 1, 2, 3, 5, 8, 14),
    parameters={
        "moving_kmh": (5, 10),
        "still_kmh": (0, 3, 5),
        "min_rest_s": (600, 900, 1200, 1800),
        "max_gap_s": (300, 600, 1200, 1800),
        "rest_radius_m": (100, 500),
        "max_silence_s": (1800, 3600, 7200),
        "continuous_s": (600, 3600, 3601),
        "night_continuous_s": (300, 600, 3600),
        "night_window": ("22:00-06:00", "21:59-22:30", "08:10-23:00", "00:00-24:00"),
        "rolling_24h_s": (600, 3600, 7200),
        "rolling_7d_s": (1800, 7200, 20_000),
    },
)
DEVIATION = Pools(
    gaps_s=(10, 29, 30, 31, 60, 299, 300, 301),
    waits_s=(*[30.0] * 10, *_edges(30, 60, 600), 1800, *ODD_WAITS),
    speeds=(0, 31, 600, 800),
    spots=(
        (0, 0), (0, 0), (0, 108), (0, 120), (0, 220), (0, -350), (0, 980), (0, 1040), (-8000, 490), (-8000, 512), (-8600, 0),
        (4000, 100), (4000, 205), (4000, 230), (4000, 1500), (8300, 4000), (7960, 4300), (4060, -44), (3780, 3000), (4510, 3020),
    ),
    counts=(1, 1, 1, 2, 3, 4, 6),
    parameters={
        "margin_m": (0, 15, 40),
        "ends_exempt_m": (0, 500, 2000),
        "max_gap_s": (60, 300, 600),
        "hold_s": (0, 30, 60, 300),
        "min_fixes": (1, 2, 3, 10),
    },
)  # fmt: skip
POOLS = {"speeding": SPEEDING, "fatigue": FATIGUE, "route_deviation": DEVIATION}


def at(x_m: float, y_m: float) -> Position:
    """A place so many metres east and north of the middle."""
    return round(LON + x_m / EAST_M, 7), round(LAT + y_m / NORTH_M, 7)


def _line(*places_m: Position) -> tuple[Position, ...]:
    return tuple(at(*place) for place in places_m)


ROADS = (
    Road(road_class=RoadClass.EXPRESSWAY, coordinates=_line((-6000, 0), (6000, 0)), name="高速", ref="G6"),
    Road(road_class=RoadClass.HIGHWAY, coordinates=_line((-6000, 17), (6000, 17)), limit_kmh=70, night_limit_kmh=60),
    Road(road_class=RoadClass.URBAN, coordinates=_line((0, -6000), (0, 6000)), oneway=True, class_limits_kmh={"coach": 60}),
    Road(road_class=RoadClass.URBAN, coordinates=_line((18, 6000), (18, -6000)), oneway=True, limit_kmh=50, class_limits_kmh={"freight": 40}),
    Road(road_class=RoadClass.RURAL, coordinates=_line((600, 650), (1200, 650), (1200, 2000)), night_limit_kmh=40),
    Road(road_class=RoadClass.RURAL, coordinates=_line((600, 650), (1200, 650), (1200, 2000)), limit_kmh=64),
    Road(road_class=RoadClass.MOUNTAIN, coordinates=_line((600, 650), (1200, 650)), limit_kmh=80, night_limit_kmh=88),
    Road(road_class=RoadClass.HIGHWAY, coordinates=_line((-300, 97), (-600, 97))),
)  # fmt: skip
"""Parallel, crossing, one-way, thrice the same line, with and without limits."""

_SQUARE = _line((200, -50), (400, -50), (400, 150), (200, 150), (200, -50))
_HOLE = _line((250, -20), (350, -20), (350, 20), (250, 20), (250, -20))
ZONES = (
    Zone(zone="A", name="A", kind="hazard_section", polygons=((_SQUARE, _HOLE),), limit_kmh=40, hours=((8 * 3600, 79_200), (82_200, 600))),
    Zone(zone="B", name="B", kind="school", line=_line((-500, 300), (500, 300)), buffer_m=120, limit_kmh=48, classes=(VehicleClass.COACH, VehicleClass.SCHOOL_BUS)),
    Zone(zone="C", name="C", kind="hazard_section", line=_line((2000, 2500), (3000, 2500)), buffer_m=60, limit_kmh=72,
         from_ms=MIDNIGHT_MS + 8 * HOUR_S * 1000 + 60_000, to_ms=MIDNIGHT_MS + 22 * HOUR_S * 1000),
    Zone(zone="D", name="D", kind="parking", line=_line((-500, 0), (500, 0)), buffer_m=200),
)  # fmt: skip

ROUTES = (
    Route(route="R", name="R", coordinates=_line((-8000, 0), (4000, 0), (4000, 4000), (8000, 4000)), leg_half_widths_m=(100, 30, 200)),
    Route(route="S", name="S", coordinates=_line((-8000, 0), (4000, 0)), leg_half_widths_m=(50,)),
    Route(route="T", name="T", coordinates=_line((4000, 4000), (4000, 0), (4400, 0), (4400, 4000)), leg_half_widths_m=(60, 150, 80)),
)  # fmt: skip


def _assignments(pick: Pick[Any], start_s: int) -> tuple[Assignment, ...]:
    result = []
    for vehicle in range(1, SWITCHING + 1):
        from_s = start_s + pick((-1000, 0, 30, 900))
        to_s = from_s + pick((60, 600, 1800, 86_400))
        spans = [
            ("R", from_s, to_s),
            ("S", start_s, start_s + 86_400),
            (pick(("R", "T")), to_s, to_s + pick((300, 86_400))),
        ]
        for route, begin_s, end_s in spans[: pick((1, 2, 3))]:
            result.append(Assignment(vehicle=vehicle, route=route, from_ms=_ms(begin_s), to_ms=_ms(end_s)))
    return tuple(result)


def _ms(second: float) -> int:
    """A second since that midnight as Unix ms."""
    return MIDNIGHT_MS + round(second * 1000)


def _vehicles() -> tuple[Vehicle, ...]:
    def row(
        number: int, vehicle_class: VehicleClass, from_ms: int | None = None, to_ms: int | None = None
    ) -> Vehicle:
        return Vehicle(
            id=number, plate=f"宁A{number:05d}", plate_color="yellow", vehicle_class=vehicle_class, operator="试验客运",
            terminal=str(13_900_000_000 + number), division="640100", valid_from_ms=from_ms, valid_to_ms=to_ms,
        )  # fmt: skip

    fixed = [row(number, vehicle_class) for number, vehicle_class in enumerate(CLASSES, start=1)]
    switch_ms = _ms(SWITCH_S)
    return (
        *fixed,
        row(SWITCHING, VehicleClass.COACH, to_ms=switch_ms),
        row(SWITCHING, VehicleClass.HAZMAT, from_ms=switch_ms),
    )


def _rule_sets(pick: Pick[Any], rule: str, start_s: int) -> tuple[RuleSet, ...]:
    """None, one for all time, or a second that overlaps it for half an hour."""
    chosen = [{}, *({name: pick(values) for name, values in _some(pick, rule)} for _ in range(2))]
    first, second = chosen[pick((0, 1, 1, 1))], chosen[pick((0, 0, 2))]
    from_ms, to_ms = _ms(start_s + pick((60, 600, 3600))), _ms(start_s + pick((5400, 20_000)))
    return (
        RuleSet(parameters={rule: first}),
        RuleSet(parameters={rule: second}, from_ms=from_ms, to_ms=to_ms),
    )


def _some(pick: Pick[Any], rule: str) -> list[tuple[str, tuple[Any, ...]]]:
    pools = POOLS[rule].parameters
    return [(name, values) for name, values in pools.items() if pick((True, False, False))]


def _world(pick: Pick[Any], rule: str, start_s: int) -> Config:
    mapped = rule == "speeding" and pick((True, True, False))
    return Config(
        version=1,
        vehicles=_vehicles(),
        roads=ROADS if mapped else (),
        zones=ZONES if mapped and pick((True, False)) else (),
        routes=ROUTES,
        assignments=_assignments(pick, start_s) if rule == "route_deviation" else (),
        rules=_rule_sets(pick, rule, start_s),
    )


def _phase(pick: Pick[Any], pools: Pools) -> Phase:
    return Phase(
        wait_ms=round(pick(pools.waits_s) * 1000),
        gap_ms=round(pick(pools.gaps_s) * 1000),
        count=pick(pools.counts),
        speed=pick(pools.speeds),
        spot=pick(pools.spots),
        heading=pick(HEADINGS),
        driver=pick(CARDS),
        kept_out=pick(KEPT_OUT),
        odometer_m=pick((None, None, 0, 0, 900, 1000, 1001, 20_000)),
        by_recorder=pick((False,) * 9 + (True,)),
        pupils=pick((None, True, False)),
    )


def fixes_of(vehicle: int, start_s: int, phases: Iterable[Phase]) -> list[Fix]:
    """The fixes of one vehicle's phases, as they are sent."""
    result: list[Fix] = []
    time_ms, odometer_m = _ms(start_s), 50_000
    for phase in phases:
        odometer_m += phase.odometer_m or 0
        lon, lat = at(*phase.spot)
        for number in range(phase.count):
            time_ms += phase.gap_ms if number else phase.wait_ms
            fields: dict[str, Any] = {
                "speed": None if phase.by_recorder else phase.speed,
                "recorder_speed": phase.speed if phase.by_recorder else None,
                "heading": phase.heading,
                "odometer_m": None if phase.odometer_m is None else odometer_m,
                "driver": phase.driver if number == 0 else NO_CARD_NEWS,
                "pupils": phase.pupils,
            }
            if number == phase.count - 1:
                fields |= phase.kept_out
            result.append(
                Fix(
                    vehicle=vehicle,
                    time_ms=time_ms,
                    lon_e7=round(lon * 1e7),
                    lat_e7=round(lat * 1e7),
                    **fields,
                )
            )
    return result


def _drives(pick: Pick[Any], rule: str, phases: Callable[[], list[Phase]]) -> tuple[Config, list[Fix]]:
    """A world and the drives of one to three of its vehicles, mixed as a log mixes them."""
    start_s = pick(STARTS_S)
    config = _world(pick, rule, start_s)
    first = pick((1, 2, 3, 4, 5, 6))
    vehicles = {first, *(pick((first, first, 1, 3)) for _ in range(2))}
    lanes = [fixes_of(vehicle, start_s, phases()) for vehicle in sorted(vehicles)]
    fixes: list[Fix] = []
    for place in range(max(len(lane) for lane in lanes)):
        fixes += [lane[place] for lane in lanes if place < len(lane)]
    return config, fixes


def seeded(rule: str, seed: int, phases: int = 30) -> tuple[Config, Fixes]:
    """A world and a log for one rule, all from the seed; `phases` a vehicle, about four fixes each."""
    rng = np.random.default_rng([RULES.index(rule), seed])

    def pick(pool: Sequence[Any]) -> Any:
        return pool[int(rng.integers(len(pool)))]

    config, fixes = _drives(pick, rule, lambda: [_phase(pick, POOLS[rule]) for _ in range(phases)])
    return config, to_records(fixes)


@st.composite
def drives(draw: st.DrawFn, rule: str, most_phases: int = 12) -> tuple[Config, Fixes]:
    """The same from Hypothesis, which shrinks towards few, short, ordinary phases."""

    def pick(pool: Sequence[Any]) -> Any:
        return draw(st.sampled_from(list(pool)))

    def phases() -> list[Phase]:
        return [_phase(pick, POOLS[rule]) for _ in range(draw(st.integers(1, most_phases)))]

    config, fixes = _drives(pick, rule, phases)
    return config, to_records(fixes)
