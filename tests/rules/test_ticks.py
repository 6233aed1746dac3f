"""What a tick goes by, and vehicles and spells at the far end of what a ledger holds."""

from typing import Any

import numpy as np

from services.contracts.alert import EventType
from services.contracts.registry import Config, RuleSet
from services.rules.engine import Engine
from services.rules.transitions import Transition
from tests.rules.cases.building import config, every, fix, ms
from tests.rules.reference import to_records
from tests.rules.reference.fixes import Fix

DAY_S = 86_400
PATIENT = {"speeding": {"merge_window_s": 500, "max_gap_s": 500}}


def engine(world: Config) -> Engine:
    return Engine(world, lambda number: f"D{number}")


def events(found: list[Transition]) -> list[EventType | None]:
    return [transition.event for transition in found]


def ticked(rules: RuleSet, after_s: float) -> list[EventType | None]:
    """What a tick says so long after a burst of a minute at 130 km/h."""
    judge = engine(config(rules=[rules]))
    judge.judge(to_records(every(10, 0, 60, 130)))
    return events(judge.tick(ms(60 + after_s)))


def test_a_tick_judges_by_the_parameters_of_its_own_moment() -> None:
    ends_later = RuleSet(parameters=PATIENT, from_ms=None, to_ms=ms(30 * DAY_S))
    begins_later = RuleSet(parameters=PATIENT, from_ms=ms(30 * DAY_S), to_ms=None)
    assert EventType.CLOSED not in ticked(ends_later, 300)
    assert ticked(ends_later, 501) == [EventType.CLOSED]
    assert ticked(begins_later, 181) == [EventType.CLOSED]


def driving(days: float, from_s: float) -> list[Fix]:
    """A fix every 10 minutes at 60 km/h, for days on end."""
    return every(600, from_s, from_s + days * DAY_S, 60)


def weekly(found: list[Any]) -> list[float]:
    """Peaks of the weekly sums, seconds."""
    return [t.alert.peak for t in found if t.alert.rule == "fatigue" and t.alert.kind == "rolling_7d"]


def test_a_spell_of_weeks_after_an_earlier_one_is_not_lost() -> None:
    """A terminal stuck on moving for a month; then a rest, and a week's sum that still counts the month's last days."""
    begins_s = 6 * DAY_S + 7200
    fixes = [
        *driving(6, 0),
        *every(600, 6 * DAY_S + 600, begins_s - 600, 0),
        *driving(30, begins_s),
        *every(600, begins_s + 30 * DAY_S + 600, begins_s + 30 * DAY_S + 3600, 0),
        fix(begins_s + 30 * DAY_S + 4200, 60),
    ]
    judge = engine(config())
    found = judge.judge(to_records(fixes)) + judge.open_episodes()
    assert weekly(found)[-1] == 7 * DAY_S - 4200


def test_a_vehicle_that_a_later_version_does_not_know_harms_nobody() -> None:
    world = config()
    judge = engine(world)
    judge.judge(to_records(every(10, 0, 60, 130)))
    judge.configure(Config(version=2))
    assert judge.judge(to_records([fix(70, 130)])) == []
    assert int(judge.outcome[3]) == 1
    assert [t.event for t in judge.tick(ms(1000))] == [EventType.CLOSED]
    judge.configure(world)
    assert len(judge.judge(to_records(every(10, 2000, 2060, 130)))) > 0
    assert np.all(judge.outcome >= 0)
