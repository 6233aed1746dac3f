"""A member of a consumer group on one topic, read by polls."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import chain
from types import TracebackType
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from services.contracts.topics import MIB
from services.runtime import metrics
from services.runtime.interruptions import KafkaAway
from services.runtime.kafka.batch import Batch
from services.runtime.kafka.connection import READ_COMMITTED, in_time, starting, stop
from services.runtime.kafka.fetch import use_seam
from services.runtime.kafka.groups import group_id
from services.runtime.settings import Settings

WATCH_EVERY_S = 2.0
PARTITION_FETCH_BYTES = 2 * MIB

log = structlog.get_logger()


class OffsetGone(RuntimeError):
    """The log no longer holds what comes next: an incident for a person, never a silent jump."""


Assigned = Callable[[Sequence[int]], Awaitable[Mapping[int, int]]]
Revoked = Callable[[Sequence[int]], Awaitable[None]]


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
        self.group = group
        self.topic = settings.topic_prefix + topic
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._seam = use_seam(wanted=seam)
        self._failure: BaseException | None = None
        self._settled = asyncio.Event()  # claims are made and positions sought; nothing is read before
        self._generation = 0
        self._places: dict[int, int] = {}  # what is asked for next, by partition
        self._watching: asyncio.Task[None] | None = None
        self.ends: dict[int, int] = {}
        self._shown: dict[int, int] = {}  # the ends for which the metric was last set
        self._deadline_ms = int(settings.deadline_s * 1000)
        self._client = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap,
            client_id=f"roadwatch-{group}",
            group_id=group_id(settings, group),
            group_instance_id=f"{group}-{settings.instance}" if settings.instance else None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level=READ_COMMITTED,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            request_timeout_ms=self._deadline_ms,
            metadata_max_age_ms=30_000,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            check_crcs=True,
            key_deserializer=self._seam,
        )

    async def __aenter__(self) -> Self:
        """Join the group.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        async with starting(self._client, self.settings):
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
        await stop(self._client, self.settings)

    async def take(self, partitions: Sequence[int]) -> None:
        """Called on a rebalance."""
        try:
            self._places = dict(await self._on_assigned(partitions))
            for partition, offset in self._places.items():
                self._client.seek(TopicPartition(self.topic, partition), offset)
            self._settled.set()
        except Exception as error:  # noqa: BLE001 - the client would swallow it; poll raises it in the session
            self._failure = error

    async def lose(self, partitions: Sequence[int]) -> None:
        """Called on a rebalance."""
        self._settled.clear()
        self._generation += 1
        self._places, self._shown = {}, {}
        metrics.LAG.clear()  # a process has one consumer
        try:
            await self._on_revoked(partitions)
        except Exception as error:  # noqa: BLE001 - as above
            self._failure = error

    async def poll(self, timeout_s: float) -> dict[int, Batch]:
        """What has come, at once if there is anything, else after waiting so long; one batch a partition, each from where the last one ended.

        A batch without records says that what was there holds none: transactions' ends, or records that were aborted.

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
        except (KafkaError, OSError) as error:
            raise KafkaAway(repr(error)) from error
        if self._failure is not None:
            raise self._failure
        if generation != self._generation:
            return {}  # a rebalance came between; whoever owns the partitions now reads from the claim's offset
        try:
            return await self._stretches(fetched)
        except KafkaError as error:
            raise KafkaAway(repr(error)) from error

    async def _stretches(self, fetched: Mapping[TopicPartition, Any]) -> dict[int, Batch]:
        """From where each partition was asked to where the client goes on; nothing here waits, for the claims have given every position."""
        found = {}
        for number, first in self._places.items():
            item = TopicPartition(self.topic, number)
            next_offset = await self._client.position(item)
            if next_offset == first:
                continue
            parts = fetched.get(item, ())
            found[number] = (
                Batch(number, first, next_offset, parts)
                if self._seam is None
                else Batch(number, first, next_offset, list(chain.from_iterable(parts)), parts)
            )
        self._places |= {number: batch.next_offset for number, batch in found.items()}
        return found

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
            metrics.HELD_BACK.labels(self.group).set(self._held_back())

    def _held_back(self) -> int:
        """Records that are in the log and cannot be read yet, because a transaction is open before them; as the last fetches told."""
        told = [
            (self._client.highwater(item), self._client.last_stable_offset(item))
            for item in self._client.assignment()
        ]
        return sum(max(0, high - stable) for high, stable in told if high is not None and stable is not None)

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell Kafka for dashboards how far we are; a failure is of no consequence."""
        wanted = {TopicPartition(self.topic, partition): offset for partition, offset in offsets.items()}
        try:
            async with in_time(self.settings, "commit"):
                await self._client.commit(wanted)
        except KafkaAway as error:
            log.debug("kafka_commit_failed", error=str(error))

    def lag(self, positions: Mapping[int, int]) -> int:
        """Records between our positions and the ends last heard of; new ends are shown in the metric, too."""
        behind = {
            number: max(0, self.ends.get(number, offset) - offset) for number, offset in positions.items()
        }
        if self.ends and self._shown is not self.ends:
            self._shown = self.ends
            for number, records in behind.items():
                metrics.LAG.labels(self.group, self.topic, str(number)).set(records)
        return sum(behind.values())
