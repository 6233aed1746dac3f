"""What people do with alerts, as others read it: states, actions, and the `handled` part of an alert's document."""

from enum import StrEnum

import msgspec


class Handling(StrEnum):
    """Where an alert stands with the people who answer for it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    RESOLVED = "resolved"


class Action(StrEnum):
    """What is done with an alert; only `escalate` is the system's own (a deadline that passed)."""

    ACKNOWLEDGE = "acknowledge"
    CLAIM = "claim"
    ASSIGN = "assign"
    COMMENT = "comment"
    SUPERVISE = "supervise"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    ESCALATE = "escalate"


class Resolution(StrEnum):
    """Why an alert is resolved."""

    HANDLED = "handled"
    NO_ACTION = "no_action"
    LATER = "later"
    FALSE_ALARM = "false_alarm"


class Supervision(StrEnum):
    """How pressing a superior's supervision (督办) is; the order is JT/T 809's code: 0 urgent, 1 normal."""

    URGENT = "urgent"
    NORMAL = "normal"


class HandlingEventType(StrEnum):
    """Types of alert events made by handling."""

    ACKNOWLEDGED = "alert.acknowledged"
    ASSIGNED = "alert.assigned"
    COMMENTED = "alert.commented"
    SUPERVISED = "alert.supervised"
    RESOLVED = "alert.resolved"
    REOPENED = "alert.reopened"
    ESCALATED = "alert.escalated"


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account by its id and what others read of it; `role` as it was then, None: the system itself."""

    id: str
    name: str
    role: str | None = None


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What people made of an alert, beside `handling`; absent until somebody acts. Times are RFC 3339 UTC.

    Attributes:
        by: who last changed it (comments and the system's escalation do not count), and `at` when.
        due: until when a supervised alert must be resolved; `escalated` when it was not and the system said so.
        jt809_result: JT/T 809 handling result (0x1401, 0x1403): 0 in progress, 1 done, 2 no action, 3 later.
        jt809_supervision: JT/T 809 supervision level (0x9401): 0 urgent, 1 normal.
        version: of the handling, which is the alert's ETag; comments count.
    """

    by: Person | None = None
    at: str | None = None
    assignee: Person | None = None
    supervision: Supervision | None = None
    due: str | None = None
    escalated: str | None = None
    reason: Resolution | None = None
    jt809_result: int = 0
    jt809_supervision: int | None = None
    version: int = 0
