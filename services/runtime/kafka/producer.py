"""Sending: single messages, or many small ones in batches by partition."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from services.contracts.topics import MIB
from services.runtime.kafka.connection import in_time, starting, stop
from services.runtime.settings import Settings

MOST_MESSAGE_BYTES = 4 * MIB
PRODUCER_BATCH_BYTES = 1 * MIB
MURMUR_MASK = 0x7FFF_FFFF


@dataclass(frozen=True, slots=True)
class Message:
    """A record to send; `partition` None: by the key, as Kafka's own clients choose it."""

    topic: str  # short name
    value: bytes
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Producer:
    """Sends with acks from all replicas, within a deadline."""

    def __init__(self, settings: Settings, name: str) -> None:
        """`name` goes into the client id."""
        self.settings = settings
        self._partition_of_key: dict[bytes, int] = {}
        self._client = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap,
            client_id=f"roadwatch-{name}",
            acks="all",
            max_batch_size=PRODUCER_BATCH_BYTES,
            max_request_size=MOST_MESSAGE_BYTES,
            request_timeout_ms=int(settings.deadline_s * 1000),
        )

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        async with starting(self._client, self.settings):
            return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await stop(self._client, self.settings)

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Send all and wait until all are acknowledged.

        Raises:
            KafkaAway: one was not acknowledged in time; some may have been.
        """
        prefix = self.settings.topic_prefix
        async with in_time(self.settings, "send"):
            waiting = [
                _seen(
                    await self._client.send(
                        prefix + message.topic,
                        message.value,
                        key=message.key,
                        partition=message.partition,
                        headers=list(message.headers),
                    )
                )
                for message in messages
            ]
            await asyncio.gather(*waiting)

    async def send_many(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> int:
        """Send many small (key, value) records, partitioned by key; returns how many were acknowledged: all.

        Raises:
            KafkaAway: one was not acknowledged in time; some may have been.
        """
        name = self.settings.topic_prefix + topic
        shares: dict[int, list[tuple[bytes, bytes]]] = {}
        for key, value in records:
            shares.setdefault(self.partition_of(key), []).append((key, value))
        async with in_time(self.settings, "send"):
            waiting = []
            for partition, share in shares.items():
                waiting += await self._send_share(name, partition, share)
            await asyncio.gather(*waiting)
        return len(records)

    async def _send_share(self, name: str, partition: int, share: list[tuple[bytes, bytes]]) -> list[Any]:
        waiting = []
        batch = self._client.create_batch()
        for key, value in share:
            if batch.append(key=key, value=value, timestamp=None) is None:
                waiting.append(_seen(await self._client.send_batch(batch, name, partition=partition)))
                batch = self._client.create_batch()
                if batch.append(key=key, value=value, timestamp=None) is None:
                    waiting.append(_seen(await self._client.send(name, value, key=key, partition=partition)))
        if batch.record_count():
            waiting.append(_seen(await self._client.send_batch(batch, name, partition=partition)))
        return waiting

    def partition_of(self, key: bytes) -> int:
        """The partition that Kafka's own clients choose for a key."""
        partition = self._partition_of_key.get(key)
        if partition is None:
            partition = self._partition_of_key[key] = (murmur2(key) & MURMUR_MASK) % self.settings.partitions
        return partition


def _seen(acknowledgement: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
    """One of several that are waited for together: when another fails first, nobody asks for the exception of this one."""
    acknowledgement.add_done_callback(lambda done: done.cancelled() or done.exception())
    return acknowledgement
