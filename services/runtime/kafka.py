"""The only module that speaks aiokafka: consumers, producers and topics, every call with a deadline, silence turned into errors.

What users of the client report most is not an error but silence: a consumer that lives and gets nothing. So a consumer asks the broker
for its end offsets every two seconds with a deadline, and a watchdog ends the process when there is lag and nothing advances.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import TracebackType
from typing import Any, Self

import numpy as np
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
)
from aiokafka.partitioner import murmur2
from numpy.typing import NDArray

from services.contracts.topics import MIB, TOPICS
from services.runtime.kafka_fetch import use_seam
from services.runtime.settings import Settings

WATCH_EVERY_S = 2.0
MOST_MESSAGE_BYTES = 4 * MIB
PARTITION_FETCH_BYTES = 2 * MIB
PRODUCER_BATCH_BYTES = 1 * MIB
MURMUR_MASK = 0x7FFF_FFFF
LOG_APPEND_TIME = 1

log = structlog.get_logger()


class KafkaAway(ConnectionError):
    """Kafka does not answer, or not in time."""


class OffsetGone(RuntimeError):
    """The log no longer holds what comes next: an incident for a person, never a silent jump."""


class Stalled(RuntimeError):
    """There is lag and nothing has advanced for too long: the process must end and be started again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition."""

    partition: int
    records: Sequence[Any]  # each with offset, timestamp, key, value, headers
    parts: Sequence[
        Sequence[Any]
    ] = ()  # the same records as the broker keeps them together, where that is known

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return int(self.records[0].offset)

    @property
    def next_offset(self) -> int:
        """Offset after the last record."""
        return int(self.records[-1].offset) + 1

    @property
    def offsets(self) -> list[int]:
        """Offset of each record."""
        return [record.offset for record in self.records]

    @property
    def timestamps(self) -> list[int]:
        """Broker time stamp of each record, Unix ms."""
        return [record.timestamp for record in self.records]

    def offset_column(self) -> NDArray[np.int64]:
        """`offsets`, without a look at each record where none is missing between first and last."""
        count = len(self.records)
        if self.next_offset - self.first == count:
            return np.arange(self.first, self.first + count, dtype=np.int64)
        return np.array(self.offsets, np.int64)

    def timestamp_column(self) -> NDArray[np.int64]:
        """`timestamps`, without a look at each record where the broker has set one for all it keeps together."""
        if self.parts and all(part[0].timestamp_type == LOG_APPEND_TIME for part in self.parts):
            return np.repeat(
                [part[0].timestamp for part in self.parts], [len(part) for part in self.parts]
            ).astype(np.int64)
        return np.array(self.timestamps, np.int64)

    @property
    def values(self) -> list[bytes]:
        """Value of each record; empty bytes for a tombstone."""
        return [record.value if record.value is not None else b"" for record in self.records]


Assigned = Callable[[Sequence[int]], Awaitable[Mapping[int, int]]]
Revoked = Callable[[Sequence[int]], Awaitable[None]]


async def _close(client: Any, deadline_s: float, who: str) -> None:
    """Stop a client of the library within a deadline; whatever it says, its connections are closed afterwards.

    A consumer awaits the fetches that it has just cancelled, and one that slept between two tries, the broker being away, passes the
    cancellation on, as though the caller had been cancelled.
    """
    try:
        async with asyncio.timeout(deadline_s):
            await client.stop()
    except (KafkaError, TimeoutError, OSError, asyncio.CancelledError) as error:
        log.warning("left_unclean", client=who, error=repr(error))
        with contextlib.suppress(KafkaError, TimeoutError, OSError):
            async with asyncio.timeout(deadline_s):
                await (client.client if hasattr(client, "client") else client._client).close()  # noqa: SLF001
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Claims partitions as the group gives them; what goes wrong there is raised by the next poll."""

    def __init__(self, consumer: "Consumer") -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._consumer.lose([item.partition for item in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._consumer.take([item.partition for item in assigned])


class Consumer:
    """A member of a consumer group on one topic; where each partition begins is the claimer's word, not Kafka's."""

    def __init__(
        self,
        settings: Settings,
        group: str,
        topic: str,
        on_assigned: Assigned,
        on_revoked: Revoked,
        *,
        seam: bool = True,
    ) -> None:
        """`on_assigned` returns the offset to begin at for each partition; `topic` is the short name."""
        self.settings = settings
        self.topic = settings.topic_prefix + topic
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._seam = use_seam(wanted=seam)
        self._failure: BaseException | None = None
        self._settled = asyncio.Event()  # claims are made and positions sought; nothing is read before
        self._generation = 0
        self._watching: asyncio.Task[None] | None = None
        self.ends: dict[int, int] = {}
        self._deadline_ms = int(settings.deadline_s * 1000)
        self._client = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap,
            client_id=f"roadwatch-{group}",
            group_id=f"{settings.topic_prefix}roadwatch-{group}",
            group_instance_id=f"{group}-{settings.instance}" if settings.instance else None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            request_timeout_ms=self._deadline_ms,
            metadata_max_age_ms=30_000,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            check_crcs=True,
        )

    async def __aenter__(self) -> Self:
        """Join the group.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                await self._client.start()
        except (KafkaError, TimeoutError) as error:
            await self._stop()
            raise KafkaAway(f"{self.settings.kafka_bootstrap}: {error!r}") from error
        except BaseException:
            await self._stop()
            raise
        self._client.subscribe([self.topic], listener=_Listener(self))
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the group."""
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        await self._stop()

    async def _stop(self) -> None:
        await _close(self._client, self.settings.deadline_s, f"consumer of {self.topic}")

    async def take(self, partitions: Sequence[int]) -> None:
        """Called on a rebalance."""
        try:
            for partition, offset in (await self._on_assigned(partitions)).items():
                self._client.seek(TopicPartition(self.topic, partition), offset)
            self._settled.set()
        except Exception as error:  # noqa: BLE001 - the client would swallow it; poll raises it in the session
            self._failure = error

    async def lose(self, partitions: Sequence[int]) -> None:
        """Called on a rebalance."""
        self._settled.clear()
        self._generation += 1
        try:
            await self._on_revoked(partitions)
        except Exception as error:  # noqa: BLE001 - as above
            self._failure = error

    async def poll(self, timeout_s: float) -> dict[int, Batch]:
        """What has come, at once if there is anything, else after waiting so long; one batch a partition.

        Raises:
            KafkaAway: Kafka does not answer.
            OffsetGone: the offset to read is no longer in the log.
        """
        if self._failure is not None:
            raise self._failure
        if not self._settled.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._settled.wait()
            return {}
        generation = self._generation
        try:
            fetched = await self._client.getmany(timeout_ms=int(timeout_s * 1000))
        except NoOffsetForPartitionError:
            return {}  # the client looked for a position before the claim had given one
        except OffsetOutOfRangeError as error:
            raise OffsetGone(
                f"{self.topic}: {error}; the log no longer holds it, see docs/operating.md"
            ) from error
        except KafkaError as error:
            raise KafkaAway(repr(error)) from error
        if self._failure is not None:
            raise self._failure
        if generation != self._generation:
            return {}  # a rebalance came between; whoever owns the partitions now reads from the claim's offset
        return {
            item.partition: Batch(item.partition, list(chain.from_iterable(found)), found)
            if self._seam
            else Batch(item.partition, found)
            for item, found in fetched.items()
        }

    def assigned(self) -> list[int]:
        """Partitions held."""
        return sorted(item.partition for item in self._client.assignment())

    async def _watch(self) -> None:
        """Ask the broker for the end offsets every two seconds: the lag, and the proof that it answers."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            held = [TopicPartition(self.topic, number) for number in range(self.settings.partitions)]
            try:
                async with asyncio.timeout(self.settings.deadline_s):
                    ends = await self._client.end_offsets(held)
            except (KafkaError, TimeoutError, OSError) as error:
                self._failure = KafkaAway(f"end offsets: {error!r}")
                return
            self.ends = {item.partition: offset for item, offset in ends.items()}

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell Kafka for dashboards how far we are; a failure is of no consequence."""
        wanted = {TopicPartition(self.topic, partition): offset for partition, offset in offsets.items()}
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                await self._client.commit(wanted)
        except (KafkaError, TimeoutError) as error:
            log.debug("kafka_commit_failed", error=repr(error))

    def lag(self, positions: Mapping[int, int]) -> int:
        """Records between our positions and the ends last heard of."""
        return sum(
            max(0, self.ends.get(partition, offset) - offset) for partition, offset in positions.items()
        )


@dataclass(slots=True)
class Watchdog:
    """Liveness means: the position advances, or the lag is 0."""

    stall_s: float
    positions: tuple[tuple[int, int], ...] = ()
    moved_s: float = 0.0

    def check(self, positions: Mapping[int, int], lag: int, now_s: float) -> float:
        """Seconds without progress although there is lag.

        Raises:
            Stalled: it has been too long.
        """
        seen = tuple(sorted(positions.items()))
        if seen != self.positions or lag == 0 or not self.moved_s:
            self.positions, self.moved_s = seen, now_s
        stalled_s = now_s - self.moved_s
        if stalled_s > self.stall_s:
            raise Stalled(f"lag {lag}, nothing advanced for {stalled_s:.0f} s at {dict(positions)}")
        return stalled_s


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
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                await self._client.start()
        except (KafkaError, TimeoutError) as error:
            await self._stop()
            raise KafkaAway(f"{self.settings.kafka_bootstrap}: {error!r}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._stop()

    async def _stop(self) -> None:
        await _close(self._client, self.settings.deadline_s, "producer")

    async def send_batch(self, messages: Sequence[Message]) -> None:
        """Send all and wait until all are acknowledged.

        Raises:
            KafkaAway: one was not acknowledged in time; some may have been.
        """
        prefix = self.settings.topic_prefix
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                waiting = [
                    await self._client.send(
                        prefix + message.topic,
                        message.value,
                        key=message.key,
                        partition=message.partition,
                        headers=list(message.headers),
                    )
                    for message in messages
                ]
                await asyncio.gather(*waiting)
        except (KafkaError, TimeoutError) as error:
            raise KafkaAway(f"send: {error!r}") from error

    async def send_many(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> int:
        """Send many small (key, value) records, partitioned by key; returns how many were acknowledged: all.

        Raises:
            KafkaAway: one was not acknowledged in time; some may have been.
        """
        name = self.settings.topic_prefix + topic
        shares: dict[int, list[tuple[bytes, bytes]]] = {}
        for key, value in records:
            shares.setdefault(self.partition_of(key), []).append((key, value))
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                waiting = []
                for partition, share in shares.items():
                    waiting += await self._send_share(name, partition, share)
                await asyncio.gather(*waiting)
        except (KafkaError, TimeoutError) as error:
            raise KafkaAway(f"send: {error!r}") from error
        return len(records)

    async def _send_share(self, name: str, partition: int, share: list[tuple[bytes, bytes]]) -> list[Any]:
        waiting = []
        batch = self._client.create_batch()
        for key, value in share:
            if batch.append(key=key, value=value, timestamp=None) is None:
                waiting.append(await self._client.send_batch(batch, name, partition=partition))
                batch = self._client.create_batch()
                if batch.append(key=key, value=value, timestamp=None) is None:
                    waiting.append(await self._client.send(name, value, key=key, partition=partition))
        if batch.record_count():
            waiting.append(await self._client.send_batch(batch, name, partition=partition))
        return waiting

    def partition_of(self, key: bytes) -> int:
        """The partition that Kafka's own clients choose for a key."""
        partition = self._partition_of_key.get(key)
        if partition is None:
            partition = self._partition_of_key[key] = (murmur2(key) & MURMUR_MASK) % self.settings.partitions
        return partition


class Tail:
    """Every partition of a topic from its end on, outside any group: for what may be missed, such as a live map."""

    def __init__(self, settings: Settings, topic: str, name: str) -> None:
        """`topic` is the short name."""
        self.settings = settings
        self.topic = settings.topic_prefix + topic
        self._seam = use_seam()
        self._client = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, client_id=f"roadwatch-{name}", enable_auto_commit=False,
            auto_offset_reset="latest", fetch_max_wait_ms=250, request_timeout_ms=int(settings.deadline_s * 1000),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        """Connect and go to the end.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(self.settings.deadline_s):
                await self._client.start()
                self._client.assign([TopicPartition(self.topic, n) for n in range(self.settings.partitions)])
                await self._client.seek_to_end()
        except (KafkaError, TimeoutError) as error:
            await _close(self._client, self.settings.deadline_s, f"tail of {self.topic}")
            raise KafkaAway(f"{self.settings.kafka_bootstrap}: {error!r}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await _close(self._client, self.settings.deadline_s, f"tail of {self.topic}")

    async def values(self, timeout_s: float) -> list[bytes]:
        """What has come, at once if there is anything.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        try:
            fetched = await self._client.getmany(timeout_ms=int(timeout_s * 1000))
        except KafkaError as error:
            raise KafkaAway(repr(error)) from error
        rows = (record for records in fetched.values() for record in records)
        if self._seam:
            rows = (record for part in rows for record in part)
        return [record.value for record in rows if record.value]


async def make_topics(settings: Settings, replication: int = 1) -> list[str]:
    """Make the topics that are missing; returns their names.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=int(settings.deadline_s * 1000)
    )
    try:
        await admin.start()
        have = set(await admin.list_topics())
        missing = [topic for topic in TOPICS if topic.full_name(settings.topic_prefix) not in have]
        if missing:
            response = await admin.create_topics(
                [
                    NewTopic(
                        topic.full_name(settings.topic_prefix),
                        settings.partitions,
                        replication,
                        topic_configs=topic.settings(),
                    )
                    for topic in missing
                ]
            )
            for name, code, *rest in response.topic_errors:
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise KafkaAway(f"topic {name}: error {code} {rest}")
    except KafkaError as error:
        raise KafkaAway(f"{settings.kafka_bootstrap}: {error!r}") from error
    finally:
        with contextlib.suppress(KafkaError):
            await admin.close()
    return [topic.full_name(settings.topic_prefix) for topic in missing]


async def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Where each partition of a topic ends now; `topic` is the short name.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    name = settings.topic_prefix + topic
    client = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False)
    try:
        async with asyncio.timeout(settings.deadline_s):
            await client.start()
            ends = await client.end_offsets([TopicPartition(name, n) for n in range(settings.partitions)])
    except (KafkaError, TimeoutError) as error:
        raise KafkaAway(f"end offsets: {error!r}") from error
    finally:
        with contextlib.suppress(KafkaError, TimeoutError):
            await client.stop()
    return {item.partition: offset for item, offset in ends.items()}
