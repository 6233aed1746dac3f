"""`roadwatch simulate` into a real broker: what it says it sent is what is there, the same reports as in the files."""

import asyncio
import json
import os
import re
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.clock import now_ms
from services.runtime.settings import Settings

PERIOD = ("--from", "2026-11-23T08:00:00+08:00", "--to", "2026-11-23T09:00:00+08:00", "--vehicles", "40")


def environment(settings: Settings) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROADWATCH_")}
    return clean | {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
    }


async def simulate(settings: Settings, *arguments: str, until: str = "") -> str:
    """Runs the command, ended by Ctrl-C once a line has `until` in it; gives what it said."""
    command = [sys.executable, "-m", "services.cli.main", "simulate", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(settings), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    said = ""
    async with asyncio.timeout(90):
        async for line in process.stderr:
            said += line.decode()
            if until and until in line.decode():
                process.send_signal(signal.SIGINT)
                until = ""
        assert await process.wait() == 0, said
    return said


async def everything(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Key and value of every record of `gps.raw`."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(f"{settings.topic_prefix}raw", i) for i in range(settings.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[tuple[bytes, bytes]] = []
        while len(found) < sum(ends.values()):
            batches = await asyncio.wait_for(consumer.getmany(timeout_ms=1000), 30)
            found += [(record.key, record.value) for batch in batches.values() for record in batch]
        return found
    finally:
        await consumer.stop()


async def test_a_period_arrives_whole_and_keyed_by_terminal(
    settings: Settings, topics: list[str], tmp_path: Path
) -> None:
    assert f"{settings.topic_prefix}raw" in topics
    await simulate(settings, *PERIOD, "--out", str(tmp_path))
    lines = (tmp_path / "positions.jsonl").read_bytes().splitlines()
    said = await simulate(settings, *PERIOD)
    records = await everything(settings)
    told = int(re.findall(r"([\d,]+) reports acknowledged", said)[-1].replace(",", ""))
    assert told == len(records) > 100
    assert sorted(value for _, value in records) == sorted(lines)
    assert all(key.decode() == json.loads(value)["terminal"] for key, value in records)


async def test_live_reports_are_of_now_and_ctrl_c_stops(settings: Settings, topics: list[str]) -> None:
    assert topics
    since_ms = now_ms()
    said = await simulate(settings, "--vehicles", "60", "--rate", "30", until="reports")
    assert "stopped" in said
    records = await everything(settings)
    assert len(records) > 30
    times = [datetime.fromisoformat(json.loads(value)["time"]).timestamp() for _, value in records]
    assert since_ms / 1000 - 5 <= min(times)
    assert max(times) <= now_ms() / 1000 + 1


async def test_a_broker_that_is_away_is_said_and_waited_for(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1", "deadline_s": 1.0})
    said = await simulate(away, *PERIOD, until="away")
    assert "away, trying again" in said
