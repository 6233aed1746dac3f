"""Whether a vehicle moves: the switch that its fixes turn, whoever drives, and the fixes that show it displaced all the same."""

from dataclasses import dataclass

from services.contracts.registry import Config
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m
from tests.rules.reference.parameters import Parameters, in_force


@dataclass(frozen=True)
class Motion:
    """A fix, and what it shows of the vehicle's movement."""

    fix: Fix
    on: bool
    displaced: bool


def motions_of(config: Config, fixes: list[Fix]) -> list[Motion]:
    """One vehicle's fixes that take part in fatigue, in order."""
    stays = _stays(config, fixes)
    result: list[Motion] = []
    standing = fixes[0] if fixes else None
    for place, fix in enumerate(fixes):
        assert standing is not None
        parameters = in_force(config, "fatigue", fix.time_ms)
        before = result[-1] if result else None
        was_on = before is not None and before.on
        on = _switch(fix, stays[place], standing, parameters, was_on=was_on)
        gap_ms = fix.time_ms - before.fix.time_ms if before is not None else 0
        if not on and (was_on or gap_ms > parameters.ms("max_gap_s")):
            standing = fix
        displaced = not on and before is not None and _displaced(standing, before.fix, fix, parameters)
        if displaced:
            standing = fix
        result.append(Motion(fix, on, displaced))
    return result


def _stays(config: Config, fixes: list[Fix]) -> list[Fix]:
    """For each fix the one with which its stay began."""
    starts: list[Fix] = []
    for fix in fixes:
        leave_m = in_force(config, "fatigue", fix.time_ms)["leave_m"]
        starts.append(fix if not starts or _apart_m(starts[-1], fix) > leave_m else starts[-1])
    return starts


def _switch(fix: Fix, stay: Fix, standing: Fix, parameters: Parameters, *, was_on: bool) -> bool:
    speed = fix.used_speed
    if speed is None:
        return was_on if stay is fix else False
    if speed <= parameters.tenths("still_kmh"):
        return False
    if speed < parameters.tenths("surely_kmh") and fix.time_ms - stay.time_ms >= parameters.ms("stay_s"):
        return False
    if speed >= parameters.tenths("surely_kmh"):
        return True
    if speed >= parameters.tenths("moving_kmh") and _apart_m(standing, fix) > parameters["leave_m"]:
        return True
    return was_on


def _displaced(standing: Fix, before: Fix, fix: Fix, parameters: Parameters) -> bool:
    far_m = parameters["displaced_m"]
    return bool(_apart_m(standing, fix) > far_m and _apart_m(standing, before) > far_m / 2)


def _apart_m(a: Fix, b: Fix) -> float:
    return distance_m((a.lon, a.lat), (b.lon, b.lat))
