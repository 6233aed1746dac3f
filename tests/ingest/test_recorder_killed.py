"""The recorder as a process on a real broker: killed again and again under load, it leaves every fix in history once."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from services.contracts.batch import pack_fixes, pack_tick
from services.contracts.fix import fix_columns
from services.contracts.topics import FIXES
from services.runtime.kafka import Message, Producer
from services.runtime.servers import Addresses
from services.runtime.settings import Settings
from services.store import connect, progress
from services.store.queries import status_counts

PARTITIONS = 3
KILLS = 5
FIXES_A_MESSAGE = 400
MIDNIGHT_MS = 1_795_478_400_000
RunRoadwatch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def env(
    addresses: Addresses, fresh_database_url: str, topic_prefix: str, run_roadwatch: RunRoadwatch
) -> dict[str, str]:
    variables = {
        "ROADWATCH_KAFKA_BOOTSTRAP": addresses.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": fresh_database_url,
        "ROADWATCH_TOPIC_PREFIX": topic_prefix,
        "ROADWATCH_PARTITIONS": str(PARTITIONS),
        "ROADWATCH_INSTANCE": "one",
    }
    assert run_roadwatch("topics", env=variables).returncode == 0
    return variables


@contextmanager
def recorder(env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.ingest", "recorder"],
            env=os.environ | env,
            stdout=out,
            stderr=out,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def settings(env: dict[str, str]) -> Settings:
    return Settings(**{name.removeprefix("ROADWATCH_").lower(): value for name, value in env.items()})  # type: ignore[arg-type]


async def send_until(stop: asyncio.Event, env: dict[str, str], sent: dict[int, int]) -> int:
    """Send to every partition, some of it twice, as ingest does after a crash; `sent` counts fixes by source. Gives the rounds."""
    chance, rounds = random.Random(11), 0
    async with Producer(settings(env), "test") as producer:
        while not stop.is_set():
            messages = []
            for partition in range(PARTITIONS):
                again = chance.choice((0, 0, 0, min(150, sent[partition])))
                fixes = fix_columns(FIXES_A_MESSAGE + again)
                fixes["raw_offset"] = np.arange(sent[partition] - again, sent[partition] + FIXES_A_MESSAGE)
                fixes["vehicle"] = 1 + partition + PARTITIONS * (fixes["raw_offset"] % 50)
                fixes["time_ms"] = MIDNIGHT_MS - 4_000_000 + fixes["raw_offset"] * 700
                fixes["lon_e7"], fixes["lat_e7"] = 1_062_000_000, 384_000_000
                messages += [
                    Message(FIXES, pack_fixes(partition, fixes), partition=partition),
                    Message(FIXES, pack_tick(1), partition=partition),
                ]
                sent[partition] += FIXES_A_MESSAGE
            await producer.send_batch(messages)
            rounds += 1
            await asyncio.sleep(0.1)
    return rounds


async def positions(env: dict[str, str]) -> dict[int, int]:
    conn = await connect.connection(env["ROADWATCH_DATABASE_URL"])
    try:
        return {row.partition: row.next_offset for row in await progress.read_all(conn, "recorder")}
    finally:
        await conn.close()


@pytest.mark.timeout(180)
async def test_killed_at_random_it_leaves_every_fix_once(env: dict[str, str], tmp_path: Path) -> None:
    chance, stop = random.Random(5), asyncio.Event()
    sent = dict.fromkeys(range(PARTITIONS), 0)
    sending = asyncio.create_task(send_until(stop, env, sent))
    log = tmp_path / "recorder.log"
    for _ in range(KILLS):
        before = sum((await positions(env)).values())
        with recorder(env, log) as process:
            async with asyncio.timeout(60):
                while sum((await positions(env)).values()) == before:
                    assert process.poll() is None, log.read_text()
                    await asyncio.sleep(0.02)
            await asyncio.sleep(chance.uniform(0, 0.4))
            process.send_signal(signal.SIGKILL)
    stop.set()
    rounds = await sending
    end = dict.fromkeys(range(PARTITIONS), 2 * rounds)
    last = tmp_path / "last.log"
    with recorder(env, last) as process:
        async with asyncio.timeout(60):
            while await positions(env) != end or '"ready"' not in last.read_text():
                assert process.poll() is None, last.read_text()
                await asyncio.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0, last.read_text()
    conn = await connect.connection(env["ROADWATCH_DATABASE_URL"])
    rows = await conn.fetch(
        "SELECT source_partition, count(*) AS rows, count(DISTINCT raw_offset) AS places, max(raw_offset) AS last FROM fix GROUP BY 1 ORDER BY 1"
    )
    counts = await status_counts(conn)
    await conn.close()
    each = rounds * FIXES_A_MESSAGE
    assert [tuple(row) for row in rows] == [(source, each, each, each - 1) for source in range(PARTITIONS)]
    assert counts["history"] == {"fixes": PARTITIONS * each}
