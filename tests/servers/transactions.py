"""A real transactional producer: what it commits was said, what it aborts was not, and each transaction's end takes an offset."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from services.runtime.settings import Settings

Sent = tuple[int, bytes]
"""Partition and value."""


class Transactions:
    """Sends in transactions to one topic (short name)."""

    def __init__(self, client: AIOKafkaProducer, topic: str) -> None:
        """The client is started."""
        self.client, self.topic = client, topic

    async def send(self, messages: Sequence[Sent], *, commit: bool) -> None:
        """One transaction of messages, all acknowledged, then committed or aborted."""
        await self.client.begin_transaction()
        for partition, value in messages:
            await self.client.send_and_wait(self.topic, value, partition=partition)
        await (self.client.commit_transaction() if commit else self.client.abort_transaction())


@asynccontextmanager
async def transactions(settings: Settings, topic: str) -> AsyncIterator[Transactions]:
    """A producer of transactions on a topic (short name)."""
    name = settings.topic_prefix + topic
    client = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, transactional_id=f"{name}-test", request_timeout_ms=30_000
    )
    await client.start()
    try:
        yield Transactions(client, name)
    finally:
        await client.stop()
