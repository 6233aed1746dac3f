"""Logs with transactions or holes in them: what is committed is read once, what is aborted never, and offsets without a record are no lag."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from prometheus_client import REGISTRY

from services.contracts.topics import RAW
from services.runtime.kafka import (
    Batch,
    Consumer,
    Look,
    OffsetGone,
    Tail,
    end_offsets,
    look_back,
    make_topics,
)
from services.runtime.settings import Settings
from tests.servers.transactions import transactions

COMPACTED = {
    "cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "max.compaction.lag.ms": "500",
}  # fmt: skip
COMMITTED = [b"one", b"two", b"three", b"four", b"five"]


async def written(settings: Settings) -> None:
    """Two committed, two aborted, two committed, one aborted, one committed, one aborted: the log ends in an abort's marker."""
    async with transactions(settings, RAW) as producer:
        await producer.send([(0, b"one"), (0, b"two")], commit=True)
        await producer.send([(0, b"never"), (0, b"never")], commit=False)
        await producer.send([(0, b"three"), (0, b"four")], commit=True)
        await producer.send([(0, b"never")], commit=False)
        await producer.send([(0, b"five")], commit=True)
        await producer.send([(0, b"never")], commit=False)


async def release(_: Sequence[int]) -> None:
    """Nothing is kept."""


async def stretches(
    settings: Settings, first: int, until: int, *, seam: bool, group: str = ""
) -> tuple[list[Batch], int]:
    """What a consumer hands out between two offsets, and its lag there."""

    async def claim(partitions: Sequence[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, first)

    found: list[Batch] = []
    async with (
        asyncio.timeout(60),
        Consumer(settings, group or f"g{first}{seam}", RAW, claim, release, seam=seam) as consumer,
    ):
        while not found or found[-1].next_offset < until:
            found += (await consumer.poll(0.2)).values()
        while not consumer.ends:
            await consumer.poll(0.2)
        return found, consumer.lag({0: found[-1].next_offset})


@pytest.fixture
async def one(settings: Settings) -> Settings:
    """Topics of one partition."""
    made = settings.model_copy(update={"partitions": 1})
    await make_topics(made)
    return made


@pytest.mark.parametrize("seam", [True, False])
async def test_what_is_committed_comes_once_and_progress_moves_over_the_rest(
    one: Settings, seam: bool
) -> None:
    await written(one)
    end = (await end_offsets(one, RAW))[0]
    assert end == 9 + 6  # a record or a marker at each
    for first in (
        (0, 1, 2, 4, 5, 13) if seam else (0, 4)
    ):  # records, markers, and in the middle of what was aborted
        found, lag = await stretches(one, first, end, seam=seam)
        assert found[0].first == first
        assert [batch.first for batch in found[1:]] == [batch.next_offset for batch in found[:-1]]
        assert (found[-1].next_offset, lag) == (end, 0)
        values = [value for batch in found for value in batch.values]
        assert values == COMMITTED[len(COMMITTED) - len(values) :]
        if first == 0:
            assert values == COMMITTED


async def test_an_open_transaction_is_waited_for_and_is_no_lag(one: Settings) -> None:
    async with transactions(one, RAW) as producer:
        await producer.send([(0, b"one")], commit=True)
        await producer.client.begin_transaction()
        await producer.client.send_and_wait(producer.topic, b"open", partition=0)
        found, lag = await stretches(one, 0, 2, seam=True)
        assert [value for batch in found for value in batch.values] == [b"one"]
        assert (found[-1].next_offset, lag) == (2, 0)
        assert REGISTRY.get_sample_value("roadwatch_consumer_held_back_records", {"consumer": "g0True"}) == 1
        await producer.client.commit_transaction()
        found, lag = await stretches(one, 2, 4, seam=True)
        assert [value for batch in found for value in batch.values] == [b"open"]


async def test_readers_outside_a_group_see_what_is_committed(one: Settings) -> None:
    heard: list[bytes] = []
    async with Tail(one, RAW, "test") as tail:
        await written(one)
        async with asyncio.timeout(30):
            while len(heard) < len(COMMITTED):
                heard += await tail.values(0.2)
        heard += await tail.values(0.5)
    assert heard == COMMITTED
    seen = await look_back(one, RAW, Look(most=100, wanted=lambda _record: True, value_bytes=100))
    assert [found.value for found in seen.records] == COMMITTED[::-1]
    assert seen.before is None
    last = await look_back(one, RAW, Look(most=1, wanted=lambda _record: True, value_bytes=100))
    assert last.before is not None
    before = await look_back(
        one, RAW, Look(most=100, wanted=lambda _record: True, value_bytes=100, before=last.before)
    )
    assert [found.value for found in before.records] == COMMITTED[-2::-1]


@pytest.mark.parametrize("seam", [True, False])
async def test_a_log_that_begins_after_our_place_is_an_incident(one: Settings, seam: bool) -> None:
    await written(one)
    admin = AIOKafkaAdminClient(bootstrap_servers=one.kafka_bootstrap)
    await admin.start()
    place = TopicPartition(one.topic_prefix + RAW, 0)
    await admin.delete_records({place: RecordsToDelete(before_offset=6)})
    await admin.close()
    with pytest.raises(OffsetGone, match="no longer holds"):
        await stretches(one, 2, 9, seam=seam)


async def compacted(settings: Settings) -> list[int]:
    """Offsets left of a log with one key rewritten often, once the broker has compacted it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    name = settings.topic_prefix + RAW
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs=COMPACTED)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
    await producer.start()
    for number in range(40):
        key = b"often" if number % 8 else b"once %d" % number
        await producer.send_and_wait(name, b"%d" % number, key=key, partition=0)
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    await producer.send_and_wait(name, b"last", key=b"last", partition=0)
    await producer.stop()
    left = list(range(41))
    async with asyncio.timeout(90):
        while len(left) > 20:
            await asyncio.sleep(1)
            found, _ = await stretches(settings, 0, 41, seam=False, group=f"look{len(left)}")
            left = [offset for batch in found for offset in batch.offsets]
    return left


@pytest.mark.timeout(240)
async def test_holes_that_compacting_leaves_are_passed_over(settings: Settings) -> None:
    one = settings.model_copy(update={"partitions": 1})
    left = await compacted(one)
    for seam in (True, False):
        for first in (0, left[1] + 1):
            found, lag = await stretches(one, first, 41, seam=seam)
            assert [offset for batch in found for offset in batch.offsets] == [n for n in left if n >= first]
            assert (found[0].first, found[-1].next_offset, lag) == (first, 41, 0)
