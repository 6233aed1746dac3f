"""A feed in Kafka transactions, and a stranger's transactions on `gps.fixes`: what is aborted would show in every figure if it were read.

Every third transaction is aborted, with reports that are then sent again and committed: read as well, they would be received twice. Now and then the
sender goes away in the middle of one, and the next of its name has the broker abort it.
"""

import asyncio
from collections.abc import Sequence

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from services.contracts.batch import pack_fixes, pack_tick
from services.contracts.fix import fix_columns
from services.contracts.topics import FIXES, RAW
from services.runtime.clock import monotonic_s
from services.runtime.kafka import end_offsets
from services.runtime.settings import Settings
from tests.faults.feed import RETRY_S, SLICES_A_SECOND, Feed

ABORT_EVERY, LEAVE_EVERY = 3, 40
OPEN_AT_MOST_S = 90
FAR_OFFSET = 1 << 40
"""In an aborted batch of fixes: a reader that took it would have "had" everything after."""


def producer(settings: Settings, name: str) -> AIOKafkaProducer:
    """A client of transactions."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap,
        transactional_id=f"{settings.topic_prefix}{name}",
        linger_ms=5,
    )


class TransactionalFeed(Feed):
    """Sends the same reports as `Feed`, a slice a transaction."""

    aborted = left = committed = 0

    async def run(self) -> None:
        """Send until the stop, through transactions that are left open."""
        while not (self.stopping.is_set() or self.dry):
            client = producer(self.settings, "feed")
            try:
                await client.start()
                await self._transactions(client)
            except KafkaError:
                await asyncio.sleep(RETRY_S)
            finally:
                await client.stop()
        async with producer(self.settings, "feed"):
            await no_transaction_open(self.settings, RAW)  # the one left open is aborted for its successor

    async def _transactions(self, client: AIOKafkaProducer) -> None:
        size, due_s = self.rate // SLICES_A_SECOND, monotonic_s()
        for number in range(1, LEAVE_EVERY + 1):
            if self.stopping.is_set() or self.dry:
                return
            due_s = max(due_s + 1 / SLICES_A_SECOND, monotonic_s() - 1)
            await asyncio.sleep(max(0.0, due_s - monotonic_s()))
            records = self._records(self.sent, size)
            if number % ABORT_EVERY == 0:
                await self._say(client, records)
                await client.abort_transaction()
                self.aborted += 1
            await self._say(client, records)
            if number == LEAVE_EVERY:
                self.left += 1
                return  # the transaction stays open, and these are sent again
            await client.commit_transaction()
            self.committed += 1
            self.acknowledged.update(hash(value) for _, value in records)
            self.sent += len(records)

    async def _say(self, client: AIOKafkaProducer, records: Sequence[tuple[bytes, bytes]]) -> None:
        name = self.settings.topic_prefix + RAW
        await client.begin_transaction()
        waiting = [await client.send(name, value, key=key) for key, value in records]
        await asyncio.gather(*waiting)


async def no_transaction_open(settings: Settings, topic: str) -> None:
    """Wait until what is committed reaches as far as what is written: Kafka says that a transaction is committed before its markers are in the log."""
    partitions = [
        TopicPartition(settings.topic_prefix + topic, number) for number in range(settings.partitions)
    ]
    client = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False)
    await client.start()
    try:
        async with asyncio.timeout(OPEN_AT_MOST_S):
            while True:
                written = await client.end_offsets(partitions)
                committed = await end_offsets(settings, topic)
                if all(committed[item.partition] >= end for item, end in written.items()):
                    return
                await asyncio.sleep(RETRY_S)
    finally:
        await client.stop()


async def litter(settings: Settings, every_s: float = 0.2) -> None:
    """Until cancelled, in turn an aborted batch of fixes and a committed tick into every partition of `gps.fixes`."""
    name = settings.topic_prefix + FIXES
    poison = fix_columns(20)
    poison["vehicle"], poison["speed"] = 1 + np.arange(20), 1500
    poison["time_ms"] = 1 << 41
    poison["raw_offset"] = FAR_OFFSET + np.arange(20)
    client = producer(settings, "litter")
    await client.start()
    try:
        while True:
            for body, commit in ((pack_fixes(0, poison), False), (pack_tick(-1), True)):
                await client.begin_transaction()
                for partition in range(settings.partitions):
                    await client.send_and_wait(name, body, partition=partition)
                await (client.commit_transaction() if commit else client.abort_transaction())
                await asyncio.sleep(every_s)
    finally:
        await client.stop()
