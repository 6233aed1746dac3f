"""A time is held against its arrival: too old is a wrong clock, 1,024 weeks behind has a code of its own; the short way and the long way agree."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.checks import unsuspected_ms
from services.ingest.pipeline import decide, process
from services.ingest.plain import take
from tests.ingest.corpus import NOW, said
from tests.ingest.test_pipeline import CHINA, LOOKUP, Codes

DAY_MS = 86_400_000
ROLLOVER_MS = 7_168 * DAY_MS


def aged(age_ms: int, **changed: object) -> bytes:
    """A good report, but for what is changed, whose time is so old at NOW."""
    time = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=NOW - age_ms)
    return said(time=time.isoformat(timespec="milliseconds"), **changed)


def code(age_ms: int, oldest_days: int, received_ms: int | None = NOW) -> str | None:
    """Why a report of that age is kept out, having asked both ways."""
    value, received = aged(age_ms), None if received_ms is None else np.array([received_ms])
    done = process([value], received, np.arange(1), LOOKUP, Codes(), CHINA, oldest_days=oldest_days)
    _, _, kept_out = decide([value], received, np.arange(1), LOOKUP, CHINA, oldest_days)
    assert done.rejected == kept_out
    (taken,) = take([value], received, LOOKUP, CHINA, None, oldest_days).taken.tolist()
    assert not (taken and kept_out)
    assert taken or kept_out or age_ms > unsuspected_ms(oldest_days)  # the long way is for what may be wrong
    return kept_out[0][1] if kept_out else None


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, None),
        (-60_000, None),
        (-60_001, "FUTURE"),
        (8 * 3_600_000, None),
        (400 * DAY_MS, None),
        (400 * DAY_MS + 1, "BAD_CLOCK"),
        (ROLLOVER_MS - DAY_MS - 1, "BAD_CLOCK"),
        (ROLLOVER_MS - DAY_MS, "CLOCK_ROLLOVER"),
        (ROLLOVER_MS, "CLOCK_ROLLOVER"),
        (ROLLOVER_MS + DAY_MS, "CLOCK_ROLLOVER"),
        (ROLLOVER_MS + DAY_MS + 1, "BAD_CLOCK"),
    ],
)
def test_a_live_time_is_held_against_its_arrival(age_ms: int, expected: str | None) -> None:
    assert code(age_ms, 400) == expected


def test_zero_days_ask_nothing_of_the_age() -> None:
    assert code(ROLLOVER_MS, 0) is None
    assert code(500 * DAY_MS, 0) is None


def test_a_lost_turn_of_the_week_number_is_told_however_long_the_limit() -> None:
    assert code(ROLLOVER_MS, 36_500) == "CLOCK_ROLLOVER"
    assert code(ROLLOVER_MS - DAY_MS - 1, 36_500) is None


def test_a_file_and_a_broker_without_a_clock_know_no_age() -> None:
    assert code(ROLLOVER_MS, 400, received_ms=None) is None
    assert code(ROLLOVER_MS, 400, received_ms=-1) is None


def test_a_wrong_clock_is_told_before_an_unknown_vehicle_and_a_wrong_place_before_it() -> None:
    """The order of `contracts.reasons`."""
    values = [aged(ROLLOVER_MS, terminal="5"), aged(ROLLOVER_MS, lon=0, lat=0)]
    done = process(values, np.full(2, NOW), np.arange(2), LOOKUP, Codes(), CHINA, oldest_days=400)
    assert done.rejected == [(0, "CLOCK_ROLLOVER"), (1, "ZERO_FIX")]


@given(
    days=st.integers(0, 8_000),
    nearby=st.sampled_from([400, 7_167, 7_168, 7_169]),
    off_ms=st.integers(-2, 2),
    anywhere=st.integers(-2 * DAY_MS, 7_900 * DAY_MS),
)
def test_both_ways_agree_on_any_age(days: int, nearby: int, off_ms: int, anywhere: int) -> None:
    code(nearby * DAY_MS + off_ms, days)
    code(days * DAY_MS + off_ms, days)
    code(anywhere, days)
