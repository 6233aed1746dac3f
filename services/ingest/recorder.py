"""The recorder: every fix of `gps.fixes` into history exactly once, by COPY, many batches and all partitions of this process in one transaction.

The transaction raises each partition's progress row by compare-and-set and keeps with it the last `gps.raw` offset had of each source, so
that neither a crash here nor a batch that ingest sent twice leaves a second row. Ticks and configs are passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import numpy as np
import structlog

from services.contracts.batch import FixBatch, Malformed, unpack
from services.contracts.fix import Fixes
from services.contracts.topics import FIXES as FIXES_TOPIC
from services.runtime import metrics
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import Consumer, Watchdog
from services.runtime.service import Service, became_ready
from services.store import history, progress
from services.store.connect import Keepalive
from services.store.connect import pool as connect

CONSUMER = "recorder"
POLL_S = 0.1
TELL_KAFKA_EVERY_S = 2.0  # for its dashboards; nothing here reads it
COMMIT_EVERY_S = 0.15  # a fix is in history that soon; more commits would only cost disk flushes
MOST_ROWS = 60_000  # a transaction: about 10 MB of rows
FIXES, REPEATED = "fixes", "repeated"

log = structlog.get_logger()


class Fenced(ConnectionError):
    """Another recorder has claimed a partition of ours; nothing was written, a new session claims what is ours."""


class OutOfStep(ConnectionError):
    """Messages do not continue where the database stands: they belong to an earlier assignment of the partition."""


@dataclass(slots=True)
class Held:
    """A partition in this recorder's hands: how far the database is, how far this process is, and what lies between."""

    epoch: int
    committed: int
    position: int
    had: dict[int, int]  # source partition of gps.raw -> last offset had
    waiting: list[FixBatch] = field(default_factory=list)
    repeated: int = 0

    @property
    def rows(self) -> int:
        """Fixes that wait."""
        return sum(len(batch.fixes) for batch in self.waiting)


class Recorder:
    """Takes messages of the partitions it holds and writes their fixes."""

    def __init__(self, pool: asyncpg.Pool, owner: str) -> None:
        """`owner` names this process in the progress rows."""
        self._pool = pool
        self._owner = owner
        self._days: set[str] = set()
        self._committed_s = monotonic_s()
        self.held: dict[int, Held] = {}

    async def claim(self, partitions: Sequence[int]) -> dict[int, int]:
        """Take partitions over; gives the offset each is to be read from."""
        starts = {}
        for number in sorted(partitions):
            async with self._pool.acquire() as conn:
                claimed = await progress.claim(conn, CONSUMER, number, self._owner)
            self.held[number] = Held(claimed.epoch, claimed.next_offset, claimed.next_offset, claimed.had)
            starts[number] = claimed.next_offset
            log.info("claimed", partition=number, epoch=claimed.epoch, next_offset=claimed.next_offset)
        return starts

    async def release(self, partitions: Sequence[int]) -> None:
        """Forget partitions that were taken away; what waits is read again by their next owner."""
        for number in partitions:
            self.held.pop(number, None)

    def take(self, number: int, offsets: Sequence[int], values: Sequence[bytes]) -> None:
        """Add a partition's messages, in order, to what waits; those of a partition not held are left to its owner.

        Raises:
            OutOfStep: messages are missing before the first.
        """
        held = self.held.get(number)
        if held is None:
            return
        for offset, value in zip(offsets, values, strict=True):
            if offset < held.position:
                continue
            if offset > held.position:
                raise OutOfStep(f"partition {number}: offset {offset} came, {held.position} is next")
            self._take(number, held, offset, value)
            held.position = offset + 1

    def _take(self, number: int, held: Held, offset: int, value: bytes) -> None:
        try:
            message = unpack(value)
        except Malformed as error:
            log.error("malformed_batch", partition=number, offset=offset, problem=str(error))  # noqa: TRY400 - says it all
            return
        if isinstance(message, FixBatch) and len(message.fixes):
            new = _new(message, held.had.get(message.source_partition, -1))
            held.repeated += len(message.fixes) - len(new)
            if len(new):
                held.had[message.source_partition] = int(new["raw_offset"][-1])
                held.waiting.append(FixBatch(message.source_partition, new))

    def due_in_s(self) -> float:
        """Seconds until what waits should be committed; 0: now."""
        if sum(held.rows for held in self.held.values()) >= MOST_ROWS:
            return 0.0
        return max(0.0, self._committed_s + COMMIT_EVERY_S - monotonic_s())

    async def commit(self) -> int:
        """Write everything that waits in one transaction; gives the number of rows.

        Raises:
            Fenced: a partition has another owner.
        """
        self._committed_s = monotonic_s()
        due = [(number, held) for number, held in sorted(self.held.items()) if held.position > held.committed]
        if not due:
            return 0
        batches = [batch for _, held in due for batch in held.waiting]
        async with self._pool.acquire() as conn:
            await self._make_days(conn, batches)
            async with conn.transaction():
                for number, held in due:
                    await self._advance(conn, number, held)
                rows = await _copy(conn, batches)
        for _, held in due:
            held.committed, held.waiting, held.repeated = held.position, [], 0
        metrics.RECORDER_FIXES.inc(rows)
        return rows

    async def _advance(self, conn: asyncpg.pool.PoolConnectionProxy, number: int, held: Held) -> None:
        counts = {FIXES: held.rows, REPEATED: held.repeated}
        if not await progress.advance(
            conn, CONSUMER, number, held.epoch, held.committed, held.position, counts, held.had
        ):
            raise Fenced(f"partition {number}: epoch {held.epoch} is no longer ours")

    async def _make_days(self, conn: asyncpg.pool.PoolConnectionProxy, batches: Sequence[FixBatch]) -> None:
        """The day tables of these fixes, and tomorrow's ahead of midnight."""
        days = {day for batch in batches for day in history.days_of(batch.fixes)} | {
            history.day_of(now_ms()) + 1
        }
        if any(history.table_of(day) not in self._days for day in days):
            self._days = await history.make_days(conn, days)


def _new(batch: FixBatch, had: int) -> Fixes:
    """The fixes of a batch that were not had: its offsets ascend."""
    fixes = batch.fixes
    if int(fixes["raw_offset"][0]) > had:
        return fixes
    return fixes[int(np.searchsorted(fixes["raw_offset"], had, side="right")) :]


async def _copy(conn: asyncpg.pool.PoolConnectionProxy, batches: Sequence[FixBatch]) -> int:
    if not batches:
        return 0
    fixes = np.concatenate([batch.fixes for batch in batches])
    sources = np.repeat(
        np.array([batch.source_partition for batch in batches], np.int16),
        [len(batch.fixes) for batch in batches],
    )
    return await history.copy_fixes(conn, sources, fixes)


async def session(service: Service) -> None:
    """Work until the stop; ends with one of `services.runtime.service.AWAY` when a server is away."""
    pool = await connect(service.settings.database_url, name="roadwatch-recorder")
    try:
        recorder = Recorder(pool, service.owner)
        async with Consumer(
            service.settings, CONSUMER, FIXES_TOPIC, recorder.claim, recorder.release
        ) as consumer:
            await _work(service, recorder, consumer, Keepalive(pool))
    finally:
        pool.terminate()


async def _work(service: Service, recorder: Recorder, consumer: Consumer, keepalive: Keepalive) -> None:
    watchdog = Watchdog(service.settings.stall_s)
    told_s = monotonic_s()
    while not service.stopping.is_set():
        await keepalive.keep()
        for number, batch in (await consumer.poll(min(POLL_S, recorder.due_in_s() or POLL_S))).items():
            recorder.take(number, batch.offsets, batch.values)
            if (
                not recorder.due_in_s()
            ):  # a backlog fills a transaction before all partitions have had their turn
                await recorder.commit()
        if not recorder.due_in_s():
            await recorder.commit()
        positions = {number: held.committed for number, held in recorder.held.items()}
        service.lag = consumer.lag(positions)
        metrics.STALL_SECONDS.labels(CONSUMER).set(watchdog.check(positions, service.lag, monotonic_s()))
        if recorder.held:
            became_ready(service)
        if positions and monotonic_s() - told_s >= TELL_KAFKA_EVERY_S:
            told_s = monotonic_s()
            await consumer.commit(positions)
    await recorder.commit()
