"""What docs/operating.md tells to do: going on after the log was lost or the rules changed, more partitions, reading what was kept out."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.cli.afresh import place_of
from services.contracts.batch import pack_fixes
from services.contracts.fix import Fixes, fix_columns
from services.contracts.registry import Config, Vehicle, VehicleClass
from services.contracts.topics import FIXES, REJECT_HEADERS, REJECTED
from services.ingest.configs import publish
from services.ingest.recorder import session as recorder
from services.rules.engine import Engine
from services.rules.worker import session as rules
from services.runtime.kafka import Message, OffsetGone, Producer, log_bounds, make_topics
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.store import configs, progress
from services.store.connect import connection

START_MS = 1_795_392_000_000
COACH = Vehicle(
    id=1, plate="宁A12345", plate_color="yellow", vehicle_class=VehicleClass.COACH, terminal="13900000021",
    operator="甲公司", division="640100",
)  # fmt: skip
A_MESSAGE, MESSAGES, LOST = 10, 6, 4
"""Fixes in a message; messages; so many of the log's first records are gone (the config's is the very first)."""

pytestmark = pytest.mark.timeout(400)  # rules that were changed are compiled first

Session = Callable[[Service], Coroutine[Any, Any, None]]


def driving(message: int) -> Fixes:
    """A coach at 130 km/h on no road, a fix every ten seconds."""
    fixes = fix_columns(A_MESSAGE)
    number = np.arange(A_MESSAGE) + A_MESSAGE * message
    fixes["vehicle"], fixes["speed"] = 1, 1300
    fixes["time_ms"] = fixes["received_ms"] = START_MS + 10_000 * number
    fixes["lon_e7"], fixes["lat_e7"] = 1_062_000_000 + 40_000 * number, 385_000_000
    fixes["raw_offset"] = number
    return fixes


@pytest.fixture(scope="module")
def compiled() -> None:
    """The rules compiled before a consumer joins its group: they run in this process, whose loop would stand still meanwhile."""
    engine = Engine(Config(version=1, vehicles=(COACH,)), str)
    for message in range(MESSAGES):
        engine.judge(driving(message))
    assert engine.open_episodes()


@pytest.fixture
async def one(settings: Settings, compiled: None) -> Settings:
    """A system of one partition with a config, some fixes in the log, and consumers that had three messages."""
    system = settings.model_copy(update={"partitions": 1})
    await make_topics(system)
    conn = await connection(system.database_url)
    try:
        await configs.save(conn, Config(version=1, vehicles=(COACH,)))
        async with Producer(system, "test") as producer:
            await publish(producer, conn)
            for message in range(MESSAGES):
                body = pack_fixes(0, driving(message))
                await producer.send_batch([Message(FIXES, body, partition=0)])
        for consumer in ("rules", "recorder"):
            claimed = await progress.claim(conn, consumer, 0, "test")
            await progress.advance(conn, consumer, 0, claimed.epoch, 0, 3)
    finally:
        await conn.close()
    return system


async def lose(settings: Settings) -> None:
    """The log forgets its first records, as it does after `retention.ms`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        partition = TopicPartition(settings.topic_prefix + FIXES, 0)
        await admin.delete_records({partition: RecordsToDelete(before_offset=LOST)})
    finally:
        await admin.close()


async def run(session: Session, settings: Settings) -> None:
    """A service in this process until it has nothing left to do."""
    service = Service("test", settings)
    working = asyncio.create_task(session(service))
    try:
        async with asyncio.timeout(100):
            while not working.done() and await behind(settings):
                await service.pause(0.1)
    finally:
        service.stopping.set()
        await working


async def behind(settings: Settings) -> bool:
    """Whether a consumer has less than the log's end in the database."""
    bounds, conn = await log_bounds(settings, FIXES), await connection(settings.database_url)
    try:
        rows = await conn.fetch("SELECT partition, next_offset FROM progress")
    finally:
        await conn.close()
    return any(row["next_offset"] < bounds[row["partition"]][1] for row in rows)


def python(settings: Settings, *arguments: str, program: str | None = None) -> str:
    """Python with this system's variables; gives what it said."""
    env = {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
        "ROADWATCH_PARTITIONS": str(settings.partitions),
    }
    done = subprocess.run(
        [sys.executable, *arguments], env=os.environ | env, input=program, capture_output=True, text=True,
        check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def afresh(settings: Settings, *arguments: str) -> str:
    """The command; gives what it said."""
    return python(settings, "-m", "services.cli.afresh", *arguments)


def program(word: str) -> str:
    """The program on the page that has a word in it."""
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    (found,) = (text for text in re.findall(r"<<'END'\n(.*?)\nEND\n", page, re.DOTALL) if word in text)
    return str(found)


def ask(settings: Settings, query: str) -> list[tuple[object, ...]]:
    """Rows of a query."""
    with psycopg.connect(settings.database_url) as conn:
        return conn.execute(query.encode()).fetchall()


async def test_a_consumer_that_came_too_late_goes_on_where_the_log_begins(one: Settings) -> None:
    await lose(one)
    for name, session in (("recorder", recorder), ("rules", rules)):
        with pytest.raises(OffsetGone, match=r"docs/operating\.md"):
            await run(session, one)
        assert "0: 3 -> 4" in await asyncio.to_thread(afresh, one, name)
    await run(recorder_and_rules, one)
    assert ask(one, "SELECT count(*), min(raw_offset) FROM fix") == [
        ((1 + MESSAGES - LOST) * A_MESSAGE, (LOST - 1) * A_MESSAGE)
    ]
    began = ask(one, "SELECT rule, state, extract(epoch FROM began) * 1000 FROM alert")
    assert began == [("speeding", "open", START_MS + 10_000 * (LOST - 1) * A_MESSAGE)]


async def recorder_and_rules(service: Service) -> None:
    """Both at once."""
    await asyncio.gather(recorder(service), rules(service))


async def test_rules_that_cannot_go_on_with_their_state_begin_with_none(one: Settings) -> None:
    """Also where they are: nothing is judged again, an episode that runs is found anew."""
    assert "0: 3 -> 3" in await asyncio.to_thread(afresh, one, "rules")
    assert "0: 3 -> 3" in await asyncio.to_thread(afresh, one, "rules"), "twice does no harm"
    await run(recorder_and_rules, one)
    began = ask(one, "SELECT rule, extract(epoch FROM began) * 1000 FROM alert")
    assert began == [("speeding", START_MS + 10_000 * 2 * A_MESSAGE)]
    assert ask(one, "SELECT count(*) FROM alert_event")[0][0] >= 1  # type: ignore[operator]


async def test_a_clean_stop_leaves_the_rules_state_where_they_stopped(one: Settings) -> None:
    """So that an upgrade has nothing to judge again; a second stop at the same place has nothing to leave."""
    await asyncio.to_thread(afresh, one, "rules")
    for _ in range(2):
        await run(recorder_and_rules, one)
        kept = ask(
            one,
            "SELECT s.next_offset = p.next_offset FROM rule_snapshot s JOIN progress p USING (partition) WHERE consumer = 'rules'",
        )
        assert kept == [(True,)]


async def test_partitions_are_added_as_the_page_says(one: Settings) -> None:
    more = one.model_copy(update={"partitions": 2})
    await asyncio.to_thread(python, more, "-", program=program("create_partitions"))
    said = await asyncio.to_thread(afresh, more, "rules")
    assert [line.partition(",")[0] for line in said.splitlines()] == ["rules 0: 3 -> 3", "rules 1: 0 -> 0"]
    async with Producer(more, "test") as producer:
        await producer.send_batch([Message(FIXES, pack_fixes(1, driving(100)), partition=1)])
    await run(recorder_and_rules, more)
    began = ask(one, "SELECT extract(epoch FROM began) * 1000 FROM alert ORDER BY began")
    assert began == [(START_MS + 10_000 * number * A_MESSAGE,) for number in (2, 100)]


async def test_what_was_kept_out_is_read_as_the_page_says(settings: Settings, topics: list[str]) -> None:
    ours = [(name, b"SYNTAX" if name == "reason" else b"17") for name in REJECT_HEADERS]
    async with Producer(settings, "test") as producer:
        headers = (*ours, ("their-own", b"\xff"))
        await producer.send_batch([Message(REJECTED, b"not json \xff", b"139", 2, headers)])
    said = await asyncio.to_thread(python, settings, "-", program=program("getmany"))
    assert said.splitlines() == ["SYNTAX 17 17 b'139' b'not json \\xff'"]


@pytest.mark.parametrize(
    ("next_offset", "new_log", "place"),
    [(10, False, 10), (15, False, 15), (20, False, 20), (9, False, 10), (21, False, 10), (15, True, 10)],
)
def test_the_place(next_offset: int, new_log: bool, place: int) -> None:
    assert place_of(next_offset, 10, 20, new_log=new_log) == place
