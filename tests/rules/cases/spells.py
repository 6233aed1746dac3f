"""Fatigue: spells and what ends them. A truck with a limit of 1,600 s shows by an episode that a stop was no rest.

Most cases drive from 0 to 300, then something happens that may be rest, and drive on from 1,560 to 2,160, a fix a minute. Unrested, the
spell passes its limit at 1,620.
"""

from typing import Any

from services.contracts.registry import Config
from tests.rules.cases.building import Case, clock, closed, config, every, fix, ms, still_open
from tests.rules.reference.fixes import Fix

TRUCK = config("freight", fatigue={"continuous_s": 1600})
LAW = config("freight")
FAR = config("freight", fatigue={"continuous_s": 1600, "displaced_m": 5000})
"""Of a vehicle whose places alone are not taken for driving."""


def _case(name: str, world: Config, fixes: list[Fix], *expected: dict[str, Any]) -> Case:
    return Case(f"fatigue: {name}", world, fixes, list(expected), "fatigue")


def drive(from_s: float, to_s: float, x_m: float = 0.0, **more: Any) -> list[Fix]:
    """A minute's fixes at 60 km/h."""
    return every(60, from_s, to_s, 60, x_m, **more)


def stand(from_s: float, to_s: float, x_m: float = 0.0, **more: Any) -> list[Fix]:
    """A minute's fixes at 0 km/h."""
    return every(60, from_s, to_s, 0, x_m, **more)


def _around(*stop: Fix, x_m: float = 0.0) -> list[Fix]:
    """Drive, stop, drive on `x_m` from where it all began."""
    return [*drive(0, 300), *stop, *drive(1560, 2160, x_m)]


UNRESTED = still_open(
    1620, 2160, kind="continuous", peak=2_160_000, limit=1_600_000, spell_began_ms=ms(0), confidence=1.0
)
UNSURE = {**UNRESTED, "confidence": 0.5}

LENGTH = [
    _case("worked check 1: a stop of 19:59 is no rest, and counts", LAW,
          [*drive(0, 14_399), *stand(14_400, 15_590), fix(15_598, 60), fix(15_599, 60)],
          still_open(15_598, 15_599, kind="continuous", peak=15_599_000, limit=14_400_000, severity="major", spell_began_ms=ms(0))),
    _case("worked check 2: one of 20:00 is", LAW, [*drive(0, 14_399), *stand(14_400, 15_590), fix(15_599, 60), fix(15_600, 60)]),
    _case("four hours are not more than four hours", LAW, drive(0, 14_400)),
    _case("a millisecond more is", LAW, [*drive(0, 14_400), fix(14_400.001, 60)], still_open(14_400.001, 14_400.001, peak=14_400_001)),
    _case("it opens at the first moving fix beyond, not at a still one", LAW, [*drive(0, 14_400), fix(14_430, 0), fix(14_460, 60)],
          still_open(14_460, 14_460)),
    _case("it lasts to the latest moving fix, and rest closes it", LAW, [*drive(0, 14_520), *stand(14_580, 15_720)],
          closed(14_460, 14_520, peak=14_520_000, at=(ms(14_520), 1062000000, 385000000))),
    _case("a millisecond less than rest does not", LAW, [*drive(0, 14_520), *stand(14_580, 15_719.999)], still_open(14_460, 14_520)),
    _case("just below 1.25 times", LAW, drive(0, 17_999), still_open(14_460, 17_999, severity="major")),
    _case("1.25 times is critical", LAW, drive(0, 18_000), still_open(14_460, 18_000, severity="critical")),
    *(_case(f"nine minutes and more of driving with a fix every {step} s are nothing", config(), every(step, 0, seconds, 60))
      for step, seconds in ((10, 540), (5, 380), (30, 960))),
]  # fmt: skip

REST = [
    _case("twenty minutes in one place", TRUCK, _around(*stand(330, 1530))),
    _case("1,199.999 s are not enough", TRUCK, [*drive(0, 300), *stand(330, 1490), *drive(1499.999, 2099.999)], still_open(1619.999, 2099.999)),
    _case("1,200 s are, shown by the moving fix alone", TRUCK, [*drive(0, 300), *stand(330, 900), *drive(1500, 3100)]),
    _case("that fix begins the next spell", TRUCK, [*drive(0, 300), *stand(330, 900), *drive(1500, 3100), fix(3101, 60)],
          still_open(3101, 3101, spell_began_ms=ms(1500), peak=1_601_000)),
    _case("a moving fix 495 m off still shows it", TRUCK, [*drive(0, 300), *stand(330, 900), *drive(1500, 2160, 495)]),
    _case("one 506 m off does not", TRUCK, [*drive(0, 300), *stand(330, 900), *drive(1500, 2160, 506)], UNRESTED),
    _case("drifting 495 m is standing", TRUCK, _around(fix(330, 0), *stand(360, 1530, 495))),
    _case("drifting 506 m spoils the stop", TRUCK, _around(*stand(330, 590), fix(600, 0, 506), fix(610, 0, 506), *stand(660, 1530)), UNRESTED),
    _case("the place is the first still fix, not the latest moving one", TRUCK, [*drive(0, 300, -1000), *stand(330, 1530), *drive(1560, 2160)]),
    _case("both 400 m east and 400 m west of it is standing", TRUCK, _around(fix(330, 0), *stand(390, 900, 400), *stand(960, 1530, -400))),
    _case("spoiled, it is no rest however long it lasts", FAR,
          [*drive(0, 300), fix(330, 0), *every(600, 600, 4800, 0, 506), fix(5000, 60, 506)], still_open(5000, 5000, peak=5_000_000)),
    _case("a moving fix makes good", TRUCK, [*drive(0, 300), fix(330, 0), fix(600, 0, 506), fix(900, 60, 506), *stand(930, 2130, 506), *drive(2160, 2760, 506)]),
    _case("fixes of the stop 1,200 s apart", TRUCK, _around(fix(330, 0), fix(1530, 0))),
    _case("a lone still fix is within its own radius, be it 20 km on", TRUCK, _around(fix(1500, 0, 20_000), x_m=20_000)),
    _case("two moving fixes with a shorter rest between them", config("freight", fatigue={"continuous_s": 1600, "min_rest_s": 600}),
          [*drive(0, 300), *drive(1200, 2800)]),
    _case("unless they lie apart", config("freight", fatigue={"continuous_s": 1600, "min_rest_s": 600}),
          [*drive(0, 300), *drive(1200, 2160, 600)], UNRESTED),
    _case("what is kept out is no part of a stop", TRUCK,
          _around(*stand(330, 600), fix(610, 200, 0, speed_implausible=True), fix(620, 0, 20_000, not_fixed=True), fix(630, None, 20_000), *stand(660, 1530))),
]  # fmt: skip

SILENCE = [
    _case("found elsewhere after 1,200.001 s: it was driving", TRUCK, _around(fix(1500.001, 0, 20_000), x_m=20_000),
          {**UNSURE, "timeline": [("driving", ms(0), ms(300)), ("silent", ms(300), ms(1500.001)), ("driving", ms(1500.001), ms(2160))]}),
    _case("found again 495 m off: rest", TRUCK, _around(fix(1501, 0, 495), x_m=495)),
    _case("found 506 m off: driving", TRUCK, _around(fix(1501, 0, 506), x_m=506), UNSURE),
    _case("found again by a moving fix: rest", TRUCK, [*drive(0, 300), *drive(1501, 3101)]),
    _case("the odometer has gone on 1,000 m: rest", TRUCK, [*drive(0, 300, odometer_m=50_000), fix(1501, 0, odometer_m=51_000), *drive(1560, 2160)]),
    _case("1,001 m: driving", TRUCK, [*drive(0, 300, odometer_m=50_000), fix(1501, 0, odometer_m=51_001), *drive(1560, 2160)], UNSURE),
    _case("1,001 m back: another odometer contradicts nothing", TRUCK, [*drive(0, 300, odometer_m=50_000), fix(1501, 0, odometer_m=48_999), *drive(1560, 2160)]),
    _case("an odometer on one side says nothing", TRUCK, [*drive(0, 300), fix(1501, 0, odometer_m=51_001), *drive(1560, 2160)]),
    _case("in the middle of a stop", TRUCK, _around(fix(330, 0), fix(1540, 0, 495))),
    _case("the place is the first still fix, not the last before the silence", TRUCK,
          [*drive(0, 300), fix(330, 0), fix(400, 0, 490), fix(1610, 0, 800)], still_open(1610, 1610, confidence=0.5, peak=1_610_000)),
    _case("being found elsewhere does not switch moving on", TRUCK,
          [*drive(0, 300), fix(330, 0), fix(1610, 0, 20_000), *every(60, 1640, 2840, 4.0, 20_000)], closed(1610, 1610, confidence=0.5)),
    _case("with no spell running it begins one", TRUCK, [fix(0, 0), fix(1500, 0, 20_000), *drive(1560, 3060, 20_000), fix(3101, 60, 20_000)],
          still_open(3101, 3101, spell_began_ms=ms(1500), confidence=0.5)),
    _case("after a rest, too", TRUCK, [*drive(0, 300), *stand(330, 1530), fix(2830, 0, 20_000), *drive(2890, 4390, 20_000), fix(4431, 60, 20_000)],
          still_open(4431, 4431, spell_began_ms=ms(2830), confidence=0.5)),
    _case("a spoiled stop spoils its silence", FAR,
          [*drive(0, 300), fix(330, 0), fix(600, 0, 550), fix(1900, 0, 100), fix(1960, 60, 100)], still_open(1960, 1960, confidence=1.0)),
    _case("where a spoiled stop has drifted to is elsewhere", TRUCK,
          [*drive(0, 300), fix(330, 0), fix(600, 0, 550), fix(1900, 0, 3000)], still_open(1900, 1900, confidence=0.5)),
    _case("3,600 s: still driving", TRUCK, [*drive(0, 300), fix(3900, 0, 60_000)], still_open(3900, 3900, confidence=0.5)),
    _case("3,600.001 s with room for a rest end the spell, and find nothing", TRUCK, [*drive(0, 300), fix(3900.001, 0, 20_000), *drive(3960, 5560, 20_000)]),
    _case("they close what was open", TRUCK, [*drive(0, 1620), fix(5221, 60, 20_000)], closed(1620, 1620)),
    _case("a moving fix after them begins anew", TRUCK, [*drive(0, 300), *drive(3901, 5501, 20_000)]),
    _case("the fix after them is the place of a new stop", TRUCK,
          [*drive(0, 300), fix(3901, 0, 20_000), fix(5201, 0, 20_000), *drive(5300, 6900, 20_000)]),
    _case("and no fix before them is", TRUCK,
          [*drive(0, 300), fix(330, 0), fix(3931, 0, 20_000), fix(5231, 0, 20_000), *drive(5300, 6900, 20_000)]),
    _case("a silence shorter than rest, found again, is part of the stop", config("freight", fatigue={"continuous_s": 1600, "max_gap_s": 600}),
          _around(fix(330, 0), fix(1030, 0), fix(1530, 0))),
    _case("fixes without a speed break it", TRUCK, _around(*every(60, 330, 1490, None), fix(1501, 0, 20_000), x_m=20_000), UNRESTED),
    _case("those that are kept out do not", TRUCK,
          _around(*every(60, 330, 1490, 200, speed_implausible=True), fix(1501, 0, 20_000), x_m=20_000), UNSURE),
]  # fmt: skip

DRIVERS = [
    _case("each has a ledger", TRUCK, [*drive(0, 1500, driver=1), *drive(1560, 3060, driver=2)]),
    _case("the ledger's driver is the episode's", TRUCK, drive(0, 1620, driver=1), still_open(1620, 1620, driver=1)),
    _case("away for less than rest: the spell is resumed", TRUCK, [*drive(0, 900, driver=1), *drive(960, 1500, driver=2), *drive(1560, 1680, driver=1)],
          still_open(1620, 1680, driver=1, spell_began_ms=ms(0), peak=1_680_000,
                     timeline=[("driving", ms(0), ms(900)), ("rest", ms(900), ms(1560)), ("driving", ms(1560), ms(1680))])),
    _case("1,199.999 s after the latest moving fix, too", TRUCK, [*drive(0, 900, driver=1), *drive(960, 2040, driver=2), fix(2099.999, 60, driver=1)],
          still_open(2099.999, 2099.999, driver=1)),
    _case("after 1,200 s he has rested", TRUCK, [*drive(0, 900, driver=1), *drive(960, 2040, driver=2), *drive(2100, 3700, driver=1)]),
    _case("the time counts from his driving, not from his leaving", TRUCK,
          [*drive(0, 600, driver=1), *stand(660, 1200, driver=1), fix(1260, 60, driver=2), *drive(1800, 2400, driver=1)]),
    _case("the other's fixes close his episode", TRUCK, [*drive(0, 1620, driver=1), *drive(1680, 2820, driver=2)], closed(1620, 1620, driver=1)),
    _case("not a moment too early", TRUCK, [*drive(0, 1620, driver=1), *drive(1680, 2819.999, driver=2)], still_open(1620, 1620, driver=1)),
    _case("nor by fixes that are kept out", TRUCK, [*drive(0, 1620, driver=1), *drive(1680, 2700, driver=2), fix(2900, 200, speed_implausible=True)], still_open(1620, 1620, driver=1)),
    _case("one without a speed does", TRUCK, [*drive(0, 1620, driver=1), *drive(1680, 2700, driver=2), fix(2900, None)], closed(1620, 1620, driver=1)),
    _case("back within twenty minutes, rest is proven where he came back", TRUCK,
          [*drive(0, 300, driver=1), *stand(330, 600), *drive(660, 840, 3000, driver=2), *stand(900, 1500, 3000, driver=1), *drive(1560, 3160, 3000)]),
    _case("and may be spoiled there", TRUCK,
          [*drive(0, 300, driver=1), *stand(330, 600), *drive(660, 840, 3000, driver=2), *stand(900, 1100, 3000, driver=1), *stand(1200, 1500, 3600),
           *drive(1560, 2160, 3600)], {**UNRESTED, "driver": 1}),
    _case("what was spoiled before he left is forgotten", TRUCK,
          [*drive(0, 300, driver=1), fix(330, 0), fix(400, 0, 600), fix(460, 0, 600, driver=2), *stand(520, 1500, 600, driver=1), *drive(1560, 3160, 600)]),
    _case("he rests without proof while away, spoiled or not", FAR,
          [*drive(0, 300, driver=1), fix(330, 0), fix(600, 0, 600), *stand(700, 1440, 600), fix(1500, 0, 600, driver=2), *drive(1560, 3160, 600, driver=1)]),
    _case("no card known is a ledger, too", TRUCK, [*drive(0, 900, driver=1), fix(960, 60, driver=-1), *drive(1020, 2520), fix(2561, 60)],
          still_open(2561, 2561, driver=None, spell_began_ms=ms(960))),
    _case("a card read from a fix without a speed", TRUCK, [*drive(0, 900, driver=1), fix(930, None, driver=2), *drive(960, 2520), fix(2561, 60)],
          still_open(2561, 2561, driver=2)),
    _case("a silence between two drivers is nobody's driving", TRUCK, [*drive(0, 300, driver=1), fix(1800, 0, 20_000, driver=2), *drive(1860, 3460, 20_000)]),
    _case("two cards seen by no fix that counts are no absence", TRUCK,
          [*drive(0, 300, driver=1), *stand(330, 600), fix(610, None, driver=2), fix(620, None, driver=1), *stand(660, 1530), *drive(1560, 3160)]),
]  # fmt: skip

TIMELINE = [
    _case("a short stop is told, and counts", TRUCK, [*drive(0, 300), *stand(360, 600), *drive(660, 1680)],
          still_open(1620, 1680, timeline=[("driving", ms(0), ms(300)), ("stopped", ms(300), ms(660)), ("driving", ms(660), ms(1680))])),
]  # fmt: skip

DUSK, DAWN, MIDNIGHT = clock("22:00:00"), clock("06:00:00"), clock("00:00:00", 1)
NIGHT = {"night_continuous_s": 600}
LONG = {"continuous_s": 604_800, "rolling_24h_s": 86_400}
EVENING = clock("21:00:00")
NIGHTS = [
    _case("worked check 3: a coach from 21:00 on", config(), [*drive(EVENING, MIDNIGHT - 1), fix(MIDNIGHT + 1, 60)],
          still_open(MIDNIGHT + 1, MIDNIGHT + 1, kind="night", peak=7_201_000, limit=7_200_000, severity="major", spell_began_ms=ms(EVENING))),
    _case("worked check 3: at midnight it is not more than two hours", config(), drive(EVENING, MIDNIGHT)),
    _case("the clock begins at the first moving fix inside", config(fatigue=NIGHT),
          [*drive(DUSK - 630, DUSK - 30), fix(DUSK + 1, 0), *drive(DUSK + 20, DUSK + 680)], still_open(DUSK + 680, DUSK + 680, peak=660_000)),
    *(_case(f"a {name} has no clock for the night", config(name, fatigue=NIGHT), drive(DUSK, DUSK + 900)) for name in ("hazmat", "freight")),
    *(_case(f"a {name} has", config(name, fatigue=NIGHT), drive(DUSK, DUSK + 900), still_open(DUSK + 660, DUSK + 900, severity="critical"))
      for name in ("coach", "charter", "school_bus")),
    _case("it ends with the window", config(fatigue=NIGHT), drive(DAWN - 900, DAWN + 600), closed(DAWN - 240, DAWN - 60, kind="night", peak=840_000)),
    _case("until a fix shows that it is over the episode is open", config(fatigue=NIGHT), drive(DAWN - 900, DAWN - 1), still_open(DAWN - 240, DAWN - 1)),
    _case("a still fix shows it", config(fatigue=NIGHT), [*drive(DAWN - 900, DAWN - 60), fix(DAWN, 0)], closed(DAWN - 240, DAWN - 60)),
    _case("another driver's fix shows it", config(fatigue=NIGHT), [*drive(DAWN - 900, DAWN - 60, driver=1), fix(DAWN, 0, driver=2)],
          closed(DAWN - 240, DAWN - 60, driver=1)),
    _case("rest begins it anew", config(fatigue=NIGHT), [*drive(DUSK, DUSK + 540), *stand(DUSK + 600, DUSK + 1740), *drive(DUSK + 1800, DUSK + 2400)]),
    _case("each night of a long spell has its own", config("school_bus", fatigue=LONG), every(1000, EVENING, EVENING + 100_000, 60),
          closed(EVENING + 12_000, EVENING + 32_000, peak=28_000_000), still_open(EVENING + 98_000, EVENING + 100_000, peak=10_000_000)),
    _case("a window of our own, within a day", config(fatigue={**NIGHT, "night_window": "08:05-08:20"}), drive(0, 1500), closed(960, 1140, peak=840_000)),
]  # fmt: skip

TANKER = config("hazmat", fatigue={"continuous_s": 604_800, "rolling_24h_s": 1000})
ROLLING = [
    _case("spells add up", TANKER, [*drive(0, 600), *stand(660, 1860), *drive(1920, 2400)],
          still_open(2340, 2400, kind="rolling_24h", peak=1_080_000, limit=1_000_000, severity="minor", spell_began_ms=ms(1920))),
    _case("1,000 s are not more than 1,000", TANKER, [*drive(0, 600), *drive(660, 1000)]),
    _case("1,001 are", TANKER, [*drive(0, 600), *drive(660, 1001)], still_open(1001, 1001)),
    _case("they stay minor", TANKER, drive(0, 2000), still_open(1020, 2000, severity="minor", peak=2_000_000)),
    _case("only what lies within 24 h counts", TANKER, [*drive(0, 600), *drive(86_100, 87_120)], still_open(87_120, 87_120, peak=1_020_000)),
    _case("the window slides while standing", TANKER, [*drive(0, 1020), fix(86_420, 0)], closed(1020, 1020, peak=1_020_000)),
    _case("until the length is no longer above", TANKER, [*drive(0, 1020), fix(86_419.999, 0)], still_open(1020, 1020)),
    _case("another driver's fixes count for it", TANKER, [*drive(0, 1020, driver=1), fix(86_420, 0, driver=2)], closed(1020, 1020, driver=1)),
    _case("it goes on over rests", TANKER, [*drive(0, 1020), *stand(1080, 2940), *drive(3000, 3060)],
          still_open(1020, 3060, peak=1_080_000, spell_began_ms=ms(0),
                     timeline=[("driving", ms(0), ms(1020)), ("rest", ms(1020), ms(3000)), ("driving", ms(3000), ms(3060))])),
    _case("a driving silence makes it unsure", TANKER, [*drive(0, 300), fix(1800, 0, 20_000)], still_open(1800, 1800, confidence=0.5)),
    _case("each driver's own", TANKER, [*drive(0, 600, driver=1), *drive(660, 1260, driver=2)]),
    _case("freight has none", config("freight", fatigue={"continuous_s": 604_800, "rolling_24h_s": 1000}), drive(0, 2000)),
    *(_case(f"a {name} has 24 h", config(name, fatigue={"rolling_24h_s": 1000}), drive(0, 1020), still_open(1020, 1020, kind="rolling_24h"))
      for name in ("coach", "charter", "school_bus")),
    *(_case(f"a {name} has seven days", config(name, fatigue={"rolling_7d_s": 1000}), drive(0, 1020), still_open(1020, 1020, kind="rolling_7d"))
      for name in ("coach", "charter")),
    *(_case(f"a {name} has no seven days", config(name, fatigue={"rolling_7d_s": 1000}), drive(0, 1020)) for name in ("school_bus", "hazmat", "freight")),
    _case("what was driven six days ago counts for seven days", config(fatigue={"rolling_7d_s": 1000}), [*drive(0, 600), *drive(604_000, 604_480)],
          still_open(604_420, 604_480, kind="rolling_7d", peak=1_080_000, spell_began_ms=ms(604_000))),
    _case("what has slid out of them does not", config(fatigue={"rolling_7d_s": 1000}), [*drive(0, 600), *drive(604_700, 605_180)]),
]  # fmt: skip

CASES = [*LENGTH, *REST, *SILENCE, *DRIVERS, *TIMELINE, *NIGHTS, *ROLLING]
