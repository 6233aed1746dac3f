"""Reading a topic from its newest record backwards, outside any group: for people who look into a log, not for services that follow one.

Kafka reads forwards only. So each partition is read in stretches that end where the one before began, and what they hold is handed out newest
first across partitions. Offsets say where a look ended, so that the next goes on there whatever has been written meanwhile.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.contracts.topics import MIB
from services.runtime.interruptions import KafkaAway
from services.runtime.kafka.connection import READ_COMMITTED, starting, stop
from services.runtime.kafka.fetch import use_seam
from services.runtime.settings import Settings

MOST_READ = 50_000
"""Records that one look fetches, and not many more."""
FIRST_STRETCH, LONGEST_STRETCH = 250, 1_000
POLL_MS = 200
Bound = Literal["records", "time"]


@dataclass(frozen=True, slots=True)
class Found:
    """A record as far as it is kept: `value` is its beginning, `size` the whole length; a tombstone has neither."""

    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes
    size: int
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What to look for: at most so many records before these offsets, of the half-open period, that are `wanted`."""

    most: int
    wanted: Callable[[Any], bool]
    value_bytes: int
    before: Sequence[int] | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found, newest first; `before` None: the log holds no more. `stopped` says by which bound a look ended before it had enough."""

    records: list[Found]
    passed: int
    before: tuple[int, ...] | None
    stopped: Bound | None


@dataclass(slots=True)
class Part:
    """A partition on the way back: fetched down to `low`, `floor` is where it ends; `waiting` is fetched and not handed out, the newest last.

    A record that is not wanted waits as its time and offset: it has its turn, or what is older in other partitions would come first.
    """

    floor: int
    low: int
    waiting: list[tuple[int, int, Found | None]] = field(default_factory=list)

    @property
    def place(self) -> int:
        """What is before this offset has not been handed out."""
        return self.waiting[-1][1] + 1 if self.waiting else self.low

    @property
    def dry(self) -> bool:
        """Whether nothing can be handed out, of this or of any other partition, before more is fetched."""
        return not self.waiting and self.low > self.floor


def hand_out(parts: Sequence[Part], most: int) -> tuple[list[Found], int]:
    """The newest that wait, until there are so many or a partition is dry; and how many records were passed, wanted or not."""
    found: list[Found] = []
    passed = 0
    while len(found) < most and not any(part.dry for part in parts):
        newest = max(
            (part for part in parts if part.waiting), key=lambda part: part.waiting[-1][0], default=None
        )
        if newest is None:
            break
        passed += 1
        record = newest.waiting.pop()[2]
        if record is not None:
            found.append(record)
    return found, passed


async def look_back(settings: Settings, topic: str, look: Look) -> Seen:
    """Look into a topic (short name); ends within the settings' deadline, with what there is by then.

    Raises:
        KafkaAway: Kafka does not answer, or not even a first stretch came in time.
    """
    reader = Reader(settings, topic, look)
    async with starting(reader.client, settings):
        parts = await reader.bounds()
        stretch = max(1, min(FIRST_STRETCH, MOST_READ // (4 * len(parts))))
        read = await reader.fetch(parts, stretch)
    found: list[Found] = []
    passed = 0
    stopped: Bound | None = None
    try:
        async with asyncio.timeout(settings.deadline_s):
            while True:
                more, turns = hand_out(parts, look.most - len(found))
                found, passed = found + more, passed + turns
                if len(found) == look.most or not any(part.dry for part in parts):
                    break
                if read >= MOST_READ:
                    stopped = "records"
                    break
                stretch = min(2 * stretch, LONGEST_STRETCH)
                read += await reader.fetch(parts, stretch)
    except TimeoutError:
        stopped = "time"
    except KafkaError as error:
        raise KafkaAway(repr(error)) from error
    finally:
        await stop(reader.client, settings)
    places = tuple(part.place for part in parts)
    left = any(part.place > part.floor for part in parts)
    return Seen(found, passed, places if left else None, stopped)


class Reader:
    """A client and what it is to read."""

    def __init__(self, settings: Settings, topic: str, look: Look) -> None:
        """`topic` is the short name; start the client before the first call."""
        self.look = look
        self.partitions = [
            TopicPartition(settings.topic_prefix + topic, n) for n in range(settings.partitions)
        ]
        self._seam = use_seam()
        self.client = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, client_id="roadwatch-look", enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=50, max_partition_fetch_bytes=MIB // 2,
            request_timeout_ms=int(settings.deadline_s * 1000), key_deserializer=self._seam, isolation_level=READ_COMMITTED,
        )  # fmt: skip

    async def bounds(self) -> list[Part]:
        """Where each partition is to be read from and down to."""
        floors = await self.client.beginning_offsets(self.partitions)
        ends = await self.client.end_offsets(self.partitions)
        since, until = await self._at(self.look.from_ms), await self._at(self.look.to_ms)
        befores = self.look.before or [ends[each] for each in self.partitions]
        parts = []
        for each, before in zip(self.partitions, befores, strict=True):
            floor = max(floors[each], since.get(each, floors[each]))
            parts.append(Part(floor, max(floor, min(before, ends[each], until.get(each, ends[each])))))
        return parts

    async def _at(self, time_ms: int | None) -> dict[TopicPartition, int]:
        """The first offset of that time or later; the end where there is none; nothing where nothing is asked."""
        if time_ms is None:
            return {}
        ends = await self.client.end_offsets(self.partitions)
        found = await self.client.offsets_for_times(dict.fromkeys(self.partitions, max(time_ms, 0)))
        return {each: ends[each] if found[each] is None else found[each].offset for each in self.partitions}

    async def fetch(self, parts: Sequence[Part], stretch: int) -> int:
        """Fetch the next stretch of every partition that is dry; gives how many records that were. All of it is taken over, or nothing."""
        dry = {each: part for each, part in zip(self.partitions, parts, strict=True) if part.dry}
        if not dry:
            return 0
        lows = {each: max(part.floor, part.low - stretch) for each, part in dry.items()}
        taken: dict[TopicPartition, list[tuple[int, int, Found | None]]] = {each: [] for each in dry}
        self.client.assign(list(dry))
        for each, low in lows.items():
            self.client.seek(each, low)
        under_way = set(dry)
        while under_way:
            fetched = await self.client.getmany(*under_way, timeout_ms=POLL_MS)
            for each, records in fetched.items():
                taken[each] += [
                    (record.timestamp, record.offset, self._kept(each.partition, record))
                    for record in self._each(records)
                    if record.offset < dry[each].low
                ]
            under_way = {each for each in under_way if await self.client.position(each) < dry[each].low}
        for each, part in dry.items():
            part.low, part.waiting = lows[each], taken[each]
        return sum(map(len, taken.values()))

    def _each(self, records: Sequence[Any]) -> Iterable[Any]:
        return records if self._seam is None else (record for batch in records for record in batch)

    def _kept(self, partition: int, record: Any) -> Found | None:
        if not self.look.wanted(record):
            return None
        value = record.value or b""
        return Found(
            partition, record.offset, record.timestamp, record.key, value[: self.look.value_bytes], len(value),
            tuple(record.headers),
        )  # fmt: skip
