"""Consume, claim, advance: the loop of every service that reads a topic and keeps its place in `progress`, once for all of them.

A service gives a `Work`: how a partition's state begins (`begin`), what to make of records (`take`), what to write (`write`). The rest is here:

1. The group gives partitions: each is claimed (its epoch rises), `begin` makes its state, and it is read from where `begin` says.
2. A batch must begin where the partition stands, else `OutOfStep`. Holes inside it are no matter (runtime/kafka/batch.py).
3. `take` decides. It changes only memory; what it does outside (sending to Kafka) must bear being done again.
4. When it is due, one transaction: `next_offset` and counts by compare-and-set, then `write`. Refused: `FenceLost`, nothing is written.
5. After any error all state is forgotten; the next session claims afresh. A stop commits what is decided.

What is to happen every round, whatever comes, is `keep_house`. What is to stop the reading belongs into `PartitionWorker.run`.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import asyncpg
import structlog

from services.runtime import metrics
from services.runtime.clock import monotonic_s
from services.runtime.interruptions import FenceLost, OutOfStep, StopTaking
from services.runtime.kafka import Batch, Consumer, Watchdog
from services.runtime.service import Service, became_ready
from services.store import progress
from services.store.connect import Conn, Keepalive
from services.store.progress import Claim

POLL_S = 0.1
TELL_KAFKA_EVERY_S = 2.0  # for its dashboards; nothing here reads it

S = TypeVar("S")
log = structlog.get_logger()


@dataclass(slots=True)
class Held(Generic[S]):
    """A partition in this process's hands.

    Attributes:
        committed: next offset as the database has it.
        position: next offset as this process has decided; before `committed` while it only rebuilds its state.
        counts: added to the row's with the next commit.
        config_version: as the database has it.
        had: last offset had of each partition of `gps.raw`, kept in the row; {} where a service keeps it elsewhere.
        state: the service's own.
    """

    number: int
    epoch: int
    committed: int
    position: int
    config_version: int
    had: dict[int, int]
    state: S
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def silent(self) -> bool:
        """Whether it decides again what the database has already."""
        return self.position < self.committed


class Work(Generic[S]):
    """What a service does with its records; what is not overridden does nothing."""

    consumer: str
    """Its name in `progress` and, with a prefix, of its consumer group."""
    topic: str
    """Short name."""
    commit_every_s = 0.2
    """What is decided waits no longer for its transaction."""
    portion_bytes = 0
    """`take` gets so much at once, of one partition; 0: all that was fetched, of all partitions."""
    leaves_state = False
    """Whether `write` has something to write at a stop, also for partitions that did not advance."""

    async def begin(self, conn: Conn, number: int, claim: Claim) -> tuple[S, int]:
        """State of a partition just claimed, and the offset to read from, not after `claim.next_offset`."""
        raise NotImplementedError

    async def take(self, taken: Sequence[tuple[Held[S], Batch]]) -> None:
        """Decide; batches may have no records. Positions are moved afterwards."""
        raise NotImplementedError

    def config_version(self, held: Held[S]) -> int:  # noqa: ARG002 - for those who override it
        """The version by which it decides what comes next; kept with the progress, for who waits until a version is in force."""
        return 0

    def urgent(self, held: Sequence[Held[S]]) -> bool:
        """Whether to commit at once, after all that was fetched is taken."""
        return self.full(held)

    def full(self, held: Sequence[Held[S]]) -> bool:  # noqa: ARG002 - for those who override it
        """Whether to commit before any more is taken."""
        return False

    async def prepare(self, conn: Conn, due: Sequence[Held[S]]) -> None:
        """What must be there before the transaction."""

    async def write(self, conn: Conn, due: Sequence[Held[S]], *, last: bool) -> None:
        """Write the results in the transaction that moves the progress; `last` before a stop."""

    def written(self, due: Sequence[Held[S]]) -> None:
        """The transaction stands: forget what was to be written."""

    async def keep_house(self, held: Mapping[int, Held[S]]) -> None:
        """What is due by time; called every round."""


class PartitionWorker(Generic[S]):
    """Does a `Work` on the partitions that the consumer group gives."""

    def __init__(self, pool: asyncpg.Pool, owner: str, work: Work[S]) -> None:
        """`owner` names this process in the progress rows."""
        self.pool, self.owner, self.work = pool, owner, work
        self.held: dict[int, Held[S]] = {}
        self._committed_s = monotonic_s()

    async def claim(self, partitions: Sequence[int]) -> dict[int, int]:
        """Take partitions over; gives the offset each is to be read from.

        Raises:
            FenceLost: an old owner's transaction is still open.
        """
        starts = {}
        for number in sorted(partitions):
            async with self.pool.acquire() as conn:
                claim = await self._claimed(conn, number)
                state, start = await self.work.begin(conn, number, claim)
            self.held[number] = Held(
                number, claim.epoch, claim.next_offset, start, claim.config_version, claim.had, state
            )
            starts[number] = start
            log.info("claimed", partition=number, epoch=claim.epoch, next_offset=claim.next_offset,
                     read_again=claim.next_offset - start)  # fmt: skip
        return starts

    async def _claimed(self, conn: Conn, number: int) -> Claim:
        try:
            return await progress.claim(conn, self.work.consumer, number, self.owner)
        except asyncpg.LockNotAvailableError as error:
            raise FenceLost(
                f"partition {number}: its old owner's transaction is still open ({error})"
            ) from error

    async def release(self, partitions: Sequence[int]) -> None:
        """Forget partitions that the group took away; what was not committed comes again to their next owner."""
        for number in partitions:
            self.held.pop(number, None)

    async def apply(self, batches: Mapping[int, Batch]) -> None:
        """Take what was fetched; of partitions not held it is left to their owners.

        Raises:
            OutOfStep: a batch does not begin where its partition stands; nothing was taken.
            FenceLost: a commit on the way was refused.
        """
        taken = [(held, batch) for number, batch in batches.items() if (held := self.held.get(number))]
        for held, batch in taken:
            if batch.first != held.position:
                raise OutOfStep(
                    f"partition {held.number}: {batch.first} to {batch.next_offset} came, {held.position} is next"
                )
        if self.work.portion_bytes:
            for held, batch in taken:
                await self._in_portions(held, batch)
        elif taken:
            await self._take(taken)

    async def _in_portions(self, held: Held[S], batch: Batch) -> None:
        """A backlog taken whole might take longer than heartbeats or a statement's deadline allow, fail, and be taken whole again for ever."""
        for portion in batch.portions(self.work.portion_bytes):
            if self.held.get(held.number) is not held:
                return  # a rebalance came between: the rest is its next owner's
            await self._take([(held, portion)])
            if self.work.full(list(self.held.values())):
                await self.commit()
            await asyncio.sleep(0)

    async def _take(self, taken: Sequence[tuple[Held[S], Batch]]) -> None:
        await self.work.take(taken)
        for held, batch in taken:
            held.position = batch.next_offset

    async def commit(self, *, last: bool = False) -> None:
        """One transaction for everything decided and not yet in the database.

        Raises:
            FenceLost: another process owns one of the partitions; nothing was written.
        """
        leaving = last and self.work.leaves_state
        due = [
            held
            for _, held in sorted(self.held.items())
            if self._behind(held) or (leaving and not held.silent)
        ]
        if not due:
            return
        async with self.pool.acquire() as conn:
            await self.work.prepare(conn, due)
            async with conn.transaction():
                for held in due:
                    await self._advance(conn, held)
                await self.work.write(conn, due, last=last)
        for held in due:
            held.committed, held.counts = held.position, Counter()
            held.config_version = self.work.config_version(held)
        self.work.written(due)
        self._committed_s = monotonic_s()

    async def _advance(self, conn: Conn, held: Held[S]) -> None:
        if not await progress.advance(
            conn, self.work.consumer, held.number, held.epoch, held.committed, held.position, held.counts, held.had,
            self.work.config_version(held),
        ):  # fmt: skip
            raise FenceLost(f"partition {held.number}: epoch {held.epoch} is no longer ours")

    def _behind(self, held: Held[S]) -> bool:
        """Whether the database does not yet have what is decided, or by which version."""
        return held.position > held.committed or (
            not held.silent and held.config_version != self.work.config_version(held)
        )

    def _due_in_s(self) -> float:
        """Seconds until what is decided should be committed; `POLL_S` at most."""
        if not any(self._behind(held) for held in self.held.values()):
            return POLL_S
        if self.work.urgent(list(self.held.values())):
            return 0.0
        return min(POLL_S, max(0.0, self._committed_s + self.work.commit_every_s - monotonic_s()))

    async def run(self, service: Service) -> None:
        """Work until the stop; ends with one of `services.runtime.interruptions` or `AWAY` when another session must begin."""
        watchdog, keepalive = Watchdog(service.settings.stall_s), Keepalive(self.pool)
        told_s = monotonic_s()
        work = self.work
        async with Consumer(
            service.settings, work.consumer, work.topic, self.claim, self.release
        ) as consumer:
            while not service.stopping.is_set():
                batches = await consumer.poll(self._due_in_s())
                try:
                    await self.apply(batches)
                    await work.keep_house(self.held)
                except StopTaking:
                    await self.commit(last=True)
                    raise
                if not self._due_in_s():
                    await self.commit()
                await keepalive.keep()
                self._tell(service, consumer, watchdog)
                if self.held and monotonic_s() - told_s >= TELL_KAFKA_EVERY_S:
                    told_s = monotonic_s()
                    await consumer.commit({number: held.committed for number, held in self.held.items()})
            await self.commit(last=True)

    def _tell(self, service: Service, consumer: Consumer, watchdog: Watchdog) -> None:
        """Lag, stall and readiness; what is decided but not committed is not done."""
        positions = {number: min(held.position, held.committed) for number, held in self.held.items()}
        service.lag = consumer.lag(positions)
        metrics.STALL_SECONDS.labels(self.work.consumer).set(
            watchdog.check(positions, service.lag, monotonic_s())
        )
        if self.held and not any(held.silent for held in self.held.values()):
            became_ready(service)
