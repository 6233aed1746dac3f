"""The rule service's shell: fetch from `gps.fixes`, judge, commit alerts, events, state and progress in one PostgreSQL transaction.

Exactly once without distributed transactions: the progress row of each partition is raised by compare-and-set on (epoch, next
offset) in the transaction that writes the results. After any error, and after a commit whose outcome is unknown, all local state is
forgotten and every partition is claimed again; what the database has already is then judged silently (docs/decisions/0003).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
import numpy as np
import structlog

from services.contracts.alert import event_id
from services.contracts.batch import HEADER, KIND_FIXES
from services.contracts.fix import FIX, FIX_BYTES
from services.contracts.registry import Config
from services.contracts.topics import FIXES
from services.rules.fleet import DUPLICATE, JUDGED, LATE, UNKNOWN
from services.rules.partition import KIND_AT, Partition, config_records, restored
from services.rules.snapshot import OtherLayout, document_of
from services.rules.transitions import Transition
from services.rules.warm import warm
from services.runtime import metrics
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import Batch, Consumer, Watchdog
from services.runtime.service import Service, became_ready
from services.store import alerts, configs, drivers, progress, snapshots
from services.store.alerts import NewEvent
from services.store.connect import Conn, Keepalive
from services.store.connect import pool as connect

CONSUMER = "rules"
COMMIT_EVERY_S = 0.2
"""A batch that raised nothing may wait so long for its progress row; one that raised something is committed at once."""
FULL_EVERY = 20
"""Every so many snapshots a full one, so that a claim loads a bounded number."""
POLL_S = 0.1
SAY_COMPILED_S = 1.0
PORTION_BYTES = 512 * 1024
"""About 8,000 fixes: a tenth of a second of judging where many of them raise something."""
MOST_EVENTS = 1000
"""Written in one transaction, give or take a portion's."""
FIXES_KIND = bytes([KIND_FIXES])
OUTCOMES = ((JUDGED, "judged"), (DUPLICATE, "duplicate"), (LATE, "late"), (UNKNOWN, "unknown_vehicle"))

log = structlog.get_logger()


class Fenced(ConnectionError):
    """Another worker has claimed the partition; nothing of ours may be written, a new session claims what is ours."""


@dataclass(slots=True)
class Held:
    """A partition in this worker's hands."""

    partition: Partition
    epoch: int
    committed: int  # next offset as the database has it
    snapshot_s: float
    snapshot_at: int  # offset of the last snapshot, or where this owner began without one
    snapshots: int = 0
    waiting: list[Transition] = field(default_factory=list)

    @property
    def behind(self) -> bool:
        """Whether the database does not yet have what is judged."""
        return self.partition.position > self.committed

    @property
    def silent(self) -> bool:
        """Whether it still judges what the database has already."""
        return self.partition.position < self.partition.silent_until


class RulesWorker:
    """Judges the partitions that the consumer group gives it."""

    def __init__(self, service: Service, pool: asyncpg.Pool, owner: str) -> None:
        """`owner` names this process in the progress rows."""
        self.settings = service.settings
        self.pool = pool
        self.owner = owner
        self.held: dict[int, Held] = {}
        self.codes: dict[int, str] = {}
        self.documents: dict[str, Config] = {"": Config()}
        self.told_s = monotonic_s()

    async def claim(self, partitions: Sequence[int]) -> dict[int, int]:
        """Take partitions over; returns the offset each is to be read from."""
        starts = {}
        for number in sorted(partitions):
            async with self.pool.acquire() as conn:
                claimed = await progress.claim(conn, CONSUMER, number, self.owner)
                partition = await self._restore(conn, number, claimed.next_offset)
            self.held[number] = Held(
                partition, claimed.epoch, claimed.next_offset, monotonic_s(), partition.position
            )
            starts[number] = partition.position
            log.info("claimed", partition=number, epoch=claimed.epoch, next_offset=claimed.next_offset,
                     judged_silently=claimed.next_offset - partition.position)  # fmt: skip
        return starts

    async def release(self, partitions: Sequence[int]) -> None:
        """Forget partitions that the group took away; what was not committed their next owner judges."""
        for number in partitions:
            self.held.pop(number, None)

    async def _restore(self, conn: Conn, number: int, next_offset: int) -> Partition:
        found = await snapshots.load(conn, number, next_offset)
        bodies = [snapshot.body for snapshot in found]
        await self._learn_drivers(conn)
        try:
            document = document_of(bodies[-1]) if bodies else ""
            config = await self._config(conn, document)
            position = found[-1].offset if found else 0
            return restored(
                number, config, document, bodies,
                position=position, next_offset=next_offset, driver_code=self.codes.get,
            )  # fmt: skip
        except OtherLayout as error:
            log.warning("snapshot_of_other_layout", partition=number, error=str(error), judging_from=0)
            return restored(
                number, Config(), "", (), position=0, next_offset=next_offset, driver_code=self.codes.get
            )

    async def _config(self, conn: Conn, document: str) -> Config:
        if document not in self.documents:
            self.documents[document] = await configs.document(conn, document)
        return self.documents[document]

    async def _learn_drivers(self, conn: Conn) -> None:
        self.codes.update({number: code for code, number in (await drivers.all_codes(conn)).items()})

    async def apply(self, batches: Mapping[int, Batch]) -> None:
        """Judge what was fetched and commit what is due, a portion at a time.

        A backlog may hold more than can be judged between two heartbeats or written within a statement's deadline; taken whole, it would fail
        and be taken whole again for ever.
        """
        await self._prepare(batches)
        for number, batch in batches.items():
            held = self.held.get(number)
            for records in portions(batch.records):
                if held is None or self.held.get(number) is not held:
                    break  # a rebalance came between: the rest is its next owner's
                self._apply(held, records)
                if sum(len(each.waiting) for each in self.held.values()) >= MOST_EVENTS:
                    await self.commit()
                await asyncio.sleep(0)
        if self._due():
            await self.commit()

    def _apply(self, held: Held, records: Sequence[Any]) -> None:
        partition = held.partition
        before = partition.engine.outcome.copy()
        batch = Batch(partition.number, records)
        with metrics.RULES_BATCH_SECONDS.time():
            held.waiting += partition.apply(batch.offsets, batch.timestamps, batch.values, self.documents)
        for place, outcome in OUTCOMES:
            metrics.RULES_FIXES.labels(outcome).inc(int(partition.engine.outcome[place] - before[place]))
        for offset, problem in partition.malformed:
            log.error("malformed_batch", partition=partition.number, offset=offset, problem=problem)
        partition.malformed.clear()

    async def _prepare(self, batches: Mapping[int, Batch]) -> None:
        """Fetch the documents and driver codes that these messages will ask for."""
        wanted = {record.document for batch in batches.values() for record in config_records(batch.values)}
        new_drivers = unknown_drivers(batches, self.codes)
        if new_drivers or wanted - self.documents.keys():
            async with self.pool.acquire() as conn:
                for document in wanted - self.documents.keys():
                    await self._config(conn, document)
                if new_drivers:
                    self.codes.update(await drivers.codes_of(conn, new_drivers))

    def _due(self) -> bool:
        if any(held.waiting for held in self.held.values()):
            return True
        return monotonic_s() - self.told_s >= COMMIT_EVERY_S and any(
            held.behind for held in self.held.values()
        )

    async def commit(self, *, last: bool = False) -> None:
        """One transaction for everything judged and not yet in the database.

        The last one before a stop also leaves the state of every partition as it is, so that whoever comes next, an upgrade perhaps, has
        nothing to judge again.

        Raises:
            Fenced: another worker owns one of the partitions.
        """
        due = [held for _, held in sorted(self.held.items()) if held.behind or (last and not held.silent)]
        if not due:
            return
        events = [transition for held in due for transition in held.waiting]
        async with self.pool.acquire() as conn, conn.transaction():
            for held in due:
                await self._advance(conn, held, last=last)
            if events:
                await alerts.append(conn, new_events(events))
        for held in due:
            held.committed = held.partition.position
            held.waiting = []
        self.told_s = monotonic_s()
        for transition in events:
            metrics.RULES_EVENTS.labels(transition.episode.rule, str(transition.event)).inc()

    async def _advance(self, conn: Conn, held: Held, *, last: bool) -> None:
        partition = held.partition
        if not await progress.advance(
            conn, CONSUMER, partition.number, held.epoch, held.committed, partition.position
        ):
            raise Fenced(f"partition {partition.number}: epoch {held.epoch} is no longer ours")
        due = last or monotonic_s() - held.snapshot_s >= self.settings.snapshot_every_s
        if due and partition.position > held.snapshot_at:
            full = held.snapshots % FULL_EVERY == 0
            body = partition.snapshot(full=full)
            await snapshots.save(
                conn, partition.number, partition.position, partition.engine.config.version, full, body
            )
            held.snapshots += 1
            held.snapshot_at = partition.position
            held.snapshot_s = monotonic_s()
            metrics.RULES_SNAPSHOT_BYTES.set(len(body))


def portions(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Consecutive records cut after `PORTION_BYTES`, a record at least in each."""
    first, size = 0, 0
    for place, record in enumerate(records):
        size += len(record.value or b"")
        if size >= PORTION_BYTES:
            yield records[first : place + 1]
            first, size = place + 1, 0
    if first < len(records):
        yield records[first:]


def unknown_drivers(batches: Mapping[int, Batch], codes: Mapping[int, str]) -> set[int]:
    """The drivers named by fixes whose codes are not known here yet."""
    named = [
        np.frombuffer(value, FIX, -1, HEADER.size)["driver"]
        for batch in batches.values()
        for value in batch.values
        if value[KIND_AT : KIND_AT + 1] == FIXES_KIND and (len(value) - HEADER.size) % FIX_BYTES == 0
    ]
    if not named:
        return set()
    drivers_named = np.concatenate(named)
    return set(np.unique(drivers_named[drivers_named > 0]).tolist()) - codes.keys()


def new_events(transitions: Sequence[Transition]) -> list[NewEvent]:
    """Transitions as rows for the database."""
    time_ms = now_ms()
    encoder = msgspec.json.Encoder()
    return [
        NewEvent(
            event_id=event_id(transition.alert.id, transition.sequence),
            type=str(transition.event),
            time_ms=time_ms,
            alert=transition.alert,
            severity_rank=transition.severity_rank,
            began_ms=transition.began_ms,
            ended_ms=transition.ended_ms,
            data=encoder.encode(transition.alert),
        )
        for transition in transitions
    ]


async def session(service: Service) -> None:
    """Work until the stop; ends with one of `services.runtime.service.AWAY` when a server is away, all local state forgotten."""
    begun_s = monotonic_s()
    await asyncio.to_thread(warm)
    if monotonic_s() - begun_s > SAY_COMPILED_S:
        log.info("compiled", seconds=round(monotonic_s() - begun_s, 1))
    pool = await connect(service.settings.database_url, name="roadwatch-rules")
    try:
        worker = RulesWorker(service, pool, service.owner)
        async with Consumer(service.settings, CONSUMER, FIXES, worker.claim, worker.release) as consumer:
            await _work(service, worker, consumer)
    finally:
        pool.terminate()


async def _work(service: Service, worker: RulesWorker, consumer: Consumer) -> None:
    watchdog, keepalive = Watchdog(service.settings.stall_s), Keepalive(worker.pool)
    while not service.stopping.is_set():
        await worker.apply(await consumer.poll(POLL_S))
        await keepalive.keep()
        positions = {number: held.partition.position for number, held in worker.held.items()}
        service.lag = consumer.lag(positions)
        metrics.STALL_SECONDS.labels(CONSUMER).set(watchdog.check(positions, service.lag, monotonic_s()))
        metrics.RULES_VEHICLES.set(sum(len(held.partition.engine.vehicles) for held in worker.held.values()))
        if worker.held and not any(held.silent for held in worker.held.values()):
            became_ready(service)
    await worker.commit(last=True)
