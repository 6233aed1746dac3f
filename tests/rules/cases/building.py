"""Words to write a case down in: seconds since a Monday 08:00, km/h, and metres east and north of a place near Yinchuan.

Everything a case does not speak of has one value in all of them, so that a case shows only what it is about.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.contracts.registry import (
    Assignment,
    Config,
    Driver,
    Position,
    Road,
    RoadClass,
    Route,
    RuleSet,
    Vehicle,
    VehicleClass,
    Zone,
)
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix

START_MS = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1000
"""2026-11-23 08:00:00 local time, second 0 of every case."""
LON, LAT = 106.2, 38.5
EAST_M, NORTH_M = 87_232.7, 111_006.0
"""Metres of a degree of longitude and of latitude at 38.5 N; within 0.1 % as far as the cases go."""
VEHICLE = 7
DISTANCE_TOLERANCE = 0.005
"""Distances may differ by so much, in relation."""


NEVER_FROZEN = {"frozen_distance_m": 1_000_000}


@dataclass(frozen=True)
class Case:
    """Fixes in the order of the log, and what is to be found; `expected` names what the case is about and leaves the rest open."""

    name: str
    config: Config
    fixes: list[Fix]
    expected: list[dict[str, Any]]
    rule: str


def ms(second: float) -> int:
    """A second of the case as Unix ms."""
    return START_MS + round(second * 1000)


def clock(hhmmss: str, day: int = 0) -> int:
    """A local time of that Monday, or of a day after it, as a second of the case."""
    hours, minutes, seconds = map(int, hhmmss.split(":"))
    return (hours - 8) * 3600 + minutes * 60 + seconds + day * 86_400


def spot(x_m: float, y_m: float) -> Position:
    """A place so many metres east and north."""
    return round(LON + x_m / EAST_M, 7), round(LAT + y_m / NORTH_M, 7)


def fix(second: float, kmh: float | None, x_m: float = 0.0, y_m: float = 0.0, **more: Any) -> Fix:
    """One fix."""
    lon, lat = spot(x_m, y_m)
    speed = None if kmh is None else round(kmh * 10)
    fields = {"vehicle": VEHICLE, "speed": speed, **more}
    return Fix(time_ms=ms(second), lon_e7=round(lon * 1e7), lat_e7=round(lat * 1e7), **fields)


def every(
    step_s: float,
    from_s: float,
    to_s: float,
    kmh: float | None,
    x_m: float = 0.0,
    y_m: float = 0.0,
    **more: Any,
) -> list[Fix]:
    """Fixes from one second to another, both included, whether or not the step meets the last."""
    result = []
    second = from_s
    while second < to_s:
        result.append(fix(second, kmh, x_m, y_m, **more))
        second += step_s
    return [*result, fix(to_s, kmh, x_m, y_m, **more)]


def vehicle(vehicle_class: str = "coach", **more: Any) -> Vehicle:
    """The vehicle of the cases."""
    fields: dict[str, Any] = {
        "id": VEHICLE, "plate": "宁A00007", "plate_color": "yellow", "terminal": "13900000007", "operator": "试验客运",
        "division": "640100", "vehicle_class": VehicleClass(vehicle_class),
    }  # fmt: skip
    return Vehicle(**{**fields, **more})


DRIVERS = tuple(
    Driver(driver=f"640100-{number:04d}", name=f"司机{number}", operator="试验客运") for number in (1, 2, 3)
)


def config(
    vehicle_class: str = "coach",
    *,
    roads: Iterable[Road] = (),
    zones: Iterable[Zone] = (),
    routes: Iterable[Route] = (),
    assignments: Iterable[Assignment] = (),
    rules: Iterable[RuleSet] = (),
    vehicles: Iterable[Vehicle] = (),
    **parameters: dict[str, Any],
) -> Config:
    """One vehicle's world; `speeding={...}` and the like override parameters for all time.

    Most cases drive without leaving their place; unless a case names `plausibility`, no place is frozen in it.
    """
    for_all_time = (RuleSet(parameters={"plausibility": NEVER_FROZEN, **parameters}),)
    return Config(
        version=1,
        vehicles=tuple(vehicles) or (vehicle(vehicle_class),),
        drivers=DRIVERS,
        roads=tuple(roads),
        zones=tuple(zones),
        routes=tuple(routes),
        assignments=tuple(assignments),
        rules=(*for_all_time, *rules),
    )


def road(road_class: str, *places_m: tuple[float, float], **more: Any) -> Road:
    """A road through places in metres."""
    return Road(
        road_class=RoadClass(road_class), coordinates=tuple(spot(*place) for place in places_m), **more
    )


def square(zone: str, limit_kmh: float, half_m: float = 200.0, hole_m: float = 0.0, **more: Any) -> Zone:
    """A square around the middle of the cases, with or without a square hole."""
    rings = [_ring(half_m)] + ([_ring(hole_m)] if hole_m else [])
    return Zone(
        zone=zone, name=zone, kind="hazard_section", polygons=(tuple(rings),), limit_kmh=limit_kmh, **more
    )


def _ring(half_m: float) -> tuple[Position, ...]:
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return tuple(spot(x * half_m, y * half_m) for x, y in corners)


def differences(found: list[Episode], case: Case) -> list[str]:
    """What of the found episodes of the case's rule is not as expected; distances are compared with tolerance."""
    found = [episode for episode in found if episode["rule"] == case.rule]
    if len(found) != len(case.expected):
        return [f"{len(found)} episodes, expected {len(case.expected)}: {found}"]
    result = []
    for number, (episode, expected) in enumerate(zip(found, case.expected, strict=True)):
        seen: dict[str, Any] = {**episode["why"], **episode}
        for name, value in expected.items():
            if not _same(seen.get(name), value, exactly=case.rule != "route_deviation"):
                result.append(f"episode {number}, {name}: {seen.get(name)!r}, expected {value!r}")
    return result


def _same(found: Any, expected: Any, *, exactly: bool) -> bool:
    if not exactly and isinstance(expected, float):
        return bool(abs(found - expected) <= DISTANCE_TOLERANCE * max(1.0, abs(expected)))
    return bool(found == expected)


def closed(began: float, ended: float, **more: Any) -> dict[str, Any]:
    """An expected episode from one second to another."""
    return {"state": "closed", "began_ms": ms(began), "ended_ms": ms(ended), **more}


def still_open(began: float, last: float, **more: Any) -> dict[str, Any]:
    """An expected episode whose end nothing proves; `last` is the last fix that belongs to it."""
    return {"state": "open", "began_ms": ms(began), "ended_ms": None, "last_ms": ms(last), **more}
