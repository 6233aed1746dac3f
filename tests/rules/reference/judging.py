"""`judge`: the fixes of each vehicle in the order of the log, past the gate, through each rule."""

from collections.abc import Callable, Sequence

from services.contracts.fix import DRIVER_CARD_REMOVED, DRIVER_NO_NEWS
from services.contracts.registry import Config
from tests.rules.reference.device import door_open, speed_conflict, stuck_position, terminal_alarm
from tests.rules.reference.episode import Episode
from tests.rules.reference.fatigue import fatigue
from tests.rules.reference.fixes import Fix
from tests.rules.reference.gaps import identity, silence
from tests.rules.reference.plausibility import with_frozen_marked
from tests.rules.reference.route_deviation import route_deviation
from tests.rules.reference.speeding import speeding

Judge = Callable[[Config, list[tuple[Fix, int]]], list[Episode]]
"""A rule: the config and a vehicle's judged fixes, each with the driver then on the vehicle, to its episodes."""
RULES: tuple[Judge, ...] = (speeding, fatigue, route_deviation)
PREPARED: tuple[Judge, ...] = (stuck_position, speed_conflict, door_open, terminal_alarm, silence, identity)


def judge(config: Config, fixes: list[Fix], rules: Sequence[Judge] = RULES) -> list[Episode]:
    """Every episode of these fixes as it stands after the last of them.

    Args:
        config: registry, map and rules; the same for all fixes.
        fixes: of any vehicles, in the order of the log. Those of vehicles not registered are left out.
        rules: which to judge by.

    Returns:
        Sorted by began, vehicle, rule, kind, driver.
    """
    known = {row.id for row in config.vehicles}
    result: list[Episode] = []
    for vehicle in sorted({fix.vehicle for fix in fixes} & known):
        admitted = with_drivers(
            with_frozen_marked(config, newer_only([fix for fix in fixes if fix.vehicle == vehicle]))
        )
        for rule in rules:
            result += rule(config, admitted)
    return sorted(result, key=lambda e: (e["began_ms"], e["vehicle"], e["rule"], e["kind"], e["driver"] or 0))


def newer_only(fixes: list[Fix]) -> list[Fix]:
    """One vehicle's fixes without those that are not newer than all before them."""
    result: list[Fix] = []
    for fix in fixes:
        if not result or fix.time_ms > result[-1].time_ms:
            result.append(fix)
    return result


def with_drivers(fixes: list[Fix]) -> list[tuple[Fix, int]]:
    """Each fix with the driver then on the vehicle, 0 when none is known; every fix tells of cards, also one kept out of the rules."""
    driver = 0
    result: list[tuple[Fix, int]] = []
    for fix in fixes:
        if fix.driver == DRIVER_CARD_REMOVED:
            driver = 0
        elif fix.driver != DRIVER_NO_NEWS:
            driver = fix.driver
        result.append((fix, driver))
    return result
