"""Figure `per_cpu`: report in Kafka to committed episode, reports a CPU-second of the ingest and rules processes together.

The services run and are ready before the reports come, so start-up is not counted; reading, deciding, packing, sending, judging and
committing are. The limit is plain `getmany` over the same reports.
"""

from services.cli.benchmarks.base import Bench, Result, result
from services.cli.benchmarks.feed import drives, fleet, reports
from services.cli.benchmarks.load import preload, wait_until
from services.cli.benchmarks.system import Processes
from services.runtime.kafka.bare import bare_getmany

VEHICLES, REPORTS, RUNS = 60_000, 24, 3
SERVICES = ("ingest", "rules")


async def run(bench: Bench) -> list[Result]:
    """Reports a CPU-second; the first pass warms the compile cache and is not counted."""
    config = fleet(VEHICLES)
    records = reports(drives(VEHICLES, REPORTS))
    rates, limits = [], []
    for place in range(RUNS + 1):
        settings = await bench.system(config)
        with Processes(bench.environment(settings), bench.folder / f"per_cpu{place}") as system:
            system.start(*SERVICES)
            before_s = sum(system.cpu_s(name) for name in SERVICES)
            count = await preload(settings, records)
            await wait_until(settings, count, ("rules",))
            used_s = sum(system.cpu_s(name) for name in SERVICES) - before_s
        if place:
            rates.append(count / used_s)
            limits.append(await bare_getmany(settings, "raw", count))
    return [
        result(
            "per_cpu",
            "reports/CPU-s",
            rates,
            limits,
            f"{VEHICLES} vehicles interleaved, {count} reports a run",
        )
    ]
