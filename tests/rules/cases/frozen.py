"""A receiver that repeats its place: which fixes the speeds belie, and that no rule believes these.

108 km/h are 30 m a second. Speeding opens here after 5 s, so that the last fix of an episode shows which the first frozen one is.
"""

from typing import Any

from services.contracts.registry import Assignment, Config, Route
from tests.rules.cases.building import VEHICLE, Case, closed, config, every, fix, ms, spot, still_open
from tests.rules.reference.fixes import Fix

FAST = {"min_duration_s": 5, "max_gap_s": 600}


def _world(speeding: dict[str, Any] | None = None, **plausibility: float) -> Config:
    return config(plausibility=plausibility, speeding={**FAST, **(speeding or {})})


def _case(
    name: str,
    fixes: list[Fix],
    *expected: dict[str, Any],
    world: Config | None = None,
    rule: str = "speeding",
) -> Case:
    return Case(f"frozen: {name}", world or _world(), fixes, list(expected), rule)


def _at(*rows: tuple[float, float | None, float]) -> list[Fix]:
    """(second, km/h, metres east)."""
    return [fix(second, kmh, x_m) for second, kmh, x_m in rows]


PLACE = [
    _case("300 m by the speeds are not more than 300, 600 are", every(10, 0, 60, 108), still_open(0, 10)),
    _case("of a vehicle that moves no fix is", _at(*((10.0 * i, 108, 300.0 * i) for i in range(7))), still_open(0, 60)),
    _case("29 m from the anchor is its place", _at((0, 108, 0), (10, 108, 29), (20, 108, 29)), still_open(0, 10)),
    _case("31 m are another anchor", _at((0, 108, 0), (10, 108, 31), (20, 108, 31), (30, 108, 31)), still_open(0, 20)),
    _case("the anchor stays where it is: small steps away from it add up", _at(*((10.0 * i, 108, 20.0 * i) for i in range(5))), still_open(0, 40)),
    _case("back at its place it is frozen again", _at((0, 108, 0), (10, 108, 0), (20, 108, 0), (30, 108, 5), (40, 108, -5)), still_open(0, 10)),
    _case("frozen, and then far away: that is an anchor, and takes part", _at((0, 108, 0), (10, 108, 0), (20, 108, 0), (30, 108, 900)), still_open(0, 30)),
    _case("frozen_m and frozen_distance_m of our own", _at((0, 108, 0), (10, 108, 90), (20, 108, 90), (30, 108, 90)), still_open(0, 20),
          world=_world(frozen_m=100, frozen_distance_m=600)),
]  # fmt: skip

SPEED = [
    _case("slower than frozen_kmh is an anchor", _at((0, 108, 0), (10, 108, 0), (20, 9.9, 0), (30, 108, 0), (40, 108, 0)), still_open(0, 30)),
    _case("10 is not slower than 10", _at((0, 108, 0), (10, 108, 0), (20, 10, 0), (30, 108, 0), (40, 108, 0)), still_open(0, 10)),
    _case("the lesser of two neighbours counts", _at((0, 108, 0), (10, 54, 0), (20, 108, 0), (30, 108, 0)), still_open(0, 20),
          world=_world({"unmatched_limit_kmh": {"coach": 50}})),
    _case("no speed is an anchor, and proves no way", _at((0, 108, 0), (10, None, 0), (20, 108, 0), (30, 108, 0), (40, 108, 0)), still_open(0, 30)),
    _case("an implausible one, too", [fix(0, 108), fix(10, 200, speed_implausible=True), *every(10, 20, 60, 108)], still_open(0, 30)),
    _case("the recorder's stands in", every(10, 0, 60, None, recorder_speed=1080), still_open(0, 10)),
]  # fmt: skip

TIME = [
    _case("no more than a minute counts between two fixes: 60 km/h, 1,000 m", _at((0, 60, 0), (100, 60, 0)), still_open(0, 100),
          world=_world({"unmatched_limit_kmh": {"coach": 50}}, frozen_distance_m=1000)),
    _case("at 60.1 km/h more than 1,000", _at((0, 60.1, 0), (100, 60.1, 0)),
          world=_world({"unmatched_limit_kmh": {"coach": 50}}, frozen_distance_m=1000)),
    _case("exactly 300 s after the fix before it is no anchor", _at((0, 108, 0), (300, 108, 0))),
    _case("300.001 s are one", _at((0, 108, 0), (300.001, 108, 0)), still_open(0, 300.001)),
    _case("what is not fixed is not there: neither a neighbour", [fix(0, 108), fix(10, 108, 900, not_fixed=True), fix(20, 108), fix(30, 108, 900)],
          still_open(0, 30)),
    _case("nor the end of a gap", [fix(0, 108), fix(200, 108, not_fixed=True), fix(301, 108)], still_open(0, 301)),
    _case("a frozen fix is one before which no gap is", _at((0, 108, 0), (200, 108, 0), (400, 108, 0), (600, 108, 0))),
]  # fmt: skip

ROUTE = Route(
    route="R", name="R", coordinates=(spot(0, -10_000), spot(0, 10_000)), leg_half_widths_m=(100.0,)
)
DUTY = Assignment(vehicle=VEHICLE, route="R", from_ms=ms(-3600), to_ms=ms(360_000))
OFF = config(routes=[ROUTE], assignments=[DUTY], plausibility={})
RULES = [
    _case("its card is read", [*(fix(second, 108) for second in (0, 10)), fix(20, 108, driver=2), *_at((30, 108, 900), (40, 108, 1800))],
          closed(0, 10, driver=None), still_open(30, 40, driver=2), world=_world({"max_gap_s": 15, "merge_window_s": 0})),
    _case("off the route at 60 km/h in one place: the receiver's place, not the vehicle's", every(30, 0, 600, 60, 200), world=OFF, rule="route_deviation"),
    _case("standing there is off", every(30, 0, 600, 0, 200), still_open(0, 600), world=OFF, rule="route_deviation"),
    _case("four hours and more in one place at 60 km/h are no driving that anybody saw", every(60, 0, 18_000, 60),
          world=config("freight", plausibility={}), rule="fatigue"),
]  # fmt: skip

CASES = [*PLACE, *SPEED, *TIME, *RULES]
