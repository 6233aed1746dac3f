"""The compiled engine against the slow reference that was written from the text alone: the same episodes, field by field."""

from typing import Any

import numpy as np
import pytest

from services.contracts.alert import iso
from services.contracts.registry import Config
from services.rules.engine import Engine
from services.rules.transitions import Transition
from tests.rules.contradictions import case as contradicting
from tests.rules.edgy import case
from tests.rules.reference.fixes import from_records
from tests.rules.reference.judging import judge

NEAR = 0.006
"""Distances may differ by 0.5 % (interfaces section 5)."""


def engine_episodes(config: Config, fixes: np.ndarray) -> list[dict[str, Any]]:
    """The engine's final episodes in the reference's units."""
    engine = Engine(config, str)
    last: dict[str, Transition] = {}
    for part in np.array_split(fixes, 3):
        last |= {t.alert.id: t for t in engine.judge(part.copy())}
    last |= {t.alert.id: t for t in engine.open_episodes()}
    rows = [in_units(t) for t in last.values()]
    return sorted(rows, key=place)


def in_units(transition: Transition) -> dict[str, Any]:
    """Comparable fields of a transition."""
    episode = transition.episode
    factor = {"km/h": 10, "s": 1000, "m": 1}[episode.unit]
    row: dict[str, Any] = {
        "rule": episode.rule, "kind": episode.kind, "driver": int(episode.driver) if episode.driver else None,
        "began_ms": transition.began_ms, "ended_ms": transition.ended_ms, "state": str(episode.state),
        "severity": str(episode.severity), "confidence": episode.confidence,
        "at": (round(transition.lon * 1e7), round(transition.lat * 1e7), episode.at.time),
        "limit": episode.limit * factor, "peak": round(episode.peak * factor, 3),
    }  # fmt: skip
    if episode.rule == "speeding":
        row["band"] = episode.why["band"]
        row["doubt"] = episode.why.get("doubt")
    if episode.rule == "fatigue":
        row["timeline"] = [(part["state"], part["from"], part["to"]) for part in episode.why["timeline"]]
        row["spell"] = episode.why["spell_began"]
    if episode.rule == "route_deviation":
        row["route"] = episode.why["route"]
    return row


def reference_episodes(config: Config, fixes: np.ndarray) -> list[dict[str, Any]]:
    """The reference's episodes in the same form."""
    rows = []
    for episode in judge(config, from_records(fixes)):
        at_ms, lon, lat = episode["at"]
        row: dict[str, Any] = {
            "rule": episode["rule"], "kind": episode["kind"], "driver": episode["driver"], "began_ms": episode["began_ms"],
            "ended_ms": episode["ended_ms"], "state": episode["state"], "severity": episode["severity"],
            "confidence": episode["confidence"], "at": (lon, lat, iso(at_ms)), "limit": episode["limit"], "peak": episode["peak"],
        }  # fmt: skip
        if episode["rule"] == "speeding":
            row["band"] = episode["band"]
            row["doubt"] = episode["why"]["doubt"]
        if episode["rule"] == "fatigue":
            row["timeline"] = [(state, iso(a), iso(b)) for state, a, b in episode["why"]["timeline"]]
            row["spell"] = iso(episode["why"]["spell_began_ms"])
        if episode["rule"] == "route_deviation":
            row["route"] = config.assignments[episode["why"]["assignment"]].route
        rows.append(row)
    return sorted(rows, key=place)


def place(row: dict[str, Any]) -> tuple[object, ...]:
    """Where an episode stands in a list."""
    return (
        row["began_ms"],
        row["rule"],
        row["kind"],
        row["driver"] or 0,
        row.get("route", ""),
        row["ended_ms"] or 0,
    )


def differences(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    """What differs, readably; distances within half a percent are equal."""
    found = []
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} episodes, the reference has {len(theirs)}")
    for own, other in zip(ours, theirs, strict=False):
        for name, value in own.items():
            if own["rule"] == "route_deviation" and name in ("peak", "limit"):
                if abs(value - other[name]) > max(NEAR * other[name], 0.11):
                    found.append(
                        f"{own['rule']} {own['began_ms']} {name}: {value}, reference {other.get(name)}"
                    )
            elif value != other.get(name):
                found.append(
                    f"{own['rule']} {own['kind']} {own['began_ms']} {name}: {value}, reference {other.get(name)}"
                )
    return found


@pytest.mark.parametrize("block", range(8))
def test_engine_equals_reference(block: int) -> None:
    """Forty drives a block, edgy ones and contradicting ones in turn; every class, parameters of all kinds."""
    for seed in range(block * 40, block * 40 + 40):
        config, fixes = case(seed) if seed % 2 else contradicting(seed)
        found = differences(engine_episodes(config, fixes), reference_episodes(config, fixes))
        assert not found, f"seed {seed}: {found[:5]}"
