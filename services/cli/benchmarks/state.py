"""Figure `state`: bytes of rule state a vehicle after a simulated week, ledgers included; the limit is the goal of 300 without ledgers."""

import numpy as np

from services.cli.benchmarks.base import Bench, Result
from services.cli.benchmarks.feed import drives, fleet
from services.rules.engine import Engine
from services.rules.snapshot import PartitionClock, dump

VEHICLES, WEEK_REPORTS, EVERY_S = 300, 20_160, 30.0
GOAL_BYTES = 300.0


async def run(_bench: Bench) -> list[Result]:
    """Rows of the three rules a vehicle, and with the pages chained to them; and what a full snapshot takes."""
    engine = Engine(fleet(VEHICLES), str)
    fixes = drives(VEHICLES, WEEK_REPORTS, every_s=EVERY_S)
    for part in np.array_split(fixes, 50):
        engine.judge(part.copy())
    rows = sum(state.rule.state_dtype.itemsize for state in engine.states)
    pages = sum(
        (len(state.pages) - 1 - int(state.pages["free"][0])) * state.rule.page_dtype.itemsize
        for state in engine.states
    )
    whole = len(dump(engine, "", PartitionClock(), full=True))
    note = f"with ledgers {rows + pages / VEHICLES:.0f} B, compressed snapshot {whole / VEHICLES:.0f} B a vehicle; limit is the goal"
    return [
        Result(
            name="state",
            value=rows,
            unit="bytes/vehicle",
            limit=GOAL_BYTES,
            ratio=round(rows / GOAL_BYTES, 3),
            note=note,
        )
    ]
