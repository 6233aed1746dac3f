"""Which action is possible in which state and what it makes of an alert's handling; pure, time is an argument.

The table is written out: state x action to the state after, or REFUSED. JT/T 809's codes follow from state and reason (0x1401/0x1403, 0x9401).
"""

from dataclasses import dataclass

from services.contracts.handling import (
    Action,
    Handled,
    Handling,
    HandlingEventType,
    Person,
    Resolution,
    Supervision,
)

OPEN, ACKNOWLEDGED, ASSIGNED, RESOLVED = Handling
REFUSED = None
TRANSITIONS: dict[tuple[Handling, Action], Handling | None] = {
    (OPEN, Action.ACKNOWLEDGE): ACKNOWLEDGED,
    (OPEN, Action.CLAIM): ASSIGNED,
    (OPEN, Action.ASSIGN): ASSIGNED,
    (OPEN, Action.COMMENT): OPEN,
    (OPEN, Action.SUPERVISE): OPEN,
    (OPEN, Action.RESOLVE): RESOLVED,
    (OPEN, Action.REOPEN): REFUSED,
    (OPEN, Action.ESCALATE): OPEN,
    (ACKNOWLEDGED, Action.ACKNOWLEDGE): REFUSED,
    (ACKNOWLEDGED, Action.CLAIM): ASSIGNED,
    (ACKNOWLEDGED, Action.ASSIGN): ASSIGNED,
    (ACKNOWLEDGED, Action.COMMENT): ACKNOWLEDGED,
    (ACKNOWLEDGED, Action.SUPERVISE): ACKNOWLEDGED,
    (ACKNOWLEDGED, Action.RESOLVE): RESOLVED,
    (ACKNOWLEDGED, Action.REOPEN): REFUSED,
    (ACKNOWLEDGED, Action.ESCALATE): ACKNOWLEDGED,
    (ASSIGNED, Action.ACKNOWLEDGE): REFUSED,
    (ASSIGNED, Action.CLAIM): ASSIGNED,
    (ASSIGNED, Action.ASSIGN): ASSIGNED,
    (ASSIGNED, Action.COMMENT): ASSIGNED,
    (ASSIGNED, Action.SUPERVISE): ASSIGNED,
    (ASSIGNED, Action.RESOLVE): RESOLVED,
    (ASSIGNED, Action.REOPEN): REFUSED,
    (ASSIGNED, Action.ESCALATE): ASSIGNED,
    (RESOLVED, Action.ACKNOWLEDGE): REFUSED,
    (RESOLVED, Action.CLAIM): REFUSED,
    (RESOLVED, Action.ASSIGN): REFUSED,
    (RESOLVED, Action.COMMENT): RESOLVED,
    (RESOLVED, Action.SUPERVISE): REFUSED,
    (RESOLVED, Action.RESOLVE): REFUSED,
    (RESOLVED, Action.REOPEN): OPEN,
    (RESOLVED, Action.ESCALATE): REFUSED,
}
EVENT_TYPES: dict[Action, HandlingEventType] = {
    Action.ACKNOWLEDGE: HandlingEventType.ACKNOWLEDGED,
    Action.CLAIM: HandlingEventType.ASSIGNED,
    Action.ASSIGN: HandlingEventType.ASSIGNED,
    Action.COMMENT: HandlingEventType.COMMENTED,
    Action.SUPERVISE: HandlingEventType.SUPERVISED,
    Action.RESOLVE: HandlingEventType.RESOLVED,
    Action.REOPEN: HandlingEventType.REOPENED,
    Action.ESCALATE: HandlingEventType.ESCALATED,
}
IN_PROGRESS = 0
JT809_RESULTS: dict[Resolution, int] = {
    Resolution.HANDLED: 1,
    Resolution.NO_ACTION: 2,
    Resolution.FALSE_ALARM: 2,
    Resolution.LATER: 3,
}
JT809_SUPERVISIONS: dict[Supervision, int] = {Supervision.URGENT: 0, Supervision.NORMAL: 1}
NEVER = Handled()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An action with what it says; which of the others are given depends on it."""

    action: Action
    assignee: Person | None = None
    supervision: Supervision | None = None
    due: str | None = None
    reason: Resolution | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert's handling as it stands; `handled` None: nobody has acted."""

    handling: Handling = OPEN
    handled: Handled | None = None

    @property
    def version(self) -> int:
        """Of the handling: how many actions there were."""
        return 0 if self.handled is None else self.handled.version

    @property
    def timer(self) -> str | None:
        """The deadline that is still to be watched: of a supervision neither met nor escalated."""
        found = self.handled
        if found is None or self.handling is RESOLVED or found.escalated is not None:
            return None
        return found.due


def decide(standing: Standing, change: Change, by: Person, at: str) -> Standing | None:
    """What the action makes of it; None: not possible in this state."""
    after = TRANSITIONS[standing.handling, change.action]
    if after is REFUSED:
        return None
    before = standing.handled or NEVER
    speaks = change.action in (Action.COMMENT, Action.ESCALATE)
    reason = (
        change.reason if change.action is Action.RESOLVE else before.reason if after is RESOLVED else None
    )
    supervision, due, escalated = _supervision(before, change, at)
    handled = Handled(
        by=before.by if speaks else by,
        at=before.at if speaks else at,
        assignee=_assignee(before, change, by),
        supervision=supervision,
        due=due,
        escalated=escalated,
        reason=reason,
        jt809_result=IN_PROGRESS if reason is None else JT809_RESULTS[reason],
        jt809_supervision=None if supervision is None else JT809_SUPERVISIONS[supervision],
        version=before.version + 1,
    )
    return Standing(after, handled)


def _assignee(before: Handled, change: Change, by: Person) -> Person | None:
    """Reopening gives an alert back to everybody."""
    if change.action is Action.CLAIM:
        return by
    if change.action is Action.ASSIGN:
        return change.assignee
    return None if change.action is Action.REOPEN else before.assignee


def _supervision(
    before: Handled, change: Change, at: str
) -> tuple[Supervision | None, str | None, str | None]:
    """Level, deadline, and when it was escalated. A new supervision takes the place of the old one; reopening leaves it in force."""
    if change.action is Action.SUPERVISE:
        return change.supervision, change.due, None
    if change.action is Action.ESCALATE:
        return Supervision.URGENT, before.due, at
    return before.supervision, before.due, before.escalated
