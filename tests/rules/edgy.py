"""Random drives that sit on the edges of the rules: speeds, gaps, stops and places near every threshold, cards, faults, nights."""

import numpy as np

from services.contracts.fix import FIX, NO_U2, fix_columns
from services.contracts.reasons import NOT_FIXED, SPEED_IMPLAUSIBLE
from services.contracts.registry import (
    CLASSES,
    Assignment,
    Config,
    Road,
    RoadClass,
    Route,
    RuleSet,
    Vehicle,
    VehicleClass,
    Zone,
)

START_MS = 1_763_985_600_000  # 2025-11-24T12:00:00Z, 20:00 local
LON, LAT = 106.2, 38.48
M_LON, M_LAT = 87_300.0, 111_010.0
GAPS_S = (
    1,
    5,
    10,
    15,
    29,
    30,
    31,
    59,
    60,
    61,
    90,
    120,
    179,
    180,
    181,
    300,
    599,
    600,
    601,
    900,
    1199,
    1200,
    1201,
    1800,
    3599,
    3600,
    3601,
    5000,
)
SPEEDS = (
    0,
    0,
    0,
    10,
    29,
    30,
    31,
    40,
    49,
    50,
    51,
    480,
    599,
    600,
    601,
    640,
    641,
    800,
    801,
    879,
    880,
    960,
    999,
    1000,
    1001,
    1100,
    1200,
    1500,
    1599,
)
STEPS_M = (0, 0, 0, 0, 5, 20, 90, 130, 300, 480, 520, 1100, 5000)


def config(rng: np.random.Generator, vehicle_class: VehicleClass) -> Config:
    """One vehicle of a class, a few roads, zones, routes and assignments, sometimes other parameters."""

    def line(*points: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        return tuple((LON + x / M_LON, LAT + y / M_LAT) for x, y in points)

    roads = [
        Road(
            road_class=RoadClass.EXPRESSWAY,
            coordinates=line((-9000, 0), (9000, 0)),
            name="高速",
            limit_kmh=None,
        ),
        Road(
            road_class=RoadClass.HIGHWAY,
            coordinates=line((-9000, 22), (9000, 22)),
            limit_kmh=70.0,
            night_limit_kmh=50.0,
        ),
        Road(
            road_class=RoadClass.URBAN,
            coordinates=line((0, -9000), (0, 9000)),
            oneway=True,
            class_limits_kmh={"coach": 60.0},
        ),
        Road(road_class=RoadClass.RURAL, coordinates=line((-9000, 500), (0, 510), (9000, 480))),
    ]
    zones = [
        Zone(zone="z", name="z", kind="school", polygons=((line((100, -200), (400, -200), (400, 200), (100, 200), (100, -200)),),),
             limit_kmh=40.0, hours=((int(rng.integers(0, 86400)), int(rng.integers(0, 86400))),))
    ]  # fmt: skip
    routes = (
        Route(
            route="A",
            name="甲",
            coordinates=line((-9000, 0), (0, 0), (0, 3000), (6000, 3000)),
            leg_half_widths_m=(100.0, 30.0, 200.0),
        ),
        Route(route="B", name="乙", coordinates=line((-3000, -40), (3000, -40)), leg_half_widths_m=(50.0,)),
    )
    minute = 60_000
    assignments = [
        Assignment(
            vehicle=1, route="A", from_ms=START_MS, to_ms=START_MS + int(rng.integers(10, 900)) * minute
        ),
        Assignment(
            vehicle=1, route="B", from_ms=START_MS + 20 * minute, to_ms=START_MS + 2000 * minute, trip="t"
        ),
    ]
    parameters: dict[str, dict[str, object]] = {}
    if rng.random() < 0.5:
        parameters["speeding"] = {
            "min_duration_s": int(rng.choice([0, 30, 60])),
            "merge_window_s": int(rng.choice([0, 60, 200])),
            "max_gap_s": int(rng.choice([30, 180, 600])),
            "tolerance_kmh": float(rng.choice([0, 0.1, 5])),
        }
    if rng.random() < 0.8:
        parameters["fatigue"] = {
            "continuous_s": int(rng.choice([600, 3600])),
            "night_continuous_s": int(rng.choice([300, 1800])),
            "rolling_24h_s": int(rng.choice([1800, 7200])),
            "rolling_7d_s": int(rng.choice([7200, 20000])),
            "min_rest_s": int(rng.choice([600, 1200])),
        }
    if rng.random() < 0.5:
        parameters["route_deviation"] = {
            "hold_s": int(rng.choice([0, 60])),
            "min_fixes": int(rng.choice([1, 2, 3])),
            "ends_exempt_m": int(rng.choice([0, 500])),
        }
    return Config(
        version=1,
        vehicles=(Vehicle(id=1, plate="宁A00001", plate_color="yellow", vehicle_class=vehicle_class, terminal="1", operator="o", division="64"),),
        roads=tuple(roads) if rng.random() < 0.8 else (), zones=tuple(zones) if rng.random() < 0.5 else (), routes=routes,
        assignments=tuple(assignments), rules=(RuleSet(parameters=parameters),),
    )  # fmt: skip


def _pace(rng: np.random.Generator, kind: str, gap_s: int) -> tuple[int, float]:
    """Speed at a fix, and metres since the one before; the two need not agree."""
    if kind == "drive":
        return int(rng.choice(SPEEDS[10:])), gap_s * 15.0
    if kind == "stop":
        return int(rng.choice((0, 0, 0, 10, 30, 31))), 0.0
    if kind == "creep":
        return int(rng.choice((29, 30, 31, 40, 49, 50))), 5.0
    return int(rng.choice(SPEEDS)), float(rng.choice(STEPS_M))


def _tell_more(rng: np.random.Generator, fix: np.void, odometer_m: int) -> None:
    """What a fix may have or lack beside time, place and speed; sometimes a fault, or a speed of the recorder alone."""
    if rng.random() < 0.6:
        fix["odometer_m"] = odometer_m
    if rng.random() < 0.7:
        fix["heading"] = int(rng.choice((0, 44, 46, 90, 91, 134, 136, 180, 270, 315)))
    if rng.random() < 0.03:
        fix["driver"] = int(rng.choice((-1, 5, 6, 7)))
    if rng.random() < 0.04:
        fix["flags"] = int(rng.choice((NOT_FIXED, SPEED_IMPLAUSIBLE, 4)))
    if rng.random() < 0.03:
        fix["recorder_speed"], fix["speed"] = fix["speed"], NO_U2
        if rng.random() < 0.5:
            fix["recorder_speed"] = NO_U2


def drive(rng: np.random.Generator, count: int) -> np.ndarray:
    """`count` fixes of vehicle 1: phases of driving, stopping, creeping and silence, each with its own habits."""
    fixes = fix_columns(count)
    time_ms, x, y, odometer = (
        START_MS + int(rng.integers(0, 86_400_000)),
        float(rng.integers(-400, 400)),
        0.0,
        10_000.0,
    )
    place = 0
    while place < count:
        length = int(rng.integers(1, 25))
        kind = rng.choice(["drive", "stop", "creep", "wild"], p=[0.45, 0.3, 0.1, 0.15])
        gap = int(rng.choice(GAPS_S[3:16]))
        for _ in range(min(length, count - place)):
            fix = fixes[place]
            gap_s = int(rng.choice(GAPS_S)) if rng.random() < 0.08 or kind == "wild" else gap
            time_ms += gap_s * 1000 + (int(rng.integers(-1, 2)) if rng.random() < 0.05 else 0)
            fix["speed"], step = _pace(rng, kind, gap_s)
            if rng.random() < 0.03:
                step = float(rng.choice(STEPS_M))
            x += step * (1 if rng.random() < 0.5 else -1)
            x = (x + 9500) % 19_000 - 9500 if abs(x) > 9500 else x
            y = (
                float(rng.choice((0, 3, 11, 19, 22, 60, 130, 200, 350, 505, 1500, 3000)))
                if rng.random() < 0.15
                else y
            )
            odometer += step
            fix["vehicle"], fix["time_ms"], fix["raw_offset"] = 1, time_ms, place
            fix["lon_e7"], fix["lat_e7"] = round((LON + x / M_LON) * 1e7), round((LAT + y / M_LAT) * 1e7)
            _tell_more(rng, fix, int(odometer))
            place += 1
    return fixes


def case(seed: int, count: int = 160) -> tuple[Config, np.ndarray]:
    """A config and a drive, all from the seed."""
    rng = np.random.default_rng(seed)
    return config(rng, CLASSES[seed % len(CLASSES)]), drive(rng, count)


__all__ = ["FIX", "case"]
