"""Figure `road`: the whole road with both servers on the same cores: reports a second through ingest, recorder and rules, sustained.

A backlog is laid in the log first and drained, so the sender takes no part; the lag is bounded at any rate below the figure. Memory is
read at a third of the way and at the end. The limit is the goal.
"""

import asyncio

from services.cli.benchmarks.base import Bench, Result, result
from services.cli.benchmarks.feed import drives, fleet, reports
from services.cli.benchmarks.load import preload, wait_until
from services.cli.benchmarks.system import Processes
from services.runtime.clock import monotonic_s

VEHICLES, REPORTS = 20_000, 20
ROUNDS = 16
SERVICES = ("ingest", "recorder", "rules")
GOAL = 100_000.0


async def run(bench: Bench) -> list[Result]:
    """Reports a second over about a minute."""
    config = fleet(VEHICLES)
    settings = await bench.system(config)
    count = 0
    for part in range(ROUNDS):
        fixes = drives(VEHICLES, REPORTS)
        fixes["time_ms"] += part * REPORTS * 15_000
        count += await preload(settings, reports(fixes))
    with Processes(bench.environment(settings), bench.folder / "road") as system:
        system.start(*SERVICES, wait=False)
        begun_s = monotonic_s()
        waiting = asyncio.create_task(wait_until(settings, count, ("recorder", "rules")))
        await asyncio.sleep(20)
        early = sum(system.rss_mib(name) for name in SERVICES)
        await waiting
        taken_s = monotonic_s() - begun_s
        late = sum(system.rss_mib(name) for name in SERVICES)
    note = f"{count} reports in {taken_s:.0f} s, start-up included; memory {early:.0f} MiB after 20 s, {late:.0f} MiB at the end; limit is the goal"
    return [result("road", "fixes/s", [count / taken_s], [GOAL], note)]
