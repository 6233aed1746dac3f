"""Random drives rich in what terminals tell of themselves: alarms, doors, two speeds, silences, jumps; over the drives of contradictions.py."""

from typing import Any

import msgspec
import numpy as np

from services.contracts.fix import (
    NO_U2,
    STATUS_ACC,
    STATUS_ACC_KNOWN,
    STATUS_DOORS_KNOWN,
    STATUS_DOORS_SHIFT,
    STATUS_PUPILS,
    STATUS_PUPILS_KNOWN,
    Fixes,
)
from services.contracts.registry import Config, RuleSet
from tests.rules.contradictions import case as contradicting

RUNS: dict[str, tuple[int, ...]] = {
    "hold_s": (0, 30, 60, 600),
    "min_fixes": (1, 2, 5),
    "merge_s": (0, 60, 600, 3600),
    "max_gap_s": (30, 180, 600),
}
GAPS: dict[str, dict[str, tuple[int, ...]]] = {
    "silence": {"silence_s": (60, 600, 1200), "moved_m": (260, 5300), "excused_s": (600, 3600), "moving_kmh": (10, 20)},
    "identity": {"min_returns": (1, 2, 6), "jump_m": (650, 2060), "jump_kmh": (23, 310), "near_m": (33, 2060), "window_s": (120, 600)},
}  # fmt: skip
ALARM_BITS = (0, 5, 8, 11, 25, 29)
MOST_RECORDER = 3000


def case(seed: int) -> tuple[Config, Fixes]:
    """A world and a drive of vehicle 1, all from the seed."""
    rng = np.random.default_rng([9, seed])
    config, fixes = contradicting(seed)
    parameters = {**config.rules[0].parameters, **_parameters(rng)}
    config = msgspec.structs.replace(
        config,
        zones=tuple(msgspec.structs.replace(zone, kind="dead_zone") if zone.zone == "z" and rng.random() < 0.7 else zone for zone in config.zones),
        roads=tuple(msgspec.structs.replace(road, tunnel=bool(rng.random() < 0.4)) for road in config.roads),
        rules=(RuleSet(parameters=parameters),),
    )  # fmt: skip
    first = 0
    while first < len(fixes):
        length = int(rng.integers(1, 15))
        TELLS[int(rng.integers(len(TELLS)))](rng, fixes[first : first + length])
        first += length
    return config, fixes


def _parameters(rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {
        rule: {name: int(rng.choice(values)) for name, values in RUNS.items() if rng.random() < 0.6}
        for rule in ("stuck_position", "speed_conflict", "door_open", "terminal_alarm")
        if rng.random() < 0.7
    }
    for rule, pools in GAPS.items():
        if rng.random() < 0.7:
            found[rule] = {name: int(rng.choice(values)) for name, values in pools.items()}
    if rng.random() < 0.5:
        found.setdefault("terminal_alarm", {})["alarms"] = {"emergency": None, "fuel_abnormal": "major"}
    if rng.random() < 0.5:
        found.setdefault("terminal_alarm", {})["hold_s"] = {"emergency": 30, "camera_fault": 0}
    if rng.random() < 0.1:
        found.setdefault("door_open", {})["enabled"] = False
    return found


def _alarm(rng: np.random.Generator, fixes: Fixes) -> None:
    fixes["alarms"] |= np.uint32(1 << int(rng.choice(ALARM_BITS)))


def _panic(_rng: np.random.Generator, fixes: Fixes) -> None:
    fixes["alarms"] |= np.uint32(1 | 1 << 29)


def _doors(rng: np.random.Generator, fixes: Fixes) -> None:
    fixes["status"] |= np.uint32(STATUS_DOORS_KNOWN | int(rng.integers(0, 32)) << STATUS_DOORS_SHIFT)


def _pupils(rng: np.random.Generator, fixes: Fixes) -> None:
    fixes["status"] |= np.uint32(STATUS_PUPILS_KNOWN | (STATUS_PUPILS if rng.random() < 0.5 else 0))


def _two_speeds(rng: np.random.Generator, fixes: Fixes) -> None:
    apart = int(rng.choice((0, 199, 200, 201, 500)))
    told = fixes["speed"] != NO_U2
    fixes["recorder_speed"] = np.where(
        told, np.minimum(fixes["speed"].astype(int) + apart, MOST_RECORDER), 300
    )


def _power(rng: np.random.Generator, fixes: Fixes) -> None:
    fixes["alarms"] |= np.uint32(1 << 8)
    if rng.random() < 0.6:
        fixes["status"] |= np.uint32(STATUS_ACC_KNOWN | (STATUS_ACC if rng.random() < 0.4 else 0))
    if rng.random() < 0.5:
        fixes["lon_e7"][::2] += 300_000


def _nothing(_rng: np.random.Generator, _fixes: Fixes) -> None:
    """As it was."""


TELLS = (_alarm, _panic, _doors, _pupils, _two_speeds, _power, _nothing)
