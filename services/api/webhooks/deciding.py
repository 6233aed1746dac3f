"""What becomes of a message and its endpoint after an attempt: state x outcome x time -> next; pure, times are Unix ms.

The schedule is that of Standard Webhooks 1.0 (0 s, 5 s, 5 min, ... 24 h: ten attempts in 75 h 35 min 5 s), each wait varied by up to 20 %. The
variation comes from the message's id and the attempt's number, so that it can be tested, and still no two messages come back together.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

SCHEDULE_S = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.2
DISABLE_AFTER_MS = 5 * 86_400_000
LONGEST_REST_MS = 3_600_000
THROTTLE_MS = 30_000
OPEN_AT = 5
"""So many failures in a row, and the endpoint is tried by one message at a time with growing pauses."""
FIRST_PROBE_MS, LONGEST_PROBE_MS = 5_000, 300_000
THROTTLING = frozenset({429, 502, 504})
GONE = 410


class Fault(StrEnum):
    """Why there was no answer."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    NAME = "name"
    BLOCKED = "blocked"
    PROTOCOL = "protocol"


class Outcome(StrEnum):
    """An attempt's result, as it is counted."""

    DELIVERED = "delivered"
    FAILED = "failed"
    REDIRECT = "redirect"
    THROTTLED = "throttled"
    GONE = "gone"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    NAME = "name"
    BLOCKED = "blocked"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attempt met: an HTTP status, or a fault; `retry_after_s` as the answer asked."""

    status: int | None = None
    fault: Fault | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint does: failures in a row, since when nothing but failures, and when it may be tried again as a whole."""

    failures: int = 0
    failing_since_ms: int | None = None
    resume_ms: int | None = None

    @property
    def probing(self) -> bool:
        """Whether only one message at a time should try."""
        return self.failures >= OPEN_AT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows.

    Attributes:
        state: of the message: `waiting`, `delivered` or `exhausted`.
        due_ms: when it is tried next; None: never.
        disable: why the endpoint is to be disabled (`gone`, `failing`); None: it is not.
        recovered: the endpoint answers again after it was probed: what waits for it may go at once.
    """

    outcome: Outcome
    state: str
    due_ms: int | None
    health: Health
    disable: str | None = None
    recovered: bool = False


def outcome_of(answer: Answer) -> Outcome:
    """The name of what happened; only 2xx is success."""
    if answer.status is None:
        return Outcome(answer.fault or Fault.PROTOCOL)
    if 200 <= answer.status < 300:
        return Outcome.DELIVERED
    if answer.status == GONE:
        return Outcome.GONE
    if answer.status in THROTTLING:
        return Outcome.THROTTLED
    return Outcome.REDIRECT if 300 <= answer.status < 400 else Outcome.FAILED


def decide(
    message: str,
    number: int,
    answer: Answer,
    at_ms: int,
    health: Health,
    schedule: Sequence[int] = SCHEDULE_S,
) -> Verdict:
    """After attempt `number` (from 1) of a message ended at `at_ms`."""
    outcome = outcome_of(answer)
    if outcome is Outcome.DELIVERED:
        well, recovered = _well(at_ms, health)
        return Verdict(outcome, "delivered", None, well, recovered=recovered)
    since_ms = at_ms if health.failing_since_ms is None else health.failing_since_ms
    failed = Health(health.failures + 1, since_ms, health.resume_ms)
    failed = replace(failed, resume_ms=_resume(outcome, answer, at_ms, failed))
    due_ms = None
    if number < len(schedule):
        due_ms = at_ms + _delay(message, number, answer, schedule)
    disable = None
    if outcome is Outcome.GONE:
        disable = "gone"
    elif at_ms - since_ms >= DISABLE_AFTER_MS:
        disable = "failing"
    return Verdict(outcome, "exhausted" if due_ms is None else "waiting", due_ms, failed, disable)


def decide_once(answer: Answer, health: Health) -> Verdict:
    """What carries no event, a ping or a test, is tried once and says nothing of the endpoint's health."""
    outcome = outcome_of(answer)
    return Verdict(outcome, "delivered" if outcome is Outcome.DELIVERED else "exhausted", None, health)


def elsewhere(verdict: Verdict, health: Health, at_ms: int) -> Verdict:
    """A verdict on what another address answered, which the endpoint had before: the endpoint is as it was, its new address is tried at once."""
    due_ms = None if verdict.due_ms is None else at_ms
    return replace(verdict, health=health, due_ms=due_ms, disable=None, recovered=False)


def _delay(message: str, number: int, answer: Answer, schedule: Sequence[int]) -> int:
    """Ms until the next attempt: the schedule's, or longer if the answer asked so, but not beyond twice that or an hour."""
    base_ms = round(schedule[number] * 1000 * (1 + JITTER * variation(message, number)))
    if answer.retry_after_s is None:
        return base_ms
    return max(base_ms, min(round(answer.retry_after_s * 1000), max(2 * base_ms, LONGEST_REST_MS)))


def variation(message: str, number: int) -> float:
    """From -1 to 1, always the same for a message and an attempt."""
    drawn = int.from_bytes(hashlib.sha256(f"{message}.{number}".encode()).digest()[:8])
    return drawn / 2**63 - 1


def _well(at_ms: int, health: Health) -> tuple[Health, bool]:
    """What 2xx makes of an endpoint, and whether it answers again after a rest; a rest that another answer asked for meanwhile is kept."""
    resting = not health.probing and health.resume_ms is not None and health.resume_ms > at_ms
    kept = Health(resume_ms=health.resume_ms if resting else None)
    return kept, health.probing or (health.resume_ms is not None and not resting)


def _resume(outcome: Outcome, answer: Answer, at_ms: int, health: Health) -> int | None:
    """When the endpoint as a whole may be tried again: it asked for rest and gets that much, or it has failed often in a row."""
    rests = [health.resume_ms or 0]
    if outcome is Outcome.THROTTLED or answer.retry_after_s is not None:
        asked_ms = THROTTLE_MS if answer.retry_after_s is None else round(answer.retry_after_s * 1000)
        rests.append(at_ms + min(max(asked_ms, 1000), LONGEST_REST_MS))
    elif health.probing:
        doublings = min(health.failures - OPEN_AT, 10)
        rests.append(at_ms + min(FIRST_PROBE_MS * 2**doublings, LONGEST_PROBE_MS))
    return max(rests) or None
