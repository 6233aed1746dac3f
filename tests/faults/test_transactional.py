"""A sender of transactions, aborts included, through SIGKILLs: exact. And a log that ends in a transaction's marker, at rest: no lag, no restart."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from services.cli.benchmarks.base import put_in_force
from services.cli.benchmarks.feed import drives, fleet, reports
from services.cli.benchmarks.system import Processes
from services.contracts.batch import pack_fixes, pack_tick
from services.contracts.topics import FIXES, RAW
from services.runtime.clock import monotonic_s
from services.runtime.kafka import end_offsets, make_topics
from services.runtime.servers import LocalServers
from services.runtime.servers.supervisor import read_status
from services.runtime.settings import Settings
from services.store import connect, progress
from tests.faults import plans
from tests.faults.campaign import WORKERS, Campaign, environment
from tests.faults.found import unbounded
from tests.faults.transactional import FAR_OFFSET, TransactionalFeed
from tests.servers.transactions import transactions

STALL_S = 3.0
VEHICLES = 20


@pytest.mark.timeout(600)  # for a machine with other work to do
async def test_a_transactional_sender_through_five_kills_comes_out_exact(
    settings: Settings, servers: LocalServers, tmp_path: Path
) -> None:
    quick = settings.model_copy(update=plans.SHORT_SETTINGS)
    campaign = Campaign(
        quick, servers, tmp_path / "run", plans.TRANSACTIONAL_LOAD, 20261201, print, transactional=True
    )
    await campaign.run(plans.transactional_short)
    feed = campaign.feed
    assert isinstance(feed, TransactionalFeed)
    assert feed.aborted > 50 < feed.committed
    assert feed.left > 2
    assert campaign.figures["kills"] >= 5
    assert campaign.workers.ended == []
    said = "".join(campaign.workers.text(name) for name in WORKERS)
    assert '"out_of_step"' not in said


async def positions(settings: Settings, consumer: str) -> dict[int, int]:
    conn = await unbounded(settings.database_url)
    try:
        return {row.partition: row.next_offset for row in await progress.read_all(conn, consumer)}
    finally:
        await conn.close()


async def at_ends(settings: Settings) -> bool:
    ends = {RAW: await end_offsets(settings, RAW), FIXES: await end_offsets(settings, FIXES)}
    reads = {"ingest": RAW, "recorder": FIXES, "rules": FIXES}
    return all([await positions(settings, name) == ends[topic] for name, topic in reads.items()])


@pytest.mark.timeout(300)
async def test_idle_logs_that_end_in_markers_are_no_lag_and_nobody_is_restarted(
    settings: Settings, tmp_path: Path
) -> None:
    """And what was aborted, on either topic, was not received, recorded or judged."""
    quick = settings.model_copy(update={"stall_s": STALL_S, "tick_every_s": 600.0})
    await make_topics(quick)
    await put_in_force(quick, fleet(VEHICLES))
    told = [
        (number % quick.partitions, value) for number, (_, value) in enumerate(reports(drives(VEHICLES, 4)))
    ]
    poison = drives(VEHICLES, 1)
    poison["raw_offset"] = FAR_OFFSET + np.arange(len(poison))
    with Processes(environment(quick), tmp_path / "run") as workers:
        workers.start(*WORKERS)
        async with transactions(quick, FIXES) as strange, transactions(quick, RAW) as sender:
            everywhere = range(quick.partitions)
            await strange.send([(number, pack_fixes(0, poison)) for number in everywhere], commit=False)
            await sender.send(told[:40], commit=True)
            await sender.send(told[:40], commit=False)
            await sender.send(told[40:], commit=True)
            await sender.send(told[:40], commit=False)
            await strange.send([(number, pack_tick(-1)) for number in everywhere], commit=True)
            await strange.send([(number, pack_fixes(0, poison)) for number in everywhere], commit=False)
        async with asyncio.timeout(60):
            while not await at_ends(quick):  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(0.2)
        until_s = monotonic_s() + 3 * STALL_S
        while monotonic_s() < until_s:
            assert all(workers.running[name].poll() is None for name in WORKERS), workers.log("ingest")
            await asyncio.sleep(0.2)
        for name in WORKERS:
            status = read_status(workers.folder / f"{name}.json")
            assert status is not None
            assert (status.ready, status.lag) == (True, 0)
    conn = await connect.connection(quick.database_url)
    try:
        counts = [row.counts for row in await progress.read_all(conn, "ingest")]
        assert sum(count.get("accepted", 0) + count.get("flagged", 0) for count in counts) == len(told)
        assert await conn.fetchval("SELECT count(*) FROM fix") == len(told)
        assert await conn.fetchval("SELECT count(*) FROM fix WHERE raw_offset >= $1", FAR_OFFSET) == 0
    finally:
        await conn.close()
