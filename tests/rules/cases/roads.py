"""Speeding on a map: which road a fix is on, which limit holds there, by day and by night, in zones, for school buses.

Roads run north-south through the middle of the cases unless they say otherwise. Each case drives long enough for an episode, and is
about whether there is one and of which limit.
"""

from typing import Any

from services.contracts.registry import Config, VehicleClass, Zone
from tests.rules.cases.building import Case, clock, closed, config, every, fix, ms, road, spot, square
from tests.rules.reference.fixes import Fix

NIGHT = clock("23:00:00")
OVER = 40  # s of driving, more than min_duration_s


def _north(x_m: float = 0.0, road_class: str = "highway", **more: Any) -> Any:
    """A road 4 km long, `x_m` east of the middle, its coordinates in the order from south to north."""
    return road(road_class, (x_m, -2000), (x_m, 2000), **more)


def _drive(kmh: float, start: float = 0, x_m: float = 0.0, **more: Any) -> list[Fix]:
    """Fixes at one place, and one far later that proves whatever ended."""
    return [*every(10, start, start + OVER, kmh, x_m, **more), fix(start + 600, 0, x_m, **more)]


def _case(name: str, world: Config, fixes: list[Fix], *expected: dict[str, Any]) -> Case:
    return Case(f"speeding: {name}", world, fixes, list(expected), "speeding")


def _found(start: float = 0, **more: Any) -> dict[str, Any]:
    return closed(start, start + OVER, **more)


EXPRESSWAY = [_north(road_class="expressway", limit_kmh=100)]
CLASSES = [
    _case("worked check 4: coach, 81 at 23:00 where 100 is posted", config(roads=EXPRESSWAY), _drive(81, NIGHT),
          _found(NIGHT, kind="monitoring", limit=800, peak=810, band=None, severity="info", statutory=1000)),
    _case("worked check 5: hazmat, 96 on an expressway is 20 %", config("hazmat", roads=EXPRESSWAY), _drive(96),
          _found(kind="statutory", limit=800, peak=960, band="20-50%", severity="major", road=0)),
    _case("hazmat, 95.9 on an expressway is less", config("hazmat", roads=EXPRESSWAY), _drive(95.9),
          _found(band="10-20%", severity="minor")),
    _case("an expressway gives a coach 100 without a sign", config(roads=[_north(road_class="expressway")]), _drive(101),
          _found(limit=1000, statutory=1000, kind="statutory")),
    _case("a sign above the class's figure does not raise it", config(roads=[_north(road_class="expressway", limit_kmh=120)]),
          _drive(101), _found(limit=1000)),
    _case("hazmat has 60 on any other road", config("hazmat", roads=[_north(road_class="rural")]), _drive(61),
          _found(limit=600, statutory=600, road=0)),
    _case("a highway without a sign is no road to a coach", config(roads=[_north()]), _drive(99)),
    _case("which leaves it 100, and its ceiling for the law", config(roads=[_north()]), _drive(101),
          _found(limit=1000, statutory=1000, road=None, kind="statutory")),
    _case("a class's sign goes before the general one", config("freight", roads=[_north(limit_kmh=80, class_limits_kmh={"freight": 60})]),
          _drive(70), _found(limit=600, band="10-20%", severity="minor")),
    _case("also where it is higher", config("freight", roads=[_north(limit_kmh=60, class_limits_kmh={"freight": 80})]), _drive(70)),
    _case("another class's sign is none", config(roads=[_north(class_limits_kmh={"freight": 60})]), _drive(99)),
    _case("a statutory figure of our own", config(roads=[_north()], speeding={"statutory_kmh": {"coach": {"highway": 70}}}),
          _drive(71), _found(limit=700, statutory=700)),
    _case("naming one road class leaves the others", config("hazmat", roads=[_north()], speeding={"statutory_kmh": {"hazmat": {"urban": 50}}}),
          _drive(61), _found(limit=600)),
]  # fmt: skip

BY_NIGHT = [
    _case("night begins at 22:00:00", config(), [*every(10, clock("21:59:20"), clock("22:00:40"), 85), fix(clock("22:30:00"), 0)],
          closed(clock("22:00:00"), clock("22:00:40"), limit=800, kind="monitoring")),
    _case("and is over at 06:00:00", config(),
          [*every(10, clock("05:59:00", 1), clock("06:00:40", 1), 85), fix(clock("06:30:00", 1), 0)],
          closed(clock("05:59:00", 1), clock("05:59:50", 1), limit=800)),
    _case("on no road 80 % of the unmatched limit", config(), _drive(79.9, NIGHT)),
    _case("freight has no night factor", config("freight"), _drive(99, NIGHT)),
    _case("at 101 it is statutory, by the day's limit, though 80 decided", config(roads=EXPRESSWAY), _drive(101, NIGHT),
          _found(NIGHT, kind="statutory", limit=800, band="0-10%", severity="minor", statutory=1000)),
    _case("80 % of a sign", config(roads=[_north(limit_kmh=60)]), _drive(48.1, NIGHT),
          _found(NIGHT, kind="monitoring", limit=480, statutory=600, band=None)),
    _case("half up to a tenth: 0.75 of 50.2 is 37.65, 37.7", config(roads=[_north(limit_kmh=50.2)], speeding={"night_factor": {"coach": 0.75}}),
          _drive(37.8, NIGHT), _found(NIGHT, limit=377)),
    _case("and 37.7 is not above it", config(roads=[_north(limit_kmh=50.2)], speeding={"night_factor": {"coach": 0.75}}), _drive(37.7, NIGHT)),
    _case("a factor taken away", config(roads=[_north(limit_kmh=60)], speeding={"night_factor": {"coach": None}}), _drive(59, NIGHT)),
    _case("a night limit is not multiplied", config(roads=[_north(limit_kmh=80, night_limit_kmh=60)]), _drive(60, NIGHT)),
    _case("but holds, as part of the law", config(roads=[_north(limit_kmh=80, night_limit_kmh=60)]), _drive(61, NIGHT),
          _found(NIGHT, kind="statutory", limit=600, statutory=600, band="0-10%")),
    _case("beside it the class's figure is multiplied", config(roads=[_north(road_class="expressway", limit_kmh=100, night_limit_kmh=90)]),
          _drive(85, NIGHT), _found(NIGHT, kind="monitoring", limit=800, statutory=900, severity="info")),
    _case("it stands in the place of a lower sign", config("freight", roads=[_north(limit_kmh=60, night_limit_kmh=70)]), _drive(65, NIGHT)),
    _case("and of the class's own", config("freight", roads=[_north(limit_kmh=60, night_limit_kmh=70, class_limits_kmh={"freight": 50})]),
          _drive(71, NIGHT), _found(NIGHT, limit=700)),
    _case("in its place the sign is not multiplied either", config(roads=[_north(limit_kmh=60, night_limit_kmh=70)]), _drive(65, NIGHT)),
    _case("the tolerance does not widen what is statutory", config(roads=EXPRESSWAY, speeding={"tolerance_kmh": 5}), _drive(101, NIGHT),
          _found(NIGHT, kind="statutory", limit=800)),
    _case("by day it is nothing", config("freight", roads=[_north(limit_kmh=60, night_limit_kmh=70)]), _drive(65), _found(limit=600)),
    _case("alone it makes a road of one by night only", config("freight", roads=[_north(night_limit_kmh=70)]),
          [*every(10, clock("21:58:00"), clock("21:59:50"), 75), *every(10, clock("22:00:00"), clock("22:00:40"), 75), fix(clock("23:00:00"), 0)],
          closed(clock("22:00:00"), clock("22:00:40"), limit=700, statutory=700)),
]  # fmt: skip

ZONES = [
    _case("a zone is part of the law", config("freight", roads=[_north(limit_kmh=80)], zones=[square("Z", 40)]), _drive(50),
          _found(kind="statutory", limit=400, statutory=400, band="20-50%", severity="major")),
    _case("on no road, too", config(zones=[square("Z", 40)]), _drive(41), _found(kind="statutory", limit=400, statutory=400)),
    _case("outside it is nothing", config(zones=[square("Z", 40)]), _drive(90, x_m=230)),
    _case("a hole is outside", config(zones=[square("Z", 40, hole_m=50)]), _drive(90)),
    _case("around the hole is inside", config(zones=[square("Z", 40, hole_m=50)]), _drive(90, x_m=100), _found(limit=400)),
    _case("of two zones the lower", config(zones=[square("A", 50), square("B", 40)]), _drive(45), _found(limit=400)),
    _case("for other classes it is nothing", config(zones=[square("Z", 40, classes=(VehicleClass.HAZMAT,))]), _drive(90)),
    _case("for its own it holds", config(zones=[square("Z", 40, classes=(VehicleClass.COACH,))]), _drive(45), _found(limit=400)),
    _case("its hours are half-open", config(zones=[square("Z", 40, hours=((9 * 3600, 10 * 3600),))]),
          [*every(10, clock("08:59:00"), clock("10:01:00"), 45), fix(clock("10:30:00"), 0)],
          closed(clock("09:00:00"), clock("09:59:50"))),
    _case("worked check 7: 23:00 lies in 22:50-10:30", config("freight", zones=[square("Z", 40, hours=((82_200, 37_800),))]), _drive(45, NIGHT),
          _found(NIGHT, limit=400)),
    _case("worked check 7: 10:30 does not, 10:29:50 does", config("freight", zones=[square("Z", 40, hours=((82_200, 37_800),))]),
          [*every(10, clock("10:29:00"), clock("10:31:00"), 45), fix(clock("11:00:00"), 0)],
          closed(clock("10:29:00"), clock("10:29:50"))),
    _case("worked check 7: 12:00 does not", config("freight", zones=[square("Z", 40, hours=((82_200, 37_800),))]), _drive(45, clock("12:00:00"))),
    _case("an order holds from its beginning up to its end", config(zones=[square("Z", 40, from_ms=ms(100), to_ms=ms(200))]),
          [*every(10, 0, 300, 45), fix(900, 0)], closed(100, 190)),
    _case("a line with a buffer", config(zones=[Zone(zone="L", name="L", kind="school", line=(spot(0, -500), spot(0, 500)), buffer_m=100, limit_kmh=40)]),
          _drive(45, x_m=95), _found(limit=400)),
    _case("beyond the buffer", config(zones=[Zone(zone="L", name="L", kind="school", line=(spot(0, -500), spot(0, 500)), buffer_m=100, limit_kmh=40)]),
          _drive(45, x_m=105)),
    _case("a zone is not multiplied at night", config(zones=[square("Z", 60)]), _drive(60, NIGHT)),
    _case("a zone without a limit limits nothing", config(zones=[Zone(zone="P", name="P", kind="parking", line=(spot(0, -500), spot(0, 500)), buffer_m=100)]),
          _drive(90)),
    _case("a truck at 105 in a zone of 120: its ceiling is the law", config("freight", zones=[square("Z", 120)]), _drive(105),
          _found(kind="statutory", limit=1000, statutory=1000, band="0-10%", severity="minor")),
    _case("at 110 it is 10 % over the ceiling", config("freight", zones=[square("Z", 120)]), _drive(110),
          _found(band="10-20%", statutory=1000)),
    _case("at 75 in a zone of 90, with 70 of our own: monitoring",
          config("freight", zones=[square("Z", 90)], speeding={"unmatched_limit_kmh": {"freight": 70}}), _drive(75),
          _found(kind="monitoring", limit=700, statutory=900, band=None, severity="info")),
    _case("at 95 there it is above the zone", config("freight", zones=[square("Z", 90)], speeding={"unmatched_limit_kmh": {"freight": 70}}),
          _drive(95), _found(kind="statutory", limit=700, statutory=900, band="0-10%")),
    _case("at 90 it is not above it", config("freight", zones=[square("Z", 90)], speeding={"unmatched_limit_kmh": {"freight": 70}}),
          _drive(90), _found(kind="monitoring", statutory=900)),
    _case("on a road that counts as none, too", config("freight", roads=[_north()], zones=[square("Z", 120)]), _drive(105),
          _found(kind="statutory", limit=1000, statutory=1000, road=None)),
    _case("a road with a sign has no ceiling", config("freight", roads=[_north(limit_kmh=120)]), _drive(115)),
    _case("hazmat has a ceiling of 80", config("hazmat", zones=[square("Z", 120)]), _drive(88), _found(statutory=800, band="10-20%")),
    _case("an empty school bus that of a coach", config("school_bus", zones=[square("Z", 120)]), _drive(105, pupils=False),
          _found(statutory=1000, band="0-10%", kind="statutory")),
    _case("the peak is the highest ratio, not the highest speed", config(zones=[square("Z", 60)]),
          [fix(0, 118, 300), fix(10, 75), fix(20, 118, 300), fix(40, 110, 300), fix(600, 0)],
          closed(0, 40, peak=750, limit=600, at=(ms(10), 1062000000, 385000000), band="20-50%", statutory=600)),
]  # fmt: skip

MATCHING = [
    _case("a road 29 m away is near enough", config("freight", roads=[_north(29, limit_kmh=60)]), _drive(70), _found(limit=600)),
    _case("one 31 m away is not", config("freight", roads=[_north(31, limit_kmh=60)]), _drive(70)),
    _case("match_radius_m of our own", config("freight", roads=[_north(48, limit_kmh=60)], speeding={"match_radius_m": 50}), _drive(70), _found()),
    _case("the nearest road", config("freight", roads=[_north(-22, limit_kmh=80), _north(5, limit_kmh=60)]), _drive(70), _found(limit=600, confidence=1.0, doubt=None)),
    _case("the crossing road is nearer, but its direction does not fit",
          config("freight", roads=[road("highway", (-2000, 5), (2000, 5), limit_kmh=30), _north(20, limit_kmh=60)]), _drive(50, heading=0)),
    _case("without a heading the nearest counts",
          config("freight", roads=[road("highway", (-2000, 5), (2000, 5), limit_kmh=30), _north(26, limit_kmh=60)]), _drive(50), _found(limit=300)),
    _case("a two-way road fits either way", config("freight", roads=[_north(limit_kmh=60)]), _drive(70, heading=180), _found()),
    _case("a one-way road does not", config("freight", roads=[_north(limit_kmh=60, oneway=True)]), _drive(70, heading=180)),
    _case("a one-way road along its coordinates does", config("freight", roads=[_north(limit_kmh=60, oneway=True)]), _drive(70, heading=359), _found()),
    _case("45 degrees fit", config("freight", roads=[_north(limit_kmh=60)]), _drive(70, heading=45), _found()),
    _case("46 do not", config("freight", roads=[_north(limit_kmh=60)]), _drive(70, heading=46)),
    _case("315 fit", config("freight", roads=[_north(limit_kmh=60)]), _drive(70, heading=315), _found()),
    _case("below moving_kmh direction is not asked", config("freight", roads=[_north(limit_kmh=40)], speeding={"moving_kmh": 50}),
          _drive(49.9, heading=90), _found(limit=400)),
    _case("from moving_kmh on it is", config("freight", roads=[_north(limit_kmh=40)], speeding={"moving_kmh": 50}), _drive(50, heading=90)),
    _case("of one road that bends, the leg whose direction fits",
          config("freight", roads=[road("highway", (-2000, 0), (0, 0), (0, 2000), limit_kmh=60)]), _drive(70, x_m=-20, heading=0), _found()),
]  # fmt: skip

SCHOOL_BUS = [
    _case("a school bus has 80 on no road", config("school_bus"), _drive(90), _found(limit=800, kind="statutory", band="10-20%")),
    _case("with pupils, too", config("school_bus"), _drive(90, pupils=True), _found(limit=800)),
    _case("without pupils a coach's 100", config("school_bus"), _drive(100, pupils=False)),
    _case("and a coach's ceiling", config("school_bus"), _drive(110, pupils=False), _found(limit=1000, band="10-20%")),
    _case("it has 60 in town", config("school_bus", roads=[_north(road_class="urban")]), _drive(61), _found(limit=600)),
    _case("without pupils none there", config("school_bus", roads=[_north(road_class="urban")]), _drive(99, pupils=False)),
    _case("its own sign stays", config("school_bus", roads=[_north(limit_kmh=80, class_limits_kmh={"school_bus": 50})]),
          _drive(51, pupils=False), _found(limit=500)),
    _case("a zone stays", config("school_bus", zones=[square("Z", 40)]), _drive(41, pupils=False), _found(limit=400)),
    _case("a coach's night factor is not given", config("school_bus"), _drive(99, NIGHT, pupils=False)),
    _case("a school bus with no known pupils at night keeps 80", config("school_bus"), _drive(79, NIGHT)),
    _case("pupils mean nothing to a coach", config(), _drive(99, pupils=True)),
]  # fmt: skip

CASES = [*CLASSES, *BY_NIGHT, *ZONES, *MATCHING, *SCHOOL_BUS]
