"""What follows from an attempt: the table of state x outcome x time, the schedule to the millisecond, rests, probes, and the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.webhooks.deciding import (
    DISABLE_AFTER_MS,
    JITTER,
    LONGEST_PROBE_MS,
    OPEN_AT,
    SCHEDULE_S,
    Answer,
    Fault,
    Health,
    Outcome,
    Verdict,
    decide,
    decide_once,
    outcome_of,
    variation,
)

AT_MS = 1_795_363_200_000
DAY_MS = 86_400_000
FIRST = Health(1, AT_MS)


def test_the_schedule_is_the_specification_s() -> None:
    assert len(SCHEDULE_S) == 10
    assert sum(SCHEDULE_S) == ((75 * 60) + 35) * 60 + 5


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200), Outcome.DELIVERED), (Answer(204), Outcome.DELIVERED), (Answer(299), Outcome.DELIVERED),
        (Answer(199), Outcome.FAILED), (Answer(300), Outcome.REDIRECT), (Answer(301), Outcome.REDIRECT), (Answer(302), Outcome.REDIRECT),
        (Answer(307), Outcome.REDIRECT), (Answer(308), Outcome.REDIRECT), (Answer(400), Outcome.FAILED), (Answer(401), Outcome.FAILED),
        (Answer(404), Outcome.FAILED), (Answer(410), Outcome.GONE), (Answer(429), Outcome.THROTTLED), (Answer(500), Outcome.FAILED),
        (Answer(502), Outcome.THROTTLED), (Answer(503), Outcome.FAILED), (Answer(504), Outcome.THROTTLED),
        *((Answer(fault=fault), Outcome(fault)) for fault in Fault), (Answer(), Outcome.PROTOCOL),
    ],
)  # fmt: skip
def test_only_2xx_is_success(answer: Answer, outcome: Outcome) -> None:
    assert outcome_of(answer) is outcome


@pytest.mark.parametrize("number", range(1, 10))
def test_every_wait_is_the_schedule_s_with_its_variation(number: int) -> None:
    verdict = decide("msg_a", number, Answer(500), AT_MS, Health())
    base_ms = SCHEDULE_S[number] * 1000
    assert verdict.due_ms == AT_MS + round(base_ms * (1 + JITTER * variation("msg_a", number)))
    assert 0.8 * base_ms <= verdict.due_ms - AT_MS <= 1.2 * base_ms
    assert verdict == decide("msg_a", number, Answer(500), AT_MS, Health()), "the same again"


def test_the_variation_is_even_and_its_own_for_each_message() -> None:
    drawn = [variation(f"msg_{number}", attempt) for number in range(500) for attempt in range(1, 10)]
    assert all(-1 <= value <= 1 for value in drawn)
    assert len(set(drawn)) == len(drawn)
    assert abs(sum(drawn) / len(drawn)) < 0.05
    assert 0.45 < sum(abs(value) for value in drawn) / len(drawn) < 0.55


@pytest.mark.parametrize(
    ("number", "answer", "health", "verdict"),
    [
        (1, Answer(200), Health(), Verdict(Outcome.DELIVERED, "delivered", None, Health())),
        (3, Answer(204), Health(4, AT_MS - 5), Verdict(Outcome.DELIVERED, "delivered", None, Health())),
        (3, Answer(204), Health(5, AT_MS - 5, AT_MS), Verdict(Outcome.DELIVERED, "delivered", None, Health(), recovered=True)),
        (10, Answer(500), Health(), Verdict(Outcome.FAILED, "exhausted", None, FIRST)),
        (11, Answer(500), Health(), Verdict(Outcome.FAILED, "exhausted", None, FIRST)),
        (10, Answer(fault=Fault.TIMEOUT), Health(2, AT_MS - 7), Verdict(Outcome.TIMEOUT, "exhausted", None, Health(3, AT_MS - 7))),
        (10, Answer(410), Health(), Verdict(Outcome.GONE, "exhausted", None, FIRST, "gone")),
        (10, Answer(500), Health(9, AT_MS - DISABLE_AFTER_MS), Verdict(Outcome.FAILED, "exhausted", None,
                                                                   Health(10, AT_MS - DISABLE_AFTER_MS, AT_MS + 160_000), "failing")),
        (10, Answer(500), Health(9, AT_MS - DISABLE_AFTER_MS + 1), Verdict(Outcome.FAILED, "exhausted", None,
                                                                       Health(10, AT_MS - DISABLE_AFTER_MS + 1, AT_MS + 160_000))),
        (10, Answer(429), Health(), Verdict(Outcome.THROTTLED, "exhausted", None, Health(1, AT_MS, AT_MS + 30_000))),
        (10, Answer(429, retry_after_s=7), Health(), Verdict(Outcome.THROTTLED, "exhausted", None, Health(1, AT_MS, AT_MS + 7000))),
        (10, Answer(503, retry_after_s=120), Health(), Verdict(Outcome.FAILED, "exhausted", None, Health(1, AT_MS, AT_MS + 120_000))),
        (10, Answer(503, retry_after_s=0), Health(), Verdict(Outcome.FAILED, "exhausted", None, Health(1, AT_MS, AT_MS + 1000))),
        (10, Answer(502, retry_after_s=1e9), Health(), Verdict(Outcome.THROTTLED, "exhausted", None, Health(1, AT_MS, AT_MS + 3_600_000))),
        (10, Answer(500), Health(1, AT_MS, AT_MS + 9), Verdict(Outcome.FAILED, "exhausted", None, Health(2, AT_MS, AT_MS + 9))),
    ],
)  # fmt: skip
def test_the_table(number: int, answer: Answer, health: Health, verdict: Verdict) -> None:
    assert decide("msg_a", number, answer, AT_MS, health) == verdict


def test_gone_disables_at_once_and_keeps_the_message() -> None:
    verdict = decide("msg_a", 1, Answer(410), AT_MS, Health())
    assert (verdict.disable, verdict.state) == ("gone", "waiting")


@pytest.mark.parametrize(
    ("number", "asked_s", "at_least_s", "at_most_s"),
    [
        (1, 0, 4, 6),  # never sooner than the schedule
        (1, 60, 60, 60),
        (1, 1e12, 3600, 3600),  # nobody puts us off for years
        (9, 1, 0.8 * 86_400, 1.2 * 86_400),
        (9, 100_000, 100_000, 1.2 * 86_400),
        (9, 1e12, 1.6 * 86_400, 2.4 * 86_400),
    ],
)
def test_retry_after_is_honoured_within_bounds(
    number: int, asked_s: float, at_least_s: float, at_most_s: float
) -> None:
    verdict = decide("msg_a", number, Answer(503, retry_after_s=asked_s), AT_MS, Health())
    assert verdict.due_ms is not None
    assert at_least_s <= (verdict.due_ms - AT_MS) / 1000 <= max(at_most_s, at_least_s)


def test_failures_in_a_row_make_probes_farther_and_farther_apart() -> None:
    health, rests = Health(), []
    for _ in range(14):
        health = decide("msg_a", 1, Answer(fault=Fault.CONNECTION), AT_MS, health).health
        rests.append(None if health.resume_ms is None else health.resume_ms - AT_MS)
    assert rests[: OPEN_AT - 1] == [None] * (OPEN_AT - 1)
    assert rests[OPEN_AT - 1 :] == [5000, 10_000, 20_000, 40_000, 80_000, 160_000] + [LONGEST_PROBE_MS] * 4


def test_a_ping_is_tried_once_and_says_nothing_of_health() -> None:
    ill = Health(7, AT_MS - 1, AT_MS + 5)
    assert decide_once(Answer(200), ill) == Verdict(Outcome.DELIVERED, "delivered", None, ill)
    assert decide_once(Answer(500), ill) == Verdict(Outcome.FAILED, "exhausted", None, ill)


@given(
    number=st.integers(1, 20),
    status=st.none() | st.integers(100, 599),
    fault=st.none() | st.sampled_from(Fault),
    retry=st.none() | st.floats(0, 1e12),
    failures=st.integers(0, 1000),
    since=st.integers(0, 10 * DAY_MS),
)
def test_whatever_happens_a_message_has_an_end_or_a_time(
    number: int, status: int | None, fault: Fault | None, retry: float | None, failures: int, since: int
) -> None:
    health = Health(failures, AT_MS - since if failures else None)
    verdict = decide("msg_a", number, Answer(status, fault, retry), AT_MS, health)
    assert (verdict.state == "waiting") == (verdict.due_ms is not None)
    assert (verdict.state == "delivered") == (status is not None and 200 <= status < 300)
    if verdict.due_ms is not None:
        assert number < len(SCHEDULE_S)
        assert verdict.due_ms >= AT_MS + round(0.8 * 1000 * SCHEDULE_S[number]) - 1
    if verdict.health.resume_ms is not None:
        assert verdict.health.resume_ms <= AT_MS + 3_600_000
