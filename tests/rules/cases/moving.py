"""Fatigue: what is moving, what a place says against a speed, what silences and stray places prove.

As in `spells`, a truck with a limit of 1,600 s drives from 0 to 300 and from 1,560 to 2,160; unrested it passes its limit at 1,620.
"""

from typing import Any

from tests.rules.cases.building import Case, config, every, fix, ms, still_open
from tests.rules.cases.spells import TRUCK, UNRESTED, drive, stand
from tests.rules.reference.fixes import Fix


def _case(name: str, fixes: list[Fix], *expected: dict[str, Any], world: Any = TRUCK) -> Case:
    return Case(f"fatigue: {name}", world, fixes, list(expected), "fatigue")


def _around(*stop: Fix, x_m: float = 0.0) -> list[Fix]:
    return [*drive(0, 300), *stop, *drive(1560, 2160, x_m)]


def creep(
    from_s: float, to_s: float, kmh: float | None, from_m: float, step_m: float, **more: Any
) -> list[Fix]:
    """A fix a minute, each so many metres on, the first `from_m` east."""
    count = int((to_s - from_s) // 60)
    return [fix(from_s + 60 * i, kmh, from_m + step_m * i, **more) for i in range(count + 1)]


SWITCH = [
    _case("3.0 is off", _around(*creep(360, 1500, 3.0, 60, 20), x_m=440)),
    _case("3.1 leaves it on while the vehicle leaves each place", _around(*creep(360, 1500, 3.1, 60, 60), x_m=1260), UNRESTED),
    _case("so does 4.9", _around(*creep(360, 1500, 4.9, 60, 60), x_m=1260), UNRESTED),
    _case("in one place it is off after two minutes", _around(*every(60, 360, 1530, 3.1))),
    _case("a stay a millisecond shorter than stay_s leaves it on",
          _around(fix(419.999, 19.9), *stand(430, 1500)), UNRESTED, world=config("freight", fatigue={"continuous_s": 1600, "stay_s": 420})),
    _case("6 km/h in its place each quarter of an hour is a receiver's noise", _around(*stand(330, 840), fix(900, 6), *stand(960, 1530))),
    _case("19.9 there, too", _around(*stand(330, 840), fix(900, 19.9), *stand(960, 1530))),
    _case("20.0 is moving wherever it is", _around(*stand(330, 840), fix(900, 20.0), *stand(960, 1530)), UNRESTED),
    _case("5.0 farther than 50 m from where it stood is moving", _around(*stand(330, 840), fix(900, 5.0, 51), *stand(960, 1530, 51), x_m=51), UNRESTED),
    _case("5.0 within 50 m of it is not", _around(*stand(330, 840), fix(900, 5.0, 49), *stand(960, 1530, 49), x_m=49)),
    _case("nor is 4.9 beyond", _around(*stand(330, 840), fix(900, 4.9, 60), *stand(960, 1530, 60), x_m=60)),
    _case("leave_m of our own", _around(*stand(330, 840), fix(900, 5.0, 60), *stand(960, 1530, 60), x_m=60),
          world=config("freight", fatigue={"continuous_s": 1600, "leave_m": 100})),
    _case("10 km/h far from where it stood, but two minutes in one place: off",
          _around(*stand(330, 840), *creep(900, 960, 0, 60, 0), fix(1020, 10, 60), *stand(1080, 1530, 60), x_m=60)),
    _case("two minutes less a millisecond: on",
          _around(*stand(330, 840), fix(900, 0, 60), fix(1019.999, 10, 60), *stand(1080, 1530, 60), x_m=60), UNRESTED),
    _case("the first fix is where it stood: 10 km/h there is not moving", [*every(60, 0, 1620, 10)]),
    _case("its standing place is where it was switched off, not where it drove past",
          [*drive(0, 240), fix(300, 60, 1000), fix(360, 0, 1000), fix(380, 6, 1040), *stand(400, 1560, 1040), *drive(1620, 2220, 1040)]),
    _case("after a silence longer than max_gap_s it stands where it is heard again",
          [*stand(0, 300), fix(1501, 0, 400), fix(1510, 6, 440), *stand(1560, 3120, 440), *drive(3180, 4780, 440)]),
    _case("the switch is the vehicle's: a new driver at 4 km/h goes on moving",
          [*drive(0, 300, driver=1), *creep(360, 1920, 4.0, 60, 60, driver=2), fix(1961, 4.0, 1700)], still_open(1961, 1961, driver=2, spell_began_ms=ms(360))),
    _case("a fix without a speed in its place is off", _around(*every(60, 360, 1530, None))),
    _case("one that leaves it is as it was: moving", _around(*creep(360, 1500, None, 60, 60), x_m=1260), UNRESTED),
    _case("or still", _around(*stand(330, 390), *creep(450, 1500, None, 51, 25), x_m=400)),
]  # fmt: skip

ROLLER = creep(0, 2100, 0, 0, 1000)
DISPLACED = [
    _case("0 km/h, a kilometre a minute: driving", ROLLER, still_open(1800, 2040, confidence=0.5, spell_began_ms=ms(120), peak=1_920_000)),
    _case("no speed at all: the same", creep(0, 2100, None, 0, 1000), still_open(1800, 2040, confidence=0.5, spell_began_ms=ms(120))),
    _case("each second fix moves, as the standing place comes along", ROLLER[:30], still_open(1680, 1680, peak=1_560_000, confidence=0.5),
          world=config("freight", fatigue={"continuous_s": 1559})),
    _case("one stray position is none", _around(*stand(330, 540), fix(600, 0, 5000), *stand(630, 1530))),
    _case("two are, and what comes after them is another stop", _around(*stand(330, 540), fix(600, 0, 5000), fix(610, 0, 5000), *stand(630, 1530)),
          UNRESTED),
    _case("510 m off with 245 m before it is not", _around(*stand(330, 540), fix(600, 0, 245), fix(660, 0, 510), *stand(720, 1530)),
          world=config("freight", fatigue={"continuous_s": 1600, "rest_radius_m": 1000})),
    _case("with 255 m before it is: rest begins there",
          _around(*stand(330, 540), fix(600, 0, 255), fix(660, 0, 510), *stand(720, 1530)), UNRESTED,
          world=config("freight", fatigue={"continuous_s": 1600, "rest_radius_m": 1000})),
    _case("490 m with 255 m before it is not", _around(*stand(330, 540), fix(600, 0, 255), *stand(660, 1530, 490), x_m=490),
          world=config("freight", fatigue={"continuous_s": 1600, "rest_radius_m": 1000})),
    _case("it leaves the confidence while the switch was on less than a rest ago",
          [*drive(0, 600), *creep(660, 1740, 0, 1000, 1000), *drive(1770, 1830, 21_000)], still_open(1620, 1830, confidence=1.0, spell_began_ms=ms(0))),
    _case("but not longer", [*drive(0, 600), *creep(660, 1860, 0, 1000, 1000)], still_open(1620, 1860, confidence=0.5, spell_began_ms=ms(0))),
    _case("a place it is carried to after a silence is none: it stands there",
          [*stand(0, 300), fix(1501, 0, 3000), *stand(1560, 3000, 3000), *drive(3060, 4660, 3000)]),
    _case("another driver's displacement is his", [*stand(0, 600, driver=1), *creep(660, 2460, 0, 1000, 1000, driver=2)],
          still_open(2400, 2400, driver=2, confidence=0.5, spell_began_ms=ms(720))),
]  # fmt: skip

SILENCES = [
    _case("elsewhere with room for a rest: the spell ends", _around(fix(2100, 0, 700))[:7], world=config("freight", fatigue={"continuous_s": 300})),
    _case("45 min and 700 m: rest", [*drive(0, 1500), fix(4200, 0, 700), *drive(4260, 5760, 700)]),
    _case("59 min and 90 km: driving", [*drive(0, 1500), fix(5040, 0, 90_000)], still_open(5040, 5040, confidence=0.5, spell_began_ms=ms(0))),
    _case("61 min and 90 km: driving, however long", [*drive(0, 1500), fix(5160, 0, 90_000)], still_open(5160, 5160, confidence=0.5, spell_began_ms=ms(0))),
    _case("two hours and 150 km leave no room, either", [*drive(0, 1500), fix(8700, 0, 150_000)], still_open(8700, 8700, confidence=0.5, peak=8_700_000)),
    _case("two hours and 130 km do", [*drive(0, 1500), fix(8700, 0, 130_000), *drive(8760, 10_260, 130_000)]),
    _case("a way faster than 120 km/h is none: rest", [*drive(0, 1500), fix(4200, 0, 91_000), *drive(4260, 5760, 91_000)]),
    _case("one of 119 is driving", [*drive(0, 1500), fix(4200, 0, 89_000)], still_open(4200, 4200, confidence=0.5)),
    _case("the odometer's way, if it is the longer",
          [*drive(0, 1500, odometer_m=1000), fix(4200, 0, 700, odometer_m=36_000)], still_open(4200, 4200, confidence=0.5)),
    _case("not if it was made faster than 120 km/h", [*drive(0, 1500, odometer_m=1000), fix(4200, 0, 700, odometer_m=92_000), *drive(4260, 5760, 700)]),
    _case("found where it was, but 40 km later: driving", [*drive(0, 1500, odometer_m=1000), fix(4200, 0, odometer_m=41_000)],
          still_open(4200, 4200, confidence=0.5)),
    _case("found where it was, 1,001 m later: elsewhere, with room for a rest",
          [*drive(0, 1500, odometer_m=1000), fix(4200, 0, odometer_m=2001), *drive(4260, 5760)]),
    _case("33,340 m in 2,700 s take as long as 1,500.3 s: no room", [*drive(0, 1500, odometer_m=0), fix(4200, 0, odometer_m=33_340)], still_open(4200, 4200)),
    _case("33,333 m take 1,499.985: room", [*drive(0, 1500, odometer_m=0), fix(4200, 0, odometer_m=33_333), *drive(4260, 5760)]),
    _case("silent_drive_kmh of our own", [*drive(0, 1500), fix(4200, 0, 20_000)], still_open(4200, 4200, confidence=0.5),
          world=config("freight", fatigue={"continuous_s": 1600, "silent_drive_kmh": 40})),
    _case("longer than max_silence_s, found again: the spell ends, and a stop begins",
          [*drive(0, 1500), fix(5101, 0), *drive(5160, 6760)]),
    _case("a longer rest needs more room", [*drive(0, 1500), fix(4200, 0, 30_000)], still_open(4200, 4200, confidence=0.5),
          world=config("freight", fatigue={"continuous_s": 1600, "min_rest_s": 2000})),
    _case("the odometer back at 0 contradicts nothing", [*drive(0, 1500, odometer_m=50_000), fix(4200, 0, odometer_m=0), *drive(4260, 5860)]),
]  # fmt: skip

SHORT = config("freight", fatigue={"continuous_s": 1600, "stay_s": 420})
BOUNDS = [
    _case("one of stay_s switches it off", _around(fix(420, 19.9), *stand(430, 1500)), world=SHORT),
]  # fmt: skip

STRAY = [
    _case("one still fix far off spoils nothing", _around(*stand(330, 590), fix(600, 0, 506), *stand(660, 1530))),
    _case("back 300 s after the fix before it", _around(*stand(330, 540), fix(600, 0, 506), fix(840, 0), *stand(900, 1530))),
    _case("back 300.001 s after it: spoilt", _around(*stand(330, 540), fix(600, 0, 506), fix(840.001, 0), *stand(900, 1530)), UNRESTED),
    _case("stray_s of our own", _around(*stand(330, 540), fix(600, 0, 506), fix(660, 0), *stand(720, 1530)), UNRESTED,
          world=config("freight", fatigue={"continuous_s": 1600, "stray_s": 100})),
    _case("again and again, each by itself", _around(*stand(330, 540), fix(570, 0, 506), fix(600, 0), fix(630, 0, -506), *stand(660, 1530))),
    _case("two in a row spoil", _around(*stand(330, 540), fix(570, 0, 506), fix(600, 0, -506), *stand(630, 1530)), UNRESTED),
    _case("a moving fix in the radius undoes it, too", [*drive(0, 300), *stand(330, 1440), fix(1470, 0, 506), *drive(1500, 3100)]),
    _case("a moving fix out of it does not", [*drive(0, 300), *stand(330, 1440), fix(1470, 0, 506), *drive(1500, 2160, 506)], {**UNRESTED, "began_ms": ms(1620)}),
    _case("it proves nothing: the rest is not complete at it", [*drive(0, 300), *stand(330, 1440), fix(1500, 0, 506), *drive(1530, 2130, 506)],
          still_open(1650, 2130, spell_began_ms=ms(0))),
    _case("undone, it is: at the fix after it", [*drive(0, 300), *stand(330, 1440), fix(1500, 0, 506), fix(1510, 0), *drive(1530, 3130)]),
    _case("a silence after it spoils", [*drive(0, 300), *stand(330, 540), fix(600, 0, 506), fix(1801, 0), *drive(1860, 2160)],
          still_open(1860, 2160, confidence=1.0)),
]  # fmt: skip

CASES = [*SWITCH, *BOUNDS, *DISPLACED, *SILENCES, *STRAY]
