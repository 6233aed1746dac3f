"""Figure `judge`: three rules with their context over packed fixes, one core, warm; the limit is a bare walk over the same records."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.cli.benchmarks.base import Bench, Result, result
from services.cli.benchmarks.feed import drives, fleet
from services.compiled import compiled
from services.rules.engine import Engine
from services.rules.records import as_records
from services.runtime.clock import cpu_s

VEHICLES, REPORTS, RUNS = 6_000, 100, 5
AT_ONCE = 20_000


@compiled
def walk(fixes: Any, newest: NDArray[np.int64]) -> int:
    """The least a rule engine must do: look at each record and at something kept for its vehicle."""
    above = 0
    for i in range(len(fixes)):
        fix = fixes[i]
        if fix.time_ms > newest[fix.vehicle]:
            newest[fix.vehicle] = fix.time_ms
            above += fix.speed > 1000
    return above


async def run(_bench: Bench) -> list[Result]:
    """Fixes a CPU-second, and the bare walk's."""
    config, fixes = fleet(VEHICLES), drives(VEHICLES, REPORTS)
    walk(as_records(fixes[:10]), np.zeros(VEHICLES + 1, np.int64))
    Engine(config, str).judge(fixes[:AT_ONCE].copy())
    rates, limits, found = [], [], 0
    for _ in range(RUNS):
        engine = Engine(config, str)
        parts = [fixes[start : start + AT_ONCE].copy() for start in range(0, len(fixes), AT_ONCE)]
        begun = cpu_s()
        found = sum(len(engine.judge(part)) for part in parts)
        rates.append(len(fixes) / (cpu_s() - begun))
        newest = np.zeros(VEHICLES + 1, np.int64)
        begun = cpu_s()
        for start in range(0, len(fixes), AT_ONCE):
            walk(as_records(fixes[start : start + AT_ONCE]), newest)
        limits.append(len(fixes) / (cpu_s() - begun))
    return [
        result(
            "judge",
            "fixes/s",
            rates,
            limits,
            f"{VEHICLES} vehicles interleaved, {found} transitions described",
        )
    ]
