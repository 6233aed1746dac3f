"""The rules that are built and not yet in force: the machine of runs, silences, identity; equal to their slow reference on drives made at random."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from services.contracts.alert import iso
from services.contracts.registry import Config
from services.rules.engine import Engine
from services.rules.registry import PREPARED, RULES
from services.rules.transitions import Transition
from tests.rules.devices import case
from tests.rules.reference.fixes import from_records
from tests.rules.reference.judging import PREPARED as REFERENCE
from tests.rules.reference.judging import judge

FACTORS = {"km/h": 10, "s": 1000, "count": 1}
COMPARED = ("rule", "kind", "driver", "began_ms", "ended_ms", "state", "severity", "limit", "peak")
NAMES = {rule.name for rule in PREPARED}


def found(config: Config, fixes: np.ndarray, cuts: int) -> list[dict[str, Any]]:
    """The engine's final episodes of these rules in the reference's units."""
    engine = Engine(config, str, (*RULES, *PREPARED))
    last: dict[str, Transition] = {}
    for part in np.array_split(fixes, cuts):
        last |= {t.alert.id: t for t in engine.judge(part.copy())}
    last |= {t.alert.id: t for t in engine.open_episodes()}
    return sorted((in_units(t) for t in last.values() if t.episode.rule in NAMES), key=place)


def in_units(transition: Transition) -> dict[str, Any]:
    episode, factor = transition.episode, FACTORS[transition.episode.unit]
    return {
        "rule": episode.rule, "kind": episode.kind, "driver": int(episode.driver) if episode.driver else None,
        "began_ms": transition.began_ms, "ended_ms": transition.ended_ms, "state": str(episode.state), "severity": str(episode.severity),
        "at": (round(transition.lon * 1e7), round(transition.lat * 1e7), episode.at.time),
        "limit": episode.limit * factor, "peak": round(episode.peak * factor), "fixes": episode.why.get("fixes"),
    }  # fmt: skip


def expected(config: Config, fixes: np.ndarray) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for episode in judge(config, from_records(fixes), REFERENCE):
        at_ms, lon, lat = episode["at"]
        row = {name: value for name, value in episode.items() if name in COMPARED}
        rows.append(row | {"at": (lon, lat, iso(at_ms)), "fixes": episode["why"].get("fixes")})
    return sorted(rows, key=place)


def place(row: dict[str, Any]) -> tuple[object, ...]:
    return row["began_ms"], row["rule"], row["kind"]


@pytest.mark.parametrize("block", range(6))
def test_they_find_what_the_reference_finds(block: int) -> None:
    kinds: Counter[tuple[str, str]] = Counter()
    for seed in range(block * 20, block * 20 + 20):
        config, fixes = case(seed)
        wanted = expected(config, fixes)
        assert found(config, fixes, 3) == wanted, seed
        kinds.update((row["rule"], row["state"]) for row in wanted)
    assert len({rule for rule, _ in kinds}) >= len(NAMES) - 1
    assert {state for _, state in kinds} == {"open", "closed"}


@pytest.mark.parametrize("seed", [3, 32, 48])
def test_cutting_the_input_changes_nothing(seed: int) -> None:
    config, fixes = case(seed)
    assert found(config, fixes, 1) == found(config, fixes, len(fixes))


def test_a_tick_opens_a_silence_that_the_next_report_ends_or_takes_back() -> None:
    config, fixes = case(0)
    one = fixes[:1].copy()
    one["speed"], one["alarms"], one["flags"] = 600, 0, 0
    engine = Engine(Config(vehicles=config.vehicles), str, (*RULES, *PREPARED))
    start_ms = int(one["time_ms"][0])
    assert engine.judge(one.copy()) == []
    assert [t.episode.rule for t in engine.tick(start_ms + 600_000)] == []
    (opened,) = engine.tick(start_ms + 600_001)
    assert (opened.event, opened.episode.severity, opened.episode.ended) == ("alert.opened", "info", None)
    (graver,) = engine.tick(start_ms + 1_800_000)
    assert (graver.event, graver.episode.severity) == ("alert.updated", "minor")
    after = one.copy()
    after["time_ms"] += 2_000_000
    after["raw_offset"] += 1
    (closed,) = engine.judge(after.copy())
    assert (closed.event, closed.episode.peak, closed.alert.id) == ("alert.closed", 2000, opened.alert.id)
    engine.tick(start_ms + 2_000_000 + 700_000)
    soon = after.copy()
    soon["time_ms"] += 30_000
    (taken_back,) = engine.judge(soon.copy())
    assert (taken_back.event, taken_back.episode.state) == ("alert.withdrawn", "withdrawn")
