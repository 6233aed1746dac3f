"""Figure `recorder`: fixes a second from `gps.fixes` into history, beside the bare binary COPY of the same rows.

The limit copies rows built beforehand, in transactions of the recorder's size, over one connection, into day tables of the same shape.
What the recorder does besides is all in the ratio: reading Kafka, dropping what came twice, building rows, progress and counts.
"""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from services.cli.benchmarks.base import Bench, Result, result
from services.cli.benchmarks.feed import drives
from services.contracts.batch import pack_fixes, partition_of
from services.contracts.fix import Fixes
from services.contracts.registry import Config
from services.contracts.topics import FIXES
from services.ingest.recorder import MOST_ROWS, session
from services.runtime.clock import monotonic_s
from services.runtime.kafka import Message, Producer
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.store import connect, history
from services.store.fix_rows import NAMES, copy_stream
from services.store.queries import status_counts

VEHICLES, REPORTS, RUNS = 20_000, 50, 5
FIXES_A_MESSAGE = 2_000
LOOK_EVERY_S = 0.02
PATIENCE_S = 300.0


async def run(bench: Bench) -> list[Result]:
    """Fixes a second; each run on a database and topics of its own, recorder and limit in turn."""
    fixes = drives(VEHICLES, REPORTS)
    rates, limits = [], []
    for place in range(RUNS):
        bare, recorded = await bench.system(Config(version=1)), await bench.system(Config(version=1))
        await _preload(recorded, fixes)
        for figure in (
            ("limit", "rate") if place % 2 else ("rate", "limit")
        ):  # neither always pays for the other's dirty pages
            if figure == "limit":
                limits.append(len(fixes) / await _bare_s(bare, fixes))
            else:
                rates.append(len(fixes) / await _recorded_s(recorded, len(fixes)))
    return [
        result(
            "recorder",
            "fixes/s",
            rates,
            limits,
            f"{len(fixes)} fixes a run, limit: bare COPY of the same rows",
        )
    ]


async def _preload(settings: Settings, fixes: Fixes) -> None:
    """The fixes as ingest sends them: by vehicle over the partitions, packed."""
    target = partition_of(fixes["vehicle"], settings.partitions)
    async with Producer(settings, "bench") as producer:
        for partition in range(settings.partitions):
            share = fixes[target == partition]
            for start in range(0, len(share), FIXES_A_MESSAGE):
                body = pack_fixes(partition, share[start : start + FIXES_A_MESSAGE])
                await producer.send_batch([Message(FIXES, body, partition=partition)])


async def _recorded_s(settings: Settings, count: int) -> float:
    """Seconds from the recorder's being ready until all is in history."""
    conn = await connect.connection(settings.database_url, command_timeout_s=PATIENCE_S)
    await conn.execute("CHECKPOINT")
    service = Service("recorder", settings)
    recording = asyncio.create_task(session(service))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _until_ready(service)
            begun_s = monotonic_s()
            while (await status_counts(conn))["history"]["fixes"] < count:
                await service.pause(LOOK_EVERY_S)
        return monotonic_s() - begun_s
    finally:
        service.stopping.set()
        await recording
        await conn.close()


async def _until_ready(service: Service) -> None:
    """Looks all the time: the clock begins with the first batch."""
    while not service.ready:  # noqa: ASYNC110 - the session sets a plain flag
        await asyncio.sleep(0)


async def _bare_s(settings: Settings, fixes: Fixes) -> float:
    """Seconds of nothing but COPY."""
    conn = await connect.connection(settings.database_url, command_timeout_s=PATIENCE_S)
    try:
        days = history.days_of(fixes)
        await history.make_days(conn, days)
        parts = [fixes[start : start + MOST_ROWS] for start in range(0, len(fixes), MOST_ROWS)]
        built = [
            (history.table_of(day), list(copy_stream(chosen, np.zeros(len(chosen), np.int16))))
            for part in parts
            for day in history.days_of(part)
            for chosen in (part[part["time_ms"] // history.DAY_MS == day],)
        ]
        await conn.execute("CHECKPOINT")
        begun_s = monotonic_s()
        for table, rows in built:
            async with conn.transaction():
                await conn.copy_to_table(table, source=_as_built(rows), columns=NAMES, format="binary")
        return monotonic_s() - begun_s
    finally:
        await conn.close()


async def _as_built(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
