"""Figure `ingest`: JSON reports in `gps.raw` to packed fixes in `gps.fixes`, reports a CPU-second.

The reports lie in the log before the worker starts; its session runs in this process, as the service runs it, and CPU time is counted
from its first batch until its progress in the database has reached the end: reading, deciding, packing, sending, counting. The limit is
plain `getmany` over the same reports in this process, nothing done with them.
"""

import asyncio
import gc

import uvloop

from services.cli.benchmarks.base import Bench, Result, result
from services.cli.benchmarks.feed import drives, fleet, reports
from services.cli.benchmarks.load import preload, wait_until
from services.ingest.worker import session
from services.runtime.clock import cpu_s
from services.runtime.kafka.bare import bare_getmany
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.store import connect, drivers

VEHICLES, REPORTS, RUNS = 60_000, 10, 2


async def run(bench: Bench) -> list[Result]:
    """Medians over RUNS; the first pass warms the compile cache and is not counted."""
    config = fleet(VEHICLES)
    records = reports(drives(VEHICLES, REPORTS))
    rates, limits = [], []
    for place in range(RUNS + 1):
        settings = await bench.system(config)
        await _intern(settings)
        count = await preload(settings, records)
        rate = await asyncio.to_thread(uvloop.run, _drained(settings, count))
        if place:
            rates.append(rate)
            limits.append(await asyncio.to_thread(uvloop.run, bare_getmany(settings, "raw", count)))
    note = f"{VEHICLES} vehicles interleaved, every field in each of {count} reports a run"
    return [result("ingest", "reports/CPU-s", rates, limits, note)]


async def _intern(settings: Settings) -> None:
    """Number the drivers beforehand, as they are in a system that has run for a day."""
    conn = await connect.connection(settings.database_url)
    try:
        await drivers.intern(conn, [f"640100-{number:05d}" for number in range(1, VEHICLES + 1)])
    finally:
        await conn.close()


async def _drained(settings: Settings, count: int) -> float:
    service = Service("ingest", settings)
    working = asyncio.create_task(session(service))
    while not service.ready:
        await asyncio.sleep(0.01)
        if working.done():
            await working
    gc.collect()
    gc.freeze()
    gc.disable()
    begun_s = cpu_s()
    try:
        await wait_until(settings, count, ())
        return count / (cpu_s() - begun_s)
    finally:
        gc.enable()
        gc.unfreeze()
        service.stopping.set()
        await working
