"""Speeding without a map: bursts, merging, opening and closing, peak, band and severity, what is left out.

A coach on no road has 100 km/h by day; 101 is above, 90 is not. All figures are worked out by hand from docs/semantics.md.
"""

from typing import Any

from services.contracts.registry import RuleSet
from tests.rules.cases.building import Case, closed, config, fix, ms, still_open, vehicle
from tests.rules.reference.fixes import Fix

COACH = config()
CALM = [fix(141, 90), fix(500, 90)]
"""Far behind everything: proves the end of what ended at 80 or before."""


def _case(name: str, fixes: list[Fix], *expected: dict[str, Any], world: Any = COACH) -> Case:
    return Case(f"speeding: {name}", world, fixes, list(expected), "speeding")


def _over(*seconds: float, kmh: float = 101) -> list[Fix]:
    return [fix(second, kmh) for second in seconds]


LENGTH = [
    _case("a burst of exactly 30 s opens nothing", [*_over(0, 10, 20, 30), *CALM]),
    _case("a burst of 31 s opens, and lasts from its first fix to its last",
          [*_over(0, 10, 20, 31), *CALM],
          closed(0, 31, kind="statutory", limit=1000, peak=1010, band="0-10%", severity="minor", confidence=1.0,
                 driver=None, at=(ms(0), 1062000000, 385000000))),
    _case("30.001 s are more than 30 s", [*_over(0, 30.001), *CALM], closed(0, 30.001)),
    _case("two fixes are enough if they lie far enough apart", [*_over(0, 31), *CALM], closed(0, 31)),
    _case("only what is proven counts: the time after the last fix above does not", [*_over(0, 29), *CALM]),
    _case("the limit itself is not above it", [*_over(0, 10, 20, 40, kmh=100), *CALM]),
    _case("a tenth more is", [*_over(0, 40, kmh=100.1), *CALM], closed(0, 40, peak=1001)),
    _case("short bursts do not add up before one is long enough",
          [*_over(0, 20), fix(25, 90), *_over(30, 50), fix(55, 90), *CALM]),
    _case("min_duration_s 0: a lone fix has no length", [*_over(0), *CALM], world=config(speeding={"min_duration_s": 0})),
    _case("min_duration_s 0: any length is enough", [*_over(0, 0.001), *CALM], closed(0, 0.001),
          world=config(speeding={"min_duration_s": 0})),
]  # fmt: skip

NEIGHBOURS = [
    _case("neighbours exactly 180 s apart are one burst", [*_over(0, 180), fix(400, 90)], closed(0, 180)),
    _case("180.001 s apart they are two, each without length", [*_over(0, 180.001), fix(400, 90)]),
    _case(
        "a gap longer than max_gap_s ends the episode, too", [*_over(0, 31, 212), fix(400, 90)], closed(0, 31)
    ),
    _case(
        "a burst broken by a gap still joins within merge_window_s",
        [*_over(0, 31, 81), fix(400, 90)],
        closed(0, 81),
        world=config(speeding={"max_gap_s": 40}),
    ),
    _case(
        "a running burst goes on over more than merge_window_s",
        [*_over(0, 31, 181), fix(400, 90)],
        closed(0, 181),
    ),
]

MERGING = [
    _case("worked check 8: 0-31 and 45-80 are one event",
          [*_over(0, 10, 20, 31), fix(40, 90), *_over(45, 60, 80), fix(90, 90), *CALM], closed(0, 80)),
    _case("a single fix above 60 s after the last one belongs", [*_over(0, 31), fix(40, 90), *_over(91), fix(400, 90)],
          closed(0, 91)),
    _case("60.001 s after it does not", [*_over(0, 31), fix(40, 90), *_over(91.001), fix(400, 90)], closed(0, 31)),
    _case("a long burst after the window is an episode of its own",
          [*_over(0, 31), fix(40, 90), *_over(92, 130), fix(400, 90)], closed(0, 31), closed(92, 130)),
    _case("the window counts anew from each last fix above",
          [*_over(0, 31), fix(40, 90), *_over(80), fix(85, 90), *_over(140), fix(400, 90)], closed(0, 140)),
    _case("merge_window_s 0 keeps bursts apart",
          [*_over(0, 31), fix(40, 90), *_over(45, 80), fix(90, 90)], closed(0, 31), closed(45, 80),
          world=config(speeding={"merge_window_s": 0})),
]  # fmt: skip

CLOSING = [
    _case("a running burst is open", _over(0, 31), still_open(0, 31, peak=1010, severity="minor")),
    _case(
        "a fix not above at the end of the window proves nothing yet",
        [*_over(0, 31), fix(91, 90)],
        still_open(0, 31),
    ),
    _case("one after it does", [*_over(0, 31), fix(91.001, 90)], closed(0, 31)),
    _case("a fix without a speed proves no end", [*_over(0, 31), fix(200, None)], still_open(0, 31)),
    _case("nor does one that is not fixed", [*_over(0, 31), fix(200, 90, not_fixed=True)], still_open(0, 31)),
]

PEAK = [
    _case("of equal peaks the first counts", [fix(0, 101), fix(10, 120), fix(20, 120), fix(31, 101), *CALM],
          closed(0, 31, peak=1200, at=(ms(10), 1062000000, 385000000))),
    _case("just below 10 % over", [*_over(0, 31, kmh=109.9), *CALM], closed(0, 31, band="0-10%", severity="minor")),
    _case("10 % over", [*_over(0, 31, kmh=110), *CALM], closed(0, 31, band="10-20%", severity="minor")),
    _case("just below 20 %", [*_over(0, 31, kmh=119.9), *CALM], closed(0, 31, band="10-20%", severity="minor")),
    _case("20 %", [*_over(0, 31, kmh=120), *CALM], closed(0, 31, band="20-50%", severity="major")),
    _case("just below 50 %", [*_over(0, 31, kmh=149.9), *CALM], closed(0, 31, band="20-50%", severity="major")),
    _case("50 %", [*_over(0, 31, kmh=150), *CALM], closed(0, 31, band="50%+", severity="critical")),
]  # fmt: skip

LOW = config(speeding={"unmatched_limit_kmh": {"coach": 60}})
QUIET = [fix(500, 50)]
TOLERANT = config(speeding={"tolerance_kmh": 5})
PARAMETERS = [
    _case("105 is not above 100 with a tolerance of 5", [*_over(0, 40, kmh=105), *CALM], world=TOLERANT),
    _case("105.1 is, and the limit stays 100", [*_over(0, 40, kmh=105.1), *CALM],
          closed(0, 40, limit=1000, kind="statutory", band="0-10%"), world=TOLERANT),
    _case("above a limit of our own, below the ceiling: monitoring", [*_over(0, 40, kmh=70), *QUIET],
          closed(0, 40, kind="monitoring", severity="info", band=None, limit=600, statutory=1000), world=LOW),
    _case("above the ceiling it is statutory, whatever our own limit says", [*_over(0, 40, kmh=101), *QUIET],
          closed(0, 40, kind="statutory", severity="minor", band="0-10%", limit=600), world=LOW),
    _case("one fix above the ceiling makes it statutory from then on",
          [*_over(0, 20, kmh=70), *_over(30, kmh=101), *_over(40, kmh=70), *QUIET],
          closed(0, 40, kind="statutory", peak=1010), world=LOW),
    _case("the ceiling is the law on no road, not the limit in force", [*_over(0, 40, kmh=119), fix(500, 119)],
          world=config(speeding={"unmatched_limit_kmh": {"coach": 120}})),
    _case("above both, the band is that over the ceiling", [*_over(0, 40, kmh=121), *CALM],
          closed(0, 40, kind="statutory", limit=1200, statutory=1000, band="20-50%", severity="major"),
          world=config(speeding={"unmatched_limit_kmh": {"coach": 120}})),
    _case("a partial object changes only its classes: hazmat keeps 80", [*_over(0, 40, kmh=79), *_over(50, 90, kmh=81), fix(300, 50)],
          closed(50, 90, limit=800), world=config("hazmat", speeding={"unmatched_limit_kmh": {"coach": 60}})),
    _case("parameters are those in force at the fix", [*_over(0, 10, 20, 30, 40, 50, 60, kmh=90), fix(400, 50)],
          closed(20, 60, limit=800),
          world=config(rules=[RuleSet(parameters={"speeding": {"unmatched_limit_kmh": {"coach": 80}}}, from_ms=ms(20))])),
    _case("a rule set holds up to its end, not at it", [*_over(0, 10, 20, 30, 40, 50, 60, kmh=90), fix(400, 50)],
          closed(0, 40, limit=800),
          world=config(rules=[RuleSet(parameters={"speeding": {"unmatched_limit_kmh": {"coach": 80}}}, to_ms=ms(50))])),
    _case("the class is the one registered at the fix", [*_over(0, 10, 20, 30, 40, 50, 60, kmh=90), fix(400, 50)],
          closed(20, 60, limit=800),
          world=config(vehicles=[vehicle("coach", valid_to_ms=ms(20)), vehicle("hazmat", valid_from_ms=ms(20))])),
]  # fmt: skip

LEFT_OUT = [
    _case("what is kept out breaks no run and makes no peak",
          [fix(0, 101), fix(5, 200, speed_implausible=True), fix(10, 50, not_fixed=True), fix(15, None), fix(31, 102), *CALM],
          closed(0, 31, peak=1020)),
    _case("the recorder's speed stands in", [fix(0, None, recorder_speed=1010), fix(31, None, recorder_speed=1010), *CALM],
          closed(0, 31)),
    _case("but only where there is no other", [fix(0, 20, recorder_speed=1200), fix(31, 20, recorder_speed=1200), *CALM]),
    _case("the first of two fixes of one time counts", [fix(0, 101), fix(20, 101), fix(20, 50), fix(31, 101), *CALM],
          closed(0, 31)),
    _case("an older fix is not judged", [fix(0, 101), fix(20, 101), fix(10, 50), fix(31, 101), *CALM], closed(0, 31)),
    _case("a gate fix that is not fixed makes the next one late", [fix(0, 101), fix(32, 50, not_fixed=True), fix(31, 101), *CALM]),
    _case("the driver is the one at the beginning, told even by a fix that is kept out",
          [fix(0, 50, driver=1, not_fixed=True), fix(1, 101), fix(20, 101, driver=2), fix(40, 101, driver=-1), *CALM],
          closed(1, 40, driver=1)),
    _case("a card removed before it leaves no driver", [fix(0, 90, driver=1), fix(1, 101, driver=-1), fix(40, 101), *CALM],
          closed(1, 40, driver=None)),
    _case("a fix that brings a card belongs to it", [fix(0, 90, driver=1), fix(1, 101, driver=2), fix(40, 101), *CALM],
          closed(1, 40, driver=2)),
]  # fmt: skip

CASES = [*LENGTH, *NEIGHBOURS, *MERGING, *CLOSING, *PEAK, *PARAMETERS, *LEFT_OUT]
