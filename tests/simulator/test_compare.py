"""Scoring judged episodes against true ones."""

from typing import Any

from services.simulator.compare import compare

Json = dict[str, Any]


def episode(began: str, ended: str | None, **other: Any) -> Json:
    base: Json = {
        "rule": "speeding",
        "kind": "statutory",
        "vehicle": "宁A00001/yellow",
        "peak": 110.0,
        "limit": 100.0,
    }
    times = {"began": f"2026-11-23T{began}Z", "ended": f"2026-11-23T{ended}Z" if ended else None}
    return {
        **base,
        **times,
        "why": {"proven_s": 60, "reports": 3, "reported_s": 60, "spell_began": "2026-11-23T00:00:00Z"},
        **other,
    }


def note(name: str, since: str, to: str) -> Json:
    return {
        "vehicle": "宁A00001/yellow",
        "note": name,
        "from": f"2026-11-23T{since}Z",
        "to": f"2026-11-23T{to}Z",
    }


def test_episodes_that_overlap_are_found_and_right() -> None:
    (score,) = compare([episode("01:00:00", "01:02:00")], [episode("01:00:10", "01:01:50")], [])
    assert (score.recall, score.precision, score.unexplained) == (1.0, 1.0, [])


def test_one_that_is_open_overlaps_all_that_comes_later() -> None:
    (score,) = compare([episode("01:00:00", None)], [episode("01:30:00", "01:31:00")], [])
    assert (score.found, score.right) == (1, 1)


def test_another_vehicle_does_not_count() -> None:
    (score,) = compare(
        [episode("01:00:00", "01:02:00")], [episode("01:00:00", "01:02:00", vehicle="宁B1/yellow")], []
    )
    assert (score.recall, score.precision) == (0.0, 0.0)
    assert [found["what"] for found in score.unexplained] == ["missed", "false"]


def test_kinds_of_fatigue_are_scored_apart() -> None:
    scores = compare(
        [episode("01:00:00", "02:00:00", rule="fatigue", kind="night", peak=8000, limit=7200)],
        [episode("01:00:00", "02:00:00", rule="fatigue", kind="continuous", peak=15_000, limit=14_400)],
        [],
    )
    assert [(score.rule, score.recall, score.precision) for score in scores] == [
        ("fatigue continuous", 1.0, 0.0),
        ("fatigue night", 0.0, 1.0),
    ]


def test_misses_and_false_ones_are_told_apart_by_reason() -> None:
    unproven = episode("01:00:00", "01:00:50", why={"proven_s": 30})
    silent = episode("02:00:00", "02:10:00", why={"proven_s": 0})
    short = episode("03:00:00", "03:01:00")
    notes = [note("terminal_off", "02:01:00", "02:20:00"), note("short_burst", "03:00:10", "03:00:30")]
    (score,) = compare([unproven, silent], [short], notes)
    assert score.misses == {"its reports span 30 s or less": 1, "terminal switched off": 1}
    assert score.false == {"bursts of 30 s or less with a dip between reports": 1}
    assert score.unexplained == []
