"""Laws that hold for every registered rule: judging does not depend on how its input was cut, repeated, interrupted or compiled."""

import hashlib
import json
import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from services.cli.benchmarks.feed import drives, fleet
from services.contracts.alert import Episode, EpisodeState, EventType
from services.contracts.registry import RuleSet
from services.rules.driving.overtime import KINDS
from services.rules.engine import Engine
from services.rules.registry import RULES
from services.rules.snapshot import PartitionClock, dump, load
from services.rules.transitions import Transition

VEHICLES = 24
REPORTS = 2400


def drive(seed: int) -> np.ndarray:
    """Ten hours of a small fleet, with cards, faults and missing values strewn in."""
    fixes = drives(VEHICLES, REPORTS, seed=seed)
    rng = np.random.default_rng(seed)
    some = rng.random(len(fixes))
    fixes["driver"][some < 0.002] = -1
    fixes["driver"][(some > 0.002) & (some < 0.01)] = rng.integers(1, 30, len(fixes))[
        (some > 0.002) & (some < 0.01)
    ]
    fixes["flags"][(some > 0.01) & (some < 0.03)] = 1
    fixes["flags"][(some > 0.03) & (some < 0.035)] = 2
    fixes["speed"][(some > 0.04) & (some < 0.05)] = 65535
    off = (some > 0.5).astype(np.int64) * ((fixes["time_ms"] // 900_000) % 5 == 0) * 60_000
    fixes["lat_e7"] += off.astype(np.int32)
    return fixes


CONFIG = msgspec.structs.replace(
    fleet(VEHICLES),
    rules=(
        RuleSet(
            parameters={
                "speeding": {"unmatched_limit_kmh": {"coach": 70, "freight": 60}},
                "fatigue": {
                    "continuous_s": 3600,
                    "night_continuous_s": 1800,
                    "rolling_24h_s": 7200,
                    "rolling_7d_s": 9000,
                },
                "route_deviation": {"hold_s": 30, "min_fixes": 2},
            }
        ),
    ),
)
"""The fleet with parameters that make every rule find something within hours."""


def told(transitions: list[Transition]) -> list[tuple[object, ...]]:
    """What is compared: every transition, whole."""
    return [(t.event, t.alert.id, t.sequence, msgspec.json.encode(t.alert)) for t in transitions]


def code(number: int) -> str:
    """A driver's code."""
    return f"D{number}"


def judged(fixes: np.ndarray, cuts: list[int]) -> tuple[list[tuple[object, ...]], Engine]:
    """All transitions of a drive judged in pieces, then what is open."""
    engine = Engine(CONFIG, code)
    found: list[Transition] = []
    for part in np.split(fixes, cuts):
        found += engine.judge(part.copy())
    return told(found + engine.open_episodes()), engine


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_rule_finds_something(seed: int) -> None:
    """The drives exercise every rule, or the laws below would hold of nothing."""
    found, _ = judged(drive(seed), [])
    rules = {json.loads(row[3])["rule"] for row in found}  # type: ignore[arg-type]
    assert rules == {rule.name for rule in RULES}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_batch_is_its_pieces(seed: int) -> None:
    """Cutting the input anywhere changes nothing."""
    fixes = drive(seed)
    cuts = sorted(np.random.default_rng(seed).integers(0, len(fixes), 40).tolist())
    assert judged(fixes, cuts)[0] == judged(fixes, [])[0]


def test_repeated_and_older_fixes_change_nothing() -> None:
    """Every fix twice, and an older one after each, gives the same alerts."""
    fixes = drive(4)
    order = np.repeat(np.arange(len(fixes)), 3)
    order[2::3] = np.maximum(np.arange(len(fixes)) - 5 * VEHICLES, 0)
    assert judged(fixes[order], [])[0] == judged(fixes, [])[0]


@pytest.mark.parametrize("seed", [1, 5])
def test_snapshot_and_restore_behave_the_same(seed: int) -> None:
    """A new owner that loads a full snapshot and the later increments goes on as the old one would have."""
    fixes = drive(seed)
    parts = np.array_split(fixes, 6)
    engine, clock = Engine(CONFIG, code), PartitionClock()
    found: list[Transition] = []
    bodies: list[bytes] = []
    for place, part in enumerate(parts):
        found += engine.judge(part.copy())
        bodies.append(dump(engine, "", clock, full=place in (0, 3)))
        start = 0 if place < 3 else 3
        engine = Engine(CONFIG, code)
        for body in bodies[start:]:
            clock = load(engine, body)
        engine.common["changed"] = 0
    assert told(found + engine.open_episodes()) == judged(fixes, [])[0]


def test_ticks_change_no_state() -> None:
    """Whatever ticks closed for the screen, the final alerts are those without ticks."""
    fixes = drive(6)
    engine = Engine(CONFIG, code)
    last: dict[str, Transition] = {}
    for part in np.array_split(fixes, 60):
        found = engine.judge(part.copy()) + engine.tick(int(part["time_ms"].max()) + 4_000_000)
        last |= {t.alert.id: t for t in found}
    last |= {t.alert.id: t for t in engine.judge(np.zeros(0, fixes.dtype)) + engine.open_episodes()}
    plain: dict[str, Transition] = {}
    single = Engine(CONFIG, code)
    plain |= {t.alert.id: t for t in single.judge(fixes.copy()) + single.open_episodes()}
    assert last.keys() == plain.keys()
    for name, transition in plain.items():
        if transition.ended_ms is not None:
            assert content(last[name]) == content(transition)


def content(transition: Transition) -> bytes:
    """The episode, which ticks may not touch."""
    return msgspec.json.encode(transition.episode)


def test_a_minute_later_a_tick_has_told_all_there_is() -> None:
    """Nothing told stays behind what is known: a tick brings what fixes kept back, and not more than once a minute."""
    fixes = drive(8)
    engine = Engine(CONFIG, code)
    told_last: dict[str, Transition] = {}
    by_ticks: dict[str, int] = {}
    for part in np.array_split(fixes, 50):
        now_ms = int(part["time_ms"].max()) + 60_000
        for found in (engine.judge(part.copy()), engine.tick(now_ms)):
            for transition in found:
                at_most_once_a_minute(told_last.get(transition.alert.id), transition)
                told_last[transition.alert.id] = transition
        ticked = [t for t in told_last.values() if t.now_ms == now_ms and t.event is EventType.UPDATED]
        for transition in ticked:
            by_ticks[transition.episode.rule] = by_ticks.get(transition.episode.rule, 0) + 1
        for current in engine.open_episodes():
            assert unended(told_last[current.alert.id]) == unended(current)
        assert engine.tick(now_ms) == []
    assert by_ticks.keys() == {rule.name for rule in RULES}


def at_most_once_a_minute(before: Transition | None, transition: Transition) -> None:
    """An update comes a minute after what was told before it, unless it is graver."""
    if before is None or transition.event is not EventType.UPDATED:
        return
    graver = transition.severity_rank > before.severity_rank
    band, band_before = (t.episode.why.get("band") or "" for t in (transition, before))
    assert graver or band > band_before or transition.now_ms - before.now_ms >= 60_000


def unended(transition: Transition) -> Episode:
    """The episode but for what a tick may say of its end."""
    return msgspec.structs.replace(transition.episode, state=EpisodeState.OPEN, ended=None)


def night() -> np.ndarray:
    """Two vehicles for ten hours from 20:00 on that between them make every rule speak, and fatigue in each of its kinds."""
    fixes = drive(7)
    fixes["time_ms"] += 12 * 3_600_000
    return fixes[np.isin(fixes["vehicle"], (11, 20))]


@pytest.mark.timeout(300)  # in plain Python
def test_compiled_equals_uncompiled() -> None:
    """The same source under plain Python gives the same bytes."""
    program = (
        "import hashlib; from tests.rules.test_laws import judged, night\n"
        "print(hashlib.sha256(repr(judged(night(), [1000])[0]).encode()).hexdigest())"
    )
    uncompiled = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True,
        text=True, check=True, timeout=280,
    ).stdout  # fmt: skip
    found, _ = judged(night(), [1000])
    assert hashlib.sha256(repr(found).encode()).hexdigest() == uncompiled.strip()
    episodes = [json.loads(row[3]) for row in found]  # type: ignore[arg-type]
    assert {episode["rule"] for episode in episodes} == {rule.name for rule in RULES}
    assert {episode["kind"] for episode in episodes if episode["rule"] == "fatigue"} == set(KINDS)
