"""Random drives in which the signals of one report contradict each other: catalogue section 8, met on its edges more often than in any traffic.

A drive is a list of habits (frozen receiver, parked drift, no speed, carried while silent, a stray position, doubtful roads, out of a depot), each some
fixes long. Steps are a little longer or shorter than they say, so that no sum of them meets a threshold exactly: there two right answers may differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.contracts.fix import NO_U2, NO_U4, Fixes, fix_columns
from services.contracts.reasons import NOT_FIXED, SPEED_IMPLAUSIBLE
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
    Zone,
)

MIDNIGHT_MS = 1_795_363_200_000
"""2026-11-23 00:00 local time, a Monday."""
LON, LAT = 106.2, 38.5
EAST_M, NORTH_M = 87_232.7, 111_006.0
EDGES_KMH = (0, 0, 29, 30, 31, 49, 50, 51, 99, 100, 101, 199, 200, 201, 600)
"""0.1 km/h."""


@dataclass
class Whereabouts:
    """Where the vehicle of a drive is, and what its next report would say."""

    time_ms: int
    x_m: float
    y_m: float = 0.0
    odometer_m: float = 50_000.0


@dataclass(frozen=True)
class Report:
    """One fix to come: seconds and metres since the one before."""

    gap_s: float
    step_m: float
    speed: int | None  # 0.1 km/h
    odometer: float | None = None  # metres it grows by; None: as far as the step


Habit = Callable[["Draw"], list[Report]]


class Draw:
    """A seeded generator with the few ways of choosing that the habits need."""

    def __init__(self, seed: int) -> None:
        """All from the seed."""
        self.rng = np.random.default_rng([8, seed])

    def of(self, pool: Sequence[Any]) -> Any:
        """One of a pool."""
        return pool[int(self.rng.integers(len(pool)))]

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def happens(self, share: float) -> bool:
        """Whether something of this probability does."""
        return bool(self.rng.random() < share)


def driving(draw: Draw) -> list[Report]:
    """Honest driving: the places agree with the speed."""
    gap_s, speed = draw.of((10, 30, 60, 120)), draw.of((150, 200, 201, 600, 800, 1010))
    return [Report(gap_s, gap_s * speed / 36, speed) for _ in range(draw.count(2, 25))]


def frozen(draw: Draw) -> list[Report]:
    """A receiver that repeats one place while it tells of speed."""
    gap_s, speed = draw.of((10, 30, 59, 60, 61, 299, 300, 301)), draw.of((90, 99, 100, 101, 300, 600, 1010))
    return [
        Report(gap_s, draw.of((0, 0, 0, 0, 3, 12, 28, -28, 33)), draw.of((speed, speed, speed, None, 99)))
        for _ in range(draw.count(2, 20))
    ]


def parked(draw: Draw) -> list[Report]:
    """Standing, with drift of place and speed."""
    gap_s, drift = draw.of((30, 60, 119, 120, 121, 300, 900)), draw.of((0, 3, 17, 48, 53))
    return [
        Report(gap_s, draw.of((-drift, drift, 0)), draw.of((0, 0, 0, None, *EDGES_KMH[:-1])))
        for _ in range(draw.count(2, 30))
    ]


def creeping(draw: Draw) -> list[Report]:
    """Speeds between still and surely moving, in steps around the leaving distance."""
    gap_s = draw.of((10, 30, 60, 119, 120, 121))
    return [
        Report(gap_s, draw.of((0, 5, 20, 48, 53, 110)), draw.of(EDGES_KMH)) for _ in range(draw.count(2, 20))
    ]


def speedless(draw: Draw) -> list[Report]:
    """No speed, or always 0, over places that move or do not."""
    gap_s, speed = draw.of((30, 60, 300)), draw.of((None, 0, 0))
    steps = draw.of(((0,), (480, 260), (1000,), (3000,), (245, 255, 490, 510), (600, -600), (0, 0, 0, 2000)))
    return [Report(gap_s, draw.of(steps), speed) for _ in range(draw.count(2, 25))]


def silence(draw: Draw) -> list[Report]:
    """A long silence, found again or elsewhere."""
    gap_s = draw.of(
        (599, 600, 601, 1199, 1200, 1201, 1500, 2100, 2700, 3540, 3599, 3600, 3601, 3660, 5000, 9000)
    )
    step_m = draw.of((0, 0, 300, -300, 480, 520, 700, 9000, 18_000, 20_300, 31_000, 49_000, 88_000, 400_000))
    odometer = draw.of((None, None, 0, 700, 1000, 1001, 5000, 20_000, 33_333, 88_000, -40_000, 10_000_000))
    return [Report(gap_s, step_m, draw.of((0, 0, 40, 600, None)), odometer)]


def stray(draw: Draw) -> list[Report]:
    """Still, with one position beyond the radius (or two), and back or not."""
    away_m = draw.of((480, 520, 700, 1400, 3000))
    gap_s = draw.of((60, 149, 150, 151, 300))
    back_m = draw.of((-away_m, -away_m, -away_m - 20, 0, 100))
    out = [Report(gap_s, away_m, draw.of((0, 0, None, 30, 60)))]
    out += [Report(gap_s, draw.of((0, 5)), 0)] if draw.happens(0.2) else []
    return [
        Report(gap_s, 0, 0), *out, Report(draw.of((gap_s, 149, 151)), back_m, draw.of((0, 0, None, 60, 600))),
        *[Report(gap_s, 0, 0) for _ in range(draw.count(0, 8))],
    ]  # fmt: skip


HABITS: tuple[Habit, ...] = (
    driving,
    driving,
    driving,
    frozen,
    parked,
    parked,
    creeping,
    speedless,
    silence,
    silence,
    stray,
    stray,
)

HEIGHTS_M = (0, 3, 7, 7.6, 12, 14, 21, 24, 28, 33, 41, 130, 300)
"""How far north of the first road fixes lie: two roads 14 m apart, a third 29 m away; none at a threshold of a tie."""


def at(x_m: float, y_m: float) -> Position:
    """A place so many metres east and north of the middle."""
    return round(LON + x_m / EAST_M, 7), round(LAT + y_m / NORTH_M, 7)


def _line(*places_m: Position) -> tuple[Position, ...]:
    return tuple(at(*place) for place in places_m)


ROADS = (
    Road(road_class=RoadClass.EXPRESSWAY, coordinates=_line((-9000, 0), (9000, 0)), name="高速"),
    Road(road_class=RoadClass.HIGHWAY, coordinates=_line((-9000, 14), (9000, 14)), name="国道", limit_kmh=70, night_limit_kmh=50),
    Road(road_class=RoadClass.URBAN, coordinates=_line((9000, 29), (-9000, 29)), name="辅路", oneway=True, limit_kmh=100),
    Road(road_class=RoadClass.RURAL, coordinates=_line((-9000, 300), (9000, 300)), name="村道"),
    Road(road_class=RoadClass.RURAL, coordinates=_line((-9000, 303), (9000, 303)), class_limits_kmh={"coach": 40.0}),
    Road(road_class=RoadClass.URBAN, coordinates=_line((0, -9000), (0, 9000)), name="横街", limit_kmh=100),
)  # fmt: skip
DEPOT = _line((-600, -200), (600, -200), (600, 200), (-600, 200), (-600, -200))


def world(draw: Draw) -> Config:
    """One vehicle, and sometimes roads, zones, routes, and other parameters."""
    minute = 60_000
    routes = (
        Route(route="A", name="甲", coordinates=_line((-9000, 400), (0, 400), (0, 3000)), leg_half_widths_m=(100.0, 30.0)),
        Route(route="B", name="乙", coordinates=_line((-3000, -40), (3000, -40)), leg_half_widths_m=(50.0,)),
    )  # fmt: skip
    start_ms = MIDNIGHT_MS + draw.count(0, 2) * 480 * minute
    assignments = tuple(
        Assignment(
            vehicle=1, route=draw.of("AB"), from_ms=begin_ms, to_ms=begin_ms + draw.count(20, 900) * minute
        )
        for begin_ms in (start_ms + draw.count(0, 1200) * minute for _ in range(draw.count(0, 3)))
    )
    zones = (
        Zone(zone="d", name="场", kind="depot", polygons=((DEPOT,),), hours=draw.of(((), ((0, 43_200),), ((79_200, 10_800), (36_000, 57_600)))), days=draw.of(((), (0, 1), (6, 1)))),
        Zone(zone="z", name="区", kind="hazard_section", line=_line((-2000, 0), (-500, 0)), buffer_m=200, limit_kmh=draw.of((40.0, 90.0, 120.0)), dates=draw.of(((), (("2026-11-24", "2026-11-30"),))), except_dates=draw.of(((), (("2026-11-01", "2026-11-23"),)))),
    )  # fmt: skip
    vehicle = Vehicle(
        id=1, plate="宁A00001", plate_color="yellow", vehicle_class=draw.of(CLASSES), terminal="1", operator="o", division="64"
    )  # fmt: skip
    return Config(
        version=1, vehicles=(vehicle,), roads=ROADS if draw.happens(0.7) else (), zones=zones[: draw.count(0, 2)],
        routes=routes, assignments=assignments, rules=(RuleSet(parameters=_parameters(draw)),),
    )  # fmt: skip


POOLS: dict[str, dict[str, tuple[Any, ...]]] = {
    "plausibility": {"frozen_m": (10, 30), "frozen_distance_m": (50, 300), "frozen_kmh": (10, 30), "frozen_gap_s": (60, 300)},
    "matching": {"tie_m": (0, 5, 15, 30), "match_radius_m": (20, 30, 50), "match_heading_deg": (45, 180), "moving_kmh": (5, 50)},
    "speeding": {
        "match_radius_m": (10, 30), "unmatched_limit_kmh": ({"freight": 70, "coach": 60}, {"hazmat": None}), "min_duration_s": (0, 10, 30),
        "max_gap_s": (60, 180), "merge_window_s": (0, 60),
    },
    "fatigue": {
        "continuous_s": (600, 1800, 3600), "night_continuous_s": (300, 1800), "rolling_24h_s": (1800, 7200), "rolling_7d_s": (7200, 20_000),
        "min_rest_s": (600, 1200, 1800), "max_gap_s": (600, 1200), "max_silence_s": (1800, 3600), "rest_radius_m": (100, 500),
        "surely_kmh": (10, 20, 60), "leave_m": (20, 50), "stay_s": (60, 120, 600), "displaced_m": (250, 500, 1000),
        "silent_drive_kmh": (40, 80), "stray_s": (120, 300), "moving_kmh": (5, 8), "still_kmh": (0, 3),
    },
    "route_deviation": {"approach_s": (60, 600, 1800), "hold_s": (0, 60), "min_fixes": (1, 3), "ends_exempt_m": (0, 500)},
}  # fmt: skip


def _parameters(draw: Draw) -> dict[str, dict[str, Any]]:
    share = draw.of((0.0, 0.15, 0.5))
    return {
        rule: {name: draw.of(values) for name, values in pools.items() if draw.happens(share)}
        for rule, pools in POOLS.items()
    } | (
        {"fatigue": {"continuous_s": 1800, "night_continuous_s": 900, "rolling_24h_s": 7200}}
        if share == 0
        else {}
    )


def case(seed: int, count: int = 200) -> tuple[Config, Fixes]:
    """A world and a drive of `count` fixes of vehicle 1, all from the seed."""
    draw = Draw(seed)
    config = world(draw)
    vehicle = Whereabouts(MIDNIGHT_MS + draw.count(0, 86_400_000), float(draw.count(-400, 400)))
    fixes, place = fix_columns(count), 0
    while place < count:
        reports = draw.of(HABITS)(draw)
        heading = draw.of((NO_U2, 0, 44, 90, 91, 134, 180, 270))
        with_odometer = draw.happens(0.7)
        if draw.happens(0.3):
            vehicle.y_m = float(draw.of(HEIGHTS_M))
        for report in reports[: count - place]:
            _advance(draw, vehicle, report)
            _write(draw, fixes[place], vehicle, report, heading, odometer=with_odometer)
            fixes[place]["raw_offset"] = place
            place += 1
    return config, fixes


def _advance(draw: Draw, vehicle: Whereabouts, report: Report) -> None:
    vehicle.time_ms += round(report.gap_s * 1000) + (draw.of((-1, 1)) if draw.happens(0.03) else 0)
    vehicle.x_m += report.step_m * (1 + 0.02 * (draw.rng.random() - 0.5))
    if abs(vehicle.x_m) > 8900 and abs(report.step_m) < 17_000:
        vehicle.x_m -= 17_800 * np.sign(vehicle.x_m)
    vehicle.odometer_m = max(
        0.0, vehicle.odometer_m + (abs(report.step_m) if report.odometer is None else report.odometer)
    )


def _write(
    draw: Draw, fix: np.void, vehicle: Whereabouts, report: Report, heading: int, *, odometer: bool
) -> None:
    lon, lat = at(vehicle.x_m, vehicle.y_m)
    fix["vehicle"], fix["time_ms"] = 1, vehicle.time_ms
    fix["lon_e7"], fix["lat_e7"] = round(lon * 1e7), round(lat * 1e7)
    fix["speed"] = NO_U2 if report.speed is None else report.speed
    fix["heading"] = heading
    fix["odometer_m"] = round(vehicle.odometer_m) if odometer and vehicle.odometer_m < NO_U4 else NO_U4
    if draw.happens(0.02):
        fix["driver"] = draw.of((-1, 5, 6))
    if draw.happens(0.03):
        fix["flags"] = draw.of((NOT_FIXED, SPEED_IMPLAUSIBLE))
    if draw.happens(0.03):
        fix["recorder_speed"], fix["speed"] = fix["speed"], NO_U2
