"""Route deviation: a corridor of 100 m on either side of a line 20 km to the north, and 15 m of margin: off is farther than 115 m.

Fixes are named by their distance from the line, 10 km from both ends unless a case says otherwise.
"""

from typing import Any

from services.contracts.registry import Assignment, Config, Route, VehicleClass, Zone
from tests.rules.cases.building import VEHICLE, Case, closed, config, fix, ms, spot, still_open
from tests.rules.reference.fixes import Fix

LINE = ((0, -10_000), (0, 0), (0, 10_000))


def _route(*places_m: tuple[float, float], widths: tuple[float, ...] = (), name: str = "R") -> Route:
    places_m = places_m or LINE
    half_widths = widths or (100.0,) * (len(places_m) - 1)
    return Route(
        route=name,
        name=name,
        coordinates=tuple(spot(*place) for place in places_m),
        leg_half_widths_m=half_widths,
    )


def _assignment(from_s: float = -1000, to_s: float = 100_000, route: str = "R") -> Assignment:
    return Assignment(vehicle=VEHICLE, route=route, from_ms=ms(from_s), to_ms=ms(to_s))


def _world(
    vehicle_class: str = "coach",
    *,
    route: Route | None = None,
    duty: Assignment | None = None,
    **parameters: Any,
) -> Config:
    return config(
        vehicle_class,
        routes=[route or _route()],
        assignments=[duty or _assignment()],
        route_deviation=parameters,
    )


def _track(*rows: tuple[float, float], **more: Any) -> list[Fix]:
    """Fixes at (second, metres east of the line)."""
    return [fix(second, 60, x_m, **more) for second, x_m in rows]


OFF = ((0.0, 200.0), (30.0, 200.0), (60.0, 200.0))
"""The shortest run that opens."""


def _case(name: str, world: Config, fixes: list[Fix], *expected: dict[str, Any]) -> Case:
    return Case(f"route_deviation: {name}", world, fixes, list(expected), "route_deviation")


WORLD = _world()
OPENING = [
    _case("60 s over three fixes open", WORLD, _track(*OFF, (90, 0), (120, 0)),
          closed(0, 60, kind="off_route", peak=200.0, limit=115.0, severity="minor", confidence=1.0, fixes=3, assignment=0)),
    _case("59.999 s do not", WORLD, _track((0, 200), (30, 200), (59.999, 200), (90, 0), (120, 0))),
    _case("60 s over two fixes do not", WORLD, _track((0, 200), (60, 200), (90, 0), (120, 0))),
    _case("a fix on the route between breaks the run", WORLD,
          _track((0, 200), (30, 200), (45, 0), (60, 200), (90, 200), (119, 200), (150, 0), (180, 0))),
    _case("inside the margin is on the route", WORLD, _track((0, 114), (30, 114), (60, 114), (90, 114))),
    _case("beyond it is off", WORLD, _track((0, 116), (30, 116), (60, 116), (90, 0), (120, 0)), closed(0, 60, peak=116.0, limit=115.0)),
    _case("on the line itself, north-south: Traccar's corridor vector",
          config(routes=[Route(route="R", name="R", coordinates=((106.891789, 38.380015), (106.891789, 38.406540)), leg_half_widths_m=(100.0,))],
                 assignments=[_assignment()], route_deviation={"hold_s": 0, "min_fixes": 1, "margin_m": 0}),
          [Fix(vehicle=VEHICLE, time_ms=ms(second), lon_e7=1068917890, lat_e7=383948830, speed=600) for second in (0, 30, 60, 90)]),
    _case("hold_s 0 and min_fixes 1: one fix opens", _world(hold_s=0, min_fixes=1), _track((0, 200), (30, 0), (60, 0)), closed(0, 0, fixes=1)),
    _case("neighbours 600 s apart are one run", WORLD, _track((0, 200), (600, 200), (1200, 200), (1230, 0), (1260, 0)), closed(0, 1200)),
    _case("600.001 s apart they are two", WORLD, _track((0, 200), (30, 200), (630.001, 200), (660, 200), (700, 0), (730, 0))),
    _case("a fix that is not fixed is not there", WORLD,
          [*_track((0, 200), (30, 200)), fix(45, 60, 0, not_fixed=True), *_track((60, 200), (90, 0), (120, 0))], closed(0, 60, fixes=3)),
    _case("a fix without a speed or with an absurd one is", WORLD,
          [fix(0, None, 200), fix(30, 200, 200, speed_implausible=True), fix(60, None, 200), fix(90, None, 0), fix(120, None, 0)], closed(0, 60)),
    _case("no speed is needed: standing off the route is off", WORLD, [fix(s, 0, x) for s, x in (*OFF, (90, 0), (120, 0))], closed(0, 60)),
]  # fmt: skip

CLOSING = [
    _case("one fix on the route does not close", WORLD, _track(*OFF, (90, 0), (120, 200), (150, 0), (180, 0)), closed(0, 120, fixes=4)),
    _case("nor is it the end when it is the last", WORLD, _track(*OFF, (90, 0)), still_open(0, 60)),
    _case("on, off, on, off goes on", WORLD, _track(*OFF, (90, 0), (120, 200), (150, 0), (180, 200)), still_open(0, 180, fixes=5)),
    _case("running", WORLD, _track(*OFF), still_open(0, 60, peak=200.0)),
    _case("a silence of 600 s goes on", WORLD, _track(*OFF, (660, 200), (690, 0), (720, 0)), closed(0, 660, severity="major")),
    _case("a longer one closes", WORLD, _track(*OFF, (660.001, 200)), closed(0, 60)),
    _case("whatever follows it", WORLD, _track(*OFF, (661, 0)), closed(0, 60)),
    _case("between a fix on the route and the next, too", WORLD, _track(*OFF, (90, 0), (691, 200)), closed(0, 60)),
    _case("after it a run begins anew", WORLD, _track(*OFF, (661, 200), (691, 200), (721, 200), (751, 0), (781, 0)), closed(0, 60), closed(661, 721)),
    _case("fixes that are not fixed do not bridge it", WORLD, [*_track(*OFF), fix(400, 60, 0, not_fixed=True), *_track((661, 200))], closed(0, 60)),
    _case("after closing it needs a new run", WORLD, _track(*OFF, (90, 0), (120, 0), (150, 200), (180, 200), (200, 0), (230, 0)), closed(0, 60)),
]  # fmt: skip

GRAVITY = [
    _case("the first of equal peaks", WORLD, _track((0, 200), (30, 300), (60, 250), (90, 300), (120, 0), (150, 0)),
          closed(0, 90, peak=300.0, at=(ms(30), round(spot(300, 0)[0] * 1e7), 385000000))),
    _case("ten minutes are major", WORLD, _track((0, 200), (300, 200), (600, 200), (630, 0), (660, 0)), closed(0, 600, severity="major")),
    _case("a little less is minor", WORLD, _track((0, 200), (300, 200), (599.999, 200), (630, 0), (660, 0)), closed(0, 599.999, severity="minor")),
    _case("a kilometre is major", WORLD, _track((0, 200), (30, 1010), (60, 200), (90, 0), (120, 0)), closed(0, 60, severity="major", peak=1010.0)),
    _case("990 m are not", WORLD, _track((0, 200), (30, 990), (60, 200), (90, 0), (120, 0)), closed(0, 60, severity="minor")),
    _case("hazmat is one higher: major", _world("hazmat"), _track(*OFF, (90, 0), (120, 0)), closed(0, 60, severity="major")),
    _case("hazmat is one higher: critical", _world("hazmat"), _track((0, 200), (30, 1010), (60, 200), (90, 0), (120, 0)), closed(0, 60, severity="critical")),
]  # fmt: skip

BENT = _route((0, -10_000), (0, 0), (10_000, 0), widths=(50.0, 300.0))
LINES = [
    _case("the half width is that of the nearest leg", _world(route=BENT),
          [*(fix(s, 60, 5000, 200) for s in (0, 30, 60)), *(fix(s, 60, -200, -5000) for s in (90, 120, 150)), *(fix(s, 60, 0, -5000) for s in (180, 210))],
          closed(90, 150, limit=65.0, leg=0)),
    _case("of equally near legs the wider", _world(route=BENT), [fix(s, 60, -150, 150) for s in (0, 30, 60, 90)]),
    _case("the line comes back: the nearest leg, not the next", _world(route=_route((0, -10_000), (0, 0), (300, 0), (300, -10_000))),
          [*(fix(s, 60, 300, -5000) for s in (0, 30, 60, 90))]),
    _case("off the whole line only beside it, not beyond its bend", _world(route=_route((0, -10_000), (0, 0), (300, 0), (300, -10_000))),
          [*(fix(s, 60, 150, -5000) for s in (0, 30, 60)), *(fix(s, 60, 0, -5000) for s in (90, 120))], closed(0, 60, peak=150.0)),
    _case("495 m from an end it is exempt", WORLD, [fix(s, 60, 495, 10_000) for s in (0, 30, 60, 90)]),
    _case("506 m from it, it is not", WORLD, [*(fix(s, 60, 506, 10_000) for s in (0, 30, 60)), *(fix(s, 60, 0, 9000) for s in (90, 120))],
          closed(0, 60, peak=506.0)),
    _case("both ends are", WORLD, [fix(s, 60, 495, -10_000) for s in (0, 30, 60, 90)]),
    _case("a bend is no end", _world(route=BENT), [*(fix(s, 60, -400, 0) for s in (0, 30, 60)), *(fix(s, 60, 0, 0) for s in (90, 120))], closed(0, 60)),
    _case("past the end of the line distance is to its last point", WORLD,
          [*(fix(s, 60, 0, 10_700) for s in (0, 30, 60)), *(fix(s, 60, 0, 9000) for s in (90, 120))], closed(0, 60, peak=700.0)),
]  # fmt: skip

TWO = config(
    routes=[_route(), _route((1000, -10_000), (1000, 10_000), name="S")],
    assignments=[_assignment(), _assignment(route="S")],
)
DUTY = [
    _case("without an assignment nothing is judged", config(routes=[_route()]), _track(*OFF, (90, 200))),
    _case("nor before it begins", _world(duty=_assignment(from_s=30.001)), _track((0, 200), (30, 200), (60, 200), (89, 200), (120, 0), (150, 0))),
    _case("it begins inclusive", _world(duty=_assignment(from_s=0)), _track(*OFF, (90, 0), (120, 0)), closed(0, 60)),
    _case("its end is exclusive", _world(duty=_assignment(to_s=60)), _track(*OFF, (90, 200))),
    _case("and closes", _world(duty=_assignment(to_s=61)), _track(*OFF, (61, 200)), closed(0, 60)),
    _case("at the fix after it, wherever that is", _world(duty=_assignment(to_s=100)), _track(*OFF, (90, 200), (5000, 0)), closed(0, 90)),
    _case("without a fix after it, it stays open", _world(duty=_assignment(to_s=61)), _track(*OFF), still_open(0, 60)),
    _case("a fix that is not fixed closes nothing", _world(duty=_assignment(to_s=61)), [*_track(*OFF), fix(90, 60, not_fixed=True)], still_open(0, 60)),
    _case("each assignment is judged by itself", TWO,
          [*(fix(s, 60, 0) for s in (0, 30, 60)), *(fix(s, 60, 1000) for s in (90, 120, 150)), *(fix(s, 60, 0) for s in (180, 210))],
          closed(0, 60, assignment=1, fixes=3, peak=1000.0), closed(90, 150, assignment=0, fixes=3, peak=1000.0)),
    _case("one after the other on the same line", config(routes=[_route()], assignments=[_assignment(to_s=61), _assignment(from_s=61)]),
          _track(*OFF, (90, 200), (120, 200), (150, 200), (180, 0), (210, 0)),
          closed(0, 60, assignment=0), closed(90, 150, assignment=1)),
    _case("the driver is the one at the beginning", WORLD,
          [fix(-30, 60, driver=1), *_track((0, 200), (30, 200), (60, 200), driver=2), fix(90, 60, driver=3), fix(120, 60)], closed(0, 60, driver=2)),
]  # fmt: skip

DEPOT = (400, 550)
"""Metres east of the line between which the depot lies."""


def _depot(
    duty: Assignment | None = None, *, vehicle_class: str = "coach", approach_s: float = 1800, **more: Any
) -> Config:
    ring = tuple(
        spot(x, y)
        for x, y in ((DEPOT[0], -200), (DEPOT[1], -200), (DEPOT[1], 200), (DEPOT[0], 200), (DEPOT[0], -200))
    )
    zone = Zone(zone="D", name="D", kind=more.pop("kind", "depot"), polygons=((ring,),), **more)
    return config(
        vehicle_class,
        routes=[_route()],
        assignments=[duty or _assignment()],
        zones=[zone],
        route_deviation={"approach_s": approach_s},
    )


DEPOTS = [
    _case("from the depot to the route it is not off", _depot(), _track((0, 500), (60, 400), (120, 300), (180, 200), (240, 0), (300, 0))),
    _case("without the depot it is", _depot(kind="parking"), _track((0, 500), (60, 400), (120, 300), (180, 200), (240, 0), (300, 0)),
          closed(0, 180, peak=500.0)),
    _case("once on the route it may leave it: a place in the depot does not help then", _depot(),
          _track((0, 500), (60, 0), (90, 500), (120, 500), (150, 500), (180, 0), (210, 0)), closed(90, 150)),
    _case("the first fix counts, not a later one in the depot", _depot(), _track((0, 300), (30, 500), (60, 500), (90, 0), (120, 0)), closed(0, 60)),
    _case("114 m from the line it has come to the route", _depot(), _track((0, 500), (60, 114), (90, 200), (120, 200), (150, 200), (180, 0), (210, 0)),
          closed(90, 150)),
    _case("116 m from it, it has not", _depot(), _track((0, 500), (60, 116), (90, 200), (120, 200), (150, 200), (180, 0), (210, 0))),
    _case("1,800 s after the first fix it is off", _depot(), _track((0, 500), (600, 500), (1200, 500), (1799.999, 500), (1800, 500), (1830, 500), (1860, 500)),
          still_open(1800, 1860, fixes=3)),
    _case("1,799.999 s after it, it is not", _depot(), _track((0, 500), (600, 500), (1200, 500), (1740, 500), (1770, 500), (1799.999, 500))),
    _case("approach_s of our own", _depot(approach_s=100), _track((0, 500), (60, 500), (99, 500), (100, 500), (130, 500), (160, 500)), still_open(100, 160)),
    _case("after the time it stays judged", _depot(approach_s=100), _track((0, 500), (100, 500), (130, 0), (160, 0), (190, 500), (220, 500), (250, 500)),
          still_open(190, 250)),
    _case("what lies near an end of the route is not yet on it", _depot(),
          [fix(0, 60, 500), fix(60, 60, 400, 10_000), *(fix(s, 60, 600) for s in (90, 120, 150))]),
    _case("the first fix is the first inside the assignment", _depot(_assignment(from_s=30)), _track((0, 0), (30, 500), (60, 400), (90, 300), (120, 200))),
    _case("a first fix that is not fixed is none", _depot(), [fix(0, 60, 300, not_fixed=True), *_track((30, 500), (60, 400), (90, 300), (120, 200))]),
    _case("each assignment has a first fix of its own",
          config(routes=[_route()], assignments=[_assignment(to_s=60), _assignment(from_s=60)], zones=_depot().zones),
          _track((0, 0), (60, 500), (90, 400), (120, 300), (150, 200))),
    _case("a depot for other classes is none", _depot(classes=(VehicleClass.HAZMAT,)), _track((0, 500), (60, 400), (120, 300)), still_open(0, 120)),
    _case("nor is one that does not hold at that hour", _depot(hours=((0, 8 * 3600),)), _track((0, 500), (60, 400), (120, 300)), still_open(0, 120)),
    _case("it need hold only at the first fix", _depot(hours=((0, 8 * 3600 + 30),)), _track((0, 500), (60, 400), (120, 300))),
    _case("nor is one on another day", _depot(days=(1, 2)), _track((0, 500), (60, 400), (120, 300)), still_open(0, 120)),
    _case("on its day it is", _depot(days=(0,)), _track((0, 500), (60, 400), (120, 300))),
    _case("but on an excepted date", _depot(days=(0,), except_dates=(("2026-11-23", "2026-11-23"),)), _track((0, 500), (60, 400), (120, 300)), still_open(0, 120)),
    _case("on one of its dates it is", _depot(dates=(("2026-11-01", "2026-11-23"),)), _track((0, 500), (60, 400), (120, 300))),
]  # fmt: skip

CASES = [*OPENING, *CLOSING, *GRAVITY, *LINES, *DUTY, *DEPOTS]
