"""Frozen positions: a receiver that repeats one place while it tells of speed."""

import itertools
from dataclasses import replace

from services.contracts.registry import Config
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m
from tests.rules.reference.parameters import Parameters, in_force

LONGEST_MS = 60_000
"""More time than this between two fixes is not reckoned as driven."""


def with_frozen_marked(config: Config, fixes: list[Fix]) -> list[Fix]:
    """One vehicle's fixes in order, those of a frozen position marked: to most rules they are as though not fixed."""
    fixed = [fix for fix in fixes if not fix.not_fixed]
    anchor = 0
    frozen: set[int] = set()
    for place, fix in enumerate(fixed):
        parameters = in_force(config, "plausibility", fix.time_ms)
        if place == 0 or _is_anchor(fixed[anchor], fixed[place - 1], fix, parameters):
            anchor = place
        told = sum(_driven(a, b) for a, b in itertools.pairwise(fixed[anchor : place + 1]))
        if told > parameters["frozen_distance_m"] * 36_000:
            frozen.add(fix.time_ms)
    return [replace(fix, frozen=True) if fix.time_ms in frozen else fix for fix in fixes]


def _is_anchor(anchor: Fix, before: Fix, fix: Fix, parameters: Parameters) -> bool:
    apart_m = distance_m((anchor.lon, anchor.lat), (fix.lon, fix.lat))
    return (
        apart_m > parameters["frozen_m"]
        or _speed(fix) < parameters.tenths("frozen_kmh")
        or fix.used_speed is None
        or fix.speed_implausible
        or fix.time_ms - before.time_ms > parameters.ms("frozen_gap_s")
    )


def _driven(a: Fix, b: Fix) -> int:
    """What two neighbours tell was driven between them, in 0.1 km/h x ms: 36,000 of these are a metre."""
    return min(b.time_ms - a.time_ms, LONGEST_MS) * min(_speed(a), _speed(b))


def _speed(fix: Fix) -> int:
    return 0 if fix.speed_implausible or fix.used_speed is None else fix.used_speed
