"""The table of handling, every state with every action, and what an action makes of an alert."""

import itertools

import pytest

from services.api.handling.states import EVENT_TYPES, REFUSED, TRANSITIONS, Change, Standing, decide
from services.contracts.handling import Action, Handled, Handling, Person, Resolution, Supervision

WANG, LI = Person(id="acc_wang", name="王"), Person(id="acc_li", name="李")
T1, T2, T3, DUE = (f"2026-11-26T0{hour}:00:00Z" for hour in (1, 2, 3, 4))
SAID = {
    Action.ASSIGN: Change(action=Action.ASSIGN, assignee=LI),
    Action.SUPERVISE: Change(action=Action.SUPERVISE, supervision=Supervision.NORMAL, due=DUE),
    Action.RESOLVE: Change(action=Action.RESOLVE, reason=Resolution.HANDLED),
}
TABLE = """
             acknowledge   claim     assign    comment       supervise     resolve   reopen  escalate
open         acknowledged  assigned  assigned  open          open          resolved  -       open
acknowledged -             assigned  assigned  acknowledged  acknowledged  resolved  -       acknowledged
assigned     -             assigned  assigned  assigned      assigned      resolved  -       assigned
resolved     -             -         -         resolved      -             -         open    -
"""


def said(action: Action) -> Change:
    return SAID.get(action, Change(action=action))


def test_the_table_has_every_state_with_every_action_and_is_this_one() -> None:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    expected = {
        (Handling(row[0]), Action(action)): REFUSED if cell == "-" else Handling(cell)
        for row in rows
        for action, cell in zip(head, row[1:], strict=True)
    }
    assert expected == TRANSITIONS
    assert set(TRANSITIONS) == set(itertools.product(Handling, Action))
    assert set(EVENT_TYPES) == set(Action)


@pytest.mark.parametrize(("state", "action"), list(itertools.product(Handling, Action)))
def test_what_is_refused_changes_nothing_and_what_is_not_counts_once(state: Handling, action: Action) -> None:
    before = Standing(state, Handled(by=LI, at=T1, version=7))
    after = decide(before, said(action), WANG, T2)
    if TRANSITIONS[state, action] is REFUSED:
        assert after is None
        return
    assert after is not None
    assert after.handled is not None
    assert (after.handling, after.version) == (TRANSITIONS[state, action], 8)
    spoken = action in {Action.COMMENT, Action.ESCALATE}
    assert (after.handled.by, after.handled.at) == ((LI, T1) if spoken else (WANG, T2))


@pytest.mark.parametrize(
    ("reason", "result"),
    [
        (Resolution.HANDLED, 1),
        (Resolution.NO_ACTION, 2),
        (Resolution.FALSE_ALARM, 2),
        (Resolution.LATER, 3),
    ],
)
def test_results_are_those_of_jt809(reason: Resolution, result: int) -> None:
    standing = Standing()
    for action in (Action.ACKNOWLEDGE, Action.CLAIM):
        standing = acted(standing, Change(action=action))
        assert seen(standing).jt809_result == 0
    standing = acted(standing, Change(action=Action.RESOLVE, reason=reason))
    assert (seen(standing).reason, seen(standing).jt809_result) == (reason, result)
    standing = acted(standing, Change(action=Action.COMMENT))
    assert seen(standing).jt809_result == result
    standing = acted(standing, Change(action=Action.REOPEN))
    assert (seen(standing).reason, seen(standing).jt809_result, seen(standing).assignee) == (None, 0, None)


def acted(standing: Standing, change: Change, at: str = T2) -> Standing:
    after = decide(standing, change, WANG, at)
    assert after is not None
    return after


def seen(standing: Standing) -> Handled:
    assert standing.handled is not None
    return standing.handled


def test_a_deadline_is_watched_until_it_is_met_or_escalated() -> None:
    supervised = acted(Standing(), said(Action.SUPERVISE))
    assert (supervised.timer, seen(supervised).jt809_supervision) == (DUE, 1)
    resolved = acted(supervised, said(Action.RESOLVE))
    assert (resolved.timer, seen(resolved).due) == (None, DUE)
    again = acted(resolved, said(Action.REOPEN))
    assert again.timer == DUE, "resolving and reopening is no way round a supervision"
    escalated = acted(again, said(Action.ESCALATE), T3)
    assert (escalated.timer, seen(escalated).escalated, seen(escalated).jt809_supervision) == (None, T3, 0)
    anew = acted(escalated, said(Action.SUPERVISE))
    assert (anew.timer, seen(anew).escalated) == (DUE, None)


def test_who_claims_has_it_and_who_is_assigned_has_it() -> None:
    assert seen(acted(Standing(), said(Action.CLAIM))).assignee == WANG
    assert seen(acted(acted(Standing(), said(Action.CLAIM)), said(Action.ASSIGN))).assignee == LI
