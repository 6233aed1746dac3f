"""Route deviation: every fix of an assignment is off or not, measured against all legs; then runs are looked for in the list."""

import itertools
from dataclasses import dataclass

from services.contracts.registry import Assignment, Config, Route, VehicleClass
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m, distance_to_leg_m
from tests.rules.reference.limits import holds
from tests.rules.reference.parameters import Parameters, class_at, in_force

EQUAL_M = 0.01
MAJOR_MS = 600_000
MAJOR_M = 1000.0


@dataclass(frozen=True)
class Measured:
    """A fix inside an assignment, against its route."""

    fix: Fix
    driver: int
    distance_m: float
    leg: int
    limit_m: float
    off: bool
    parameters: Parameters


def route_deviation(config: Config, fixes: list[tuple[Fix, int]]) -> list[Episode]:
    """Episodes of one vehicle; `fixes` are judged ones in order, each with the driver then on the vehicle."""
    taking_part = [(fix, driver) for fix, driver in fixes if fix.has_position]
    result: list[Episode] = []
    for place, assignment in enumerate(config.assignments):
        if taking_part and assignment.vehicle == taking_part[0][0].vehicle:
            result += _of_assignment(config, place, assignment, taking_part)
    return result


def _of_assignment(
    config: Config, place: int, assignment: Assignment, fixes: list[tuple[Fix, int]]
) -> list[Episode]:
    route = next(route for route in config.routes if route.route == assignment.route)
    measured = [
        _measured(route, fix, driver, in_force(config, "route_deviation", fix.time_ms))
        for fix, driver in fixes
        if assignment.from_ms <= fix.time_ms < assignment.to_ms
    ]
    measured = _without_approach(config, measured)
    over = any(fix.time_ms >= assignment.to_ms for fix, _ in fixes)
    result: list[Episode] = []
    for number, stretch in enumerate(stretches := _stretches(measured)):
        ended_by_silence_or_time = over or number < len(stretches) - 1
        for run, closed in _runs(stretch):
            result.append(_described(config, place, run, closed=closed or ended_by_silence_or_time))
    return result


def _without_approach(config: Config, measured: list[Measured]) -> list[Measured]:
    """From a depot to the route is no deviation: without the fixes before the first on the route, or late enough."""
    if not measured or not _in_depot(config, measured[0].fix):
        return measured
    for place, row in enumerate(measured):
        waited_ms = row.fix.time_ms - measured[0].fix.time_ms
        if row.distance_m <= row.limit_m or waited_ms >= row.parameters.ms("approach_s"):
            return measured[place:]
    return []


def _in_depot(config: Config, fix: Fix) -> bool:
    vehicle_class = class_at(config, fix.vehicle, fix.time_ms)
    return any(zone.kind == "depot" and holds(zone, fix, vehicle_class) for zone in config.zones)


def _measured(route: Route, fix: Fix, driver: int, parameters: Parameters) -> Measured:
    line, point = route.coordinates, (fix.lon, fix.lat)
    distances = [distance_to_leg_m(point, start, end) for start, end in itertools.pairwise(line)]
    least = min(distances)
    nearest = [leg for leg, distance in enumerate(distances) if distance <= least + EQUAL_M]
    leg = max(nearest, key=lambda near: route.leg_half_widths_m[near])
    limit_m = route.leg_half_widths_m[leg] + parameters["margin_m"]
    away = all(distance_m(point, end) > parameters["ends_exempt_m"] for end in (line[0], line[-1]))
    return Measured(fix, driver, least, leg, limit_m, least > limit_m and away, parameters)


def _stretches(measured: list[Measured]) -> list[list[Measured]]:
    """The fixes, cut wherever two neighbours are more than max_gap_s apart."""
    stretches: list[list[Measured]] = []
    for row in measured:
        if stretches and row.fix.time_ms - stretches[-1][-1].fix.time_ms <= row.parameters.ms("max_gap_s"):
            stretches[-1].append(row)
        else:
            stretches.append([row])
    return stretches


def _runs(stretch: list[Measured]) -> list[tuple[list[Measured], bool]]:
    """Episodes of a stretch without silence: their fixes off, and whether two fixes not off have closed them."""
    result: list[tuple[list[Measured], bool]] = []
    start = 0
    while start < len(stretch):
        end = start
        while end < len(stretch) and stretch[end].off:
            end += 1
        run = stretch[start:end]
        if not _opens(run):
            start = end + 1
            continue
        closed = False
        while end < len(stretch) and not closed:
            closed = not stretch[end].off and not stretch[end - 1].off
            if stretch[end].off:
                run.append(stretch[end])
            end += 1
        result.append((run, closed))
        start = end
    return result


def _opens(run: list[Measured]) -> bool:
    """Whether at some fix of the run it has lasted long enough over enough fixes."""
    return any(
        row.fix.time_ms - run[0].fix.time_ms >= row.parameters.ms("hold_s")
        and count >= row.parameters["min_fixes"]
        for count, row in enumerate(run, start=1)
    )


def _described(config: Config, place: int, run: list[Measured], *, closed: bool) -> Episode:
    first, last = run[0], run[-1]
    peak = run[0]
    for row in run:
        if row.distance_m > peak.distance_m:
            peak = row
    grave = last.fix.time_ms - first.fix.time_ms >= MAJOR_MS or peak.distance_m >= MAJOR_M
    hazmat = class_at(config, last.fix.vehicle, last.fix.time_ms) == VehicleClass.HAZMAT
    return Episode(
        rule="route_deviation",
        kind="off_route",
        vehicle=first.fix.vehicle,
        driver=first.driver or None,
        began_ms=first.fix.time_ms,
        ended_ms=last.fix.time_ms if closed else None,
        last_ms=last.fix.time_ms,
        state="closed" if closed else "open",
        severity=("minor", "major", "critical")[int(grave) + int(hazmat)],
        confidence=1.0,
        at=(peak.fix.time_ms, peak.fix.lon_e7, peak.fix.lat_e7),
        limit=peak.limit_m,
        peak=peak.distance_m,
        band=None,
        why={"assignment": place, "leg": peak.leg, "fixes": len(run)},
    )
