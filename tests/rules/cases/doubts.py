"""Speeding where several roads fit: which of them counts, when that is doubtful, and what the episode says of it.

Roads run north-south, so many metres east of where the vehicle drives; a truck has no limit of its own but on an expressway.
"""

from typing import Any

from services.contracts.registry import Config, Road
from tests.rules.cases.building import Case, clock, closed, config, every, fix, road, square
from tests.rules.reference.fixes import Fix

NIGHT = clock("23:00:00")
OVER = 40


def _north(x_m: float, name: str, **more: Any) -> Road:
    return road(more.pop("road_class", "highway"), (x_m, -2000), (x_m, 2000), name=name, **more)


def _drive(kmh: float, start: float = 0, x_m: float = 0.0, **more: Any) -> list[Fix]:
    return [*every(10, start, start + OVER, kmh, x_m, **more), fix(start + 600, 0, x_m, **more)]


def _case(name: str, world: Config, fixes: list[Fix], *expected: dict[str, Any]) -> Case:
    return Case(f"speeding: {name}", world, fixes, list(expected), "speeding")


def _found(start: float = 0, **more: Any) -> dict[str, Any]:
    return closed(start, start + OVER, **more)


def _truck(*roads: Road, **parameters: Any) -> Config:
    return config("freight", roads=roads, **parameters)


SLOW, FAST = _north(5, "slow", limit_kmh=60), _north(-15, "fast", limit_kmh=80)
BOTH = [{"road": "slow", "limit": 60}, {"road": "fast", "limit": 80}]
EQUALLY = [
    _case("a road 10 m farther than the nearest fits as well: the higher limit counts", _truck(SLOW, FAST), _drive(81),
          _found(limit=800, road=1, confidence=0.5, doubt=BOTH)),
    _case("and below it nothing is above", _truck(SLOW, FAST), _drive(79)),
    _case("14.8 m farther does", _truck(SLOW, _north(-19.8, "fast", limit_kmh=80)), _drive(81), _found(limit=800, confidence=0.5)),
    _case("15.2 m farther does not", _truck(SLOW, _north(-20.2, "fast", limit_kmh=80)), _drive(81), _found(limit=600, confidence=1.0, doubt=None)),
    _case("exactly as far where tie_m is 0", _truck(_north(10, "a", limit_kmh=60), _north(10, "b", limit_kmh=80), matching={"tie_m": 0}), _drive(81),
          _found(limit=800, road=1, confidence=0.5)),
    _case("half a metre farther is not, then", _truck(SLOW, _north(-5.5, "fast", limit_kmh=80), matching={"tie_m": 0}), _drive(81),
          _found(limit=600, confidence=1.0)),
    _case("one beyond the radius does not fit, though it is hardly farther", _truck(_north(29, "slow", limit_kmh=60), _north(-31, "fast", limit_kmh=80)),
          _drive(81), _found(limit=600, confidence=1.0)),
    _case("nor one whose direction does not", _truck(SLOW, road("highway", (-2000, 5), (2000, 5), limit_kmh=80)), _drive(81, heading=0),
          _found(limit=600, confidence=1.0)),
    _case("a one-way road against the heading does not", _truck(SLOW, _north(-15, "fast", limit_kmh=80, oneway=True)), _drive(81, heading=180),
          _found(limit=600, confidence=1.0)),
    _case("a road is as far as its nearest leg that fits: the bend's near leg does not count",
          _truck(road("highway", (-2000, 2), (-21, 2), (-21, 2000), name="bend", limit_kmh=80), SLOW), _drive(81, heading=0),
          _found(limit=600, confidence=1.0)),
    _case("and the leg that does is near enough here",
          _truck(road("highway", (-2000, 2), (-19, 2), (-19, 2000), name="bend", limit_kmh=80), SLOW), _drive(81, heading=0),
          _found(limit=800, confidence=0.5, doubt=[{"road": "bend", "limit": 80}, {"road": "slow", "limit": 60}])),
]  # fmt: skip

CHOICE = [
    _case("the 10 m of preference are gone: the road before does not count against a higher limit",
          _truck(SLOW, FAST), [fix(-10, 50, 20), *_drive(81)], _found(limit=800, road=1)),
    _case("of equal limits the higher statutory part", config(roads=[_north(5, "night", limit_kmh=80, night_limit_kmh=64), _north(-5, "day", limit_kmh=80)]),
          _drive(70, NIGHT), _found(NIGHT, kind="monitoring", limit=640, statutory=800, road=1, confidence=0.5,
                                    doubt=[{"road": "night", "limit": 64}, {"road": "day", "limit": 64}])),
    _case("then the road of the fix before", _truck(_north(-10, "a", limit_kmh=60), _north(8, "b", limit_kmh=60)),
          [fix(-10, 30, -29), *_drive(61)], _found(limit=600, road=0, confidence=1.0, doubt=None)),
    _case("then the nearest", _truck(_north(-10, "a", limit_kmh=60), _north(8, "b", limit_kmh=60)), _drive(61), _found(limit=600, road=1, confidence=1.0)),
    _case("a fix on no road leaves none before", _truck(_north(-10, "a", limit_kmh=60), _north(8, "b", limit_kmh=60)),
          [fix(-20, 30, -29), fix(-10, 30, 500), *_drive(61)], _found(road=1)),
    _case("a fix without a speed is not the one before", _truck(_north(-10, "a", limit_kmh=60), _north(8, "b", limit_kmh=60)),
          [fix(-20, 30, -29), fix(-10, None, 500), *_drive(61)], _found(road=0)),
    _case("then the first of the map", _truck(_north(10, "a", limit_kmh=60), _north(10, "b", limit_kmh=60)), _drive(61),
          _found(limit=600, road=0, confidence=1.0, doubt=None)),
    _case("a road that gives no figure has the limit on no road", _truck(_north(5, "sign", limit_kmh=60), _north(-5, "bare")), _drive(101),
          _found(limit=1000, statutory=1000, road=None, confidence=0.5, doubt=[{"road": "sign", "limit": 60}, {"road": "bare", "limit": 100}])),
    _case("which may be the lower one", _truck(_north(5, "sign", limit_kmh=90), _north(-5, "bare"), speeding={"unmatched_limit_kmh": {"freight": 70}}),
          _drive(91), _found(limit=900, road=0, confidence=0.5, doubt=[{"road": "sign", "limit": 90}, {"road": "bare", "limit": 70}])),
    _case("two without a figure leave no doubt", _truck(_north(5, "a"), _north(-5, "b")), _drive(101), _found(limit=1000, confidence=1.0, doubt=None)),
    _case("the limit is that for this class", config("hazmat", roads=[_north(5, "a", limit_kmh=70), _north(-5, "b", limit_kmh=80)]), _drive(61),
          _found(limit=600, road=0, confidence=1.0, doubt=None)),
    _case("under a zone both are the zone's: no doubt", config("freight", roads=[SLOW, FAST], zones=[square("Z", 40)]), _drive(41),
          _found(limit=400, confidence=1.0, doubt=None)),
    _case("a road without a name has none", _truck(road("highway", (5, -2000), (5, 2000), limit_kmh=60, ref="G307"), FAST), _drive(81),
          _found(doubt=[{"road": "G307", "limit": 60}, {"road": "fast", "limit": 80}])),
]  # fmt: skip

EPISODES = [
    _case("one doubtful fix above is enough", _truck(SLOW, FAST),
          [fix(0, 81, 20), fix(10, 81, 20), fix(20, 81, 0), fix(40, 81, 20), fix(600, 0, 20)], closed(0, 40, confidence=0.5, doubt=BOTH)),
    _case("a doubtful one that is not above is none", _truck(SLOW, FAST),
          [fix(0, 81, 20), fix(10, 81, 20), fix(20, 79, 0), fix(30, 81, 20), fix(70, 81, 20), fix(600, 0, 20)],
          closed(30, 70, confidence=1.0, doubt=None)),
    _case("the first such fix is told of", _truck(SLOW, FAST, _north(500, "c", limit_kmh=50), _north(505, "d", limit_kmh=70)),
          [fix(0, 81), fix(20, 81, 502), fix(40, 81), fix(600, 0)], closed(0, 40, confidence=0.5, doubt=BOTH)),
    _case("that of a burst too short to open is forgotten", _truck(SLOW, FAST),
          [fix(-100, 81), fix(-90, 81), fix(-80, 50), *_drive(61, x_m=20)], _found(limit=600, confidence=1.0, doubt=None)),
]  # fmt: skip

OWNER = [
    _case("matching's own radius", _truck(_north(48, "a", limit_kmh=60), matching={"match_radius_m": 50}), _drive(70), _found()),
    _case("what matching says counts", _truck(_north(48, "a", limit_kmh=60), matching={"match_radius_m": 30}, speeding={"match_radius_m": 50}), _drive(70)),
    _case("its heading", _truck(_north(5, "a", limit_kmh=60), matching={"match_heading_deg": 50}), _drive(70, heading=50), _found()),
    _case("and its speed from which it is asked", _truck(_north(5, "a", limit_kmh=60), matching={"moving_kmh": 50}, speeding={"moving_kmh": 90}),
          _drive(70, heading=90)),
]  # fmt: skip

CASES = [*EQUALLY, *CHOICE, *EPISODES, *OWNER]
