"""The rule service's shell: fetch from `gps.fixes`, judge, commit alerts, events, state and progress in one PostgreSQL transaction.

Exactly once without distributed transactions: the progress row of each partition is raised by compare-and-set on (epoch, next
offset) in the transaction that writes the results. After any error, and after a commit whose outcome is unknown, all local state is
forgotten and every partition is claimed again; what the database has already is then judged silently (docs/decisions/0003).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec
import numpy as np
import structlog

from services.compiled import slow_because
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
from services.runtime import fallback, metrics
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import Batch
from services.runtime.service import Service
from services.store import alerts, configs, drivers, snapshots
from services.store.alerts import NewEvent
from services.store.connect import Conn
from services.store.connect import pool as connect
from services.store.partition_worker import Held, PartitionWorker, Work
from services.store.progress import Claim

CONSUMER = "rules"
FULL_EVERY = 20
"""Every so many snapshots a full one, so that a claim loads a bounded number."""
SAY_COMPILED_S = 1.0
PORTION_BYTES = 512 * 1024
"""About 8,000 fixes: a tenth of a second of judging where many of them raise something."""
MOST_EVENTS = 1000
"""Written in one transaction, give or take a portion's."""
FIXES_KIND = bytes([KIND_FIXES])
OUTCOMES = ((JUDGED, "judged"), (DUPLICATE, "duplicate"), (LATE, "late"), (UNKNOWN, "unknown_vehicle"))

log = structlog.get_logger()


@dataclass(slots=True)
class Judging:
    """A partition being judged, what of it waits for the database, and its snapshots."""

    partition: Partition
    snapshot_s: float
    snapshot_at: int  # offset of the last snapshot, or where this owner began without one
    snapshots: int = 0
    waiting: list[Transition] = field(default_factory=list)


class Rules(Work[Judging]):
    """Judges partitions; what raised nothing may wait for its progress row, what raised something is committed at once."""

    consumer, topic = CONSUMER, FIXES
    portion_bytes = PORTION_BYTES
    leaves_state = True
    """So that whoever comes next, an upgrade perhaps, has nothing to judge again."""

    def __init__(self, pool: asyncpg.Pool, snapshot_every_s: float) -> None:
        """Knows no document and no driver yet."""
        self.pool, self.snapshot_every_s = pool, snapshot_every_s
        self.codes: dict[int, str] = {}
        self.documents: dict[str, Config] = {"": Config()}

    async def begin(self, conn: Conn, number: int, claim: Claim) -> tuple[Judging, int]:
        """The state of the newest snapshot; from there on the log is judged silently up to `claim.next_offset`."""
        partition = await self._restore(conn, number, claim.next_offset)
        return Judging(partition, monotonic_s(), partition.position), partition.position

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
        self.codes.update(await drivers.codes_by_number(conn))

    async def take(self, taken: Sequence[tuple[Held[Judging], Batch]]) -> None:
        """Judge."""
        await self._prepare([batch for _, batch in taken])
        for held, batch in taken:
            self._judge(held.state, batch)

    def _judge(self, judging: Judging, batch: Batch) -> None:
        partition = judging.partition
        before = partition.engine.outcome.copy()
        with metrics.RULES_BATCH_SECONDS.time():
            judging.waiting += partition.apply(
                batch.offsets, batch.timestamps, batch.values, self.documents, batch.next_offset
            )
        for place, outcome in OUTCOMES:
            metrics.RULES_FIXES.labels(outcome).inc(int(partition.engine.outcome[place] - before[place]))
        for offset, problem in partition.malformed:
            log.error("malformed_batch", partition=partition.number, offset=offset, problem=problem)
        partition.malformed.clear()

    async def _prepare(self, batches: Sequence[Batch]) -> None:
        """Fetch the documents and driver codes that these messages will ask for."""
        wanted = {record.document for batch in batches for record in config_records(batch.values)}
        new_drivers = unknown_drivers(batches, self.codes)
        if new_drivers or wanted - self.documents.keys():
            async with self.pool.acquire() as conn:
                for document in wanted - self.documents.keys():
                    await self._config(conn, document)
                if new_drivers:
                    self.codes.update(await drivers.codes_of(conn, new_drivers))

    def config_version(self, held: Held[Judging]) -> int:
        """That of the config record judged last."""
        return held.state.partition.engine.config.version

    def urgent(self, held: Sequence[Held[Judging]]) -> bool:
        """Whether anything was raised."""
        return any(each.state.waiting for each in held)

    def full(self, held: Sequence[Held[Judging]]) -> bool:
        """Whether as much was raised as one transaction should write."""
        return sum(len(each.state.waiting) for each in held) >= MOST_EVENTS

    async def write(self, conn: Conn, due: Sequence[Held[Judging]], *, last: bool) -> None:
        """Snapshots that are due, all of them before a stop; then alerts and events, for the feed's row is locked last."""
        for held in due:
            if last or monotonic_s() - held.state.snapshot_s >= self.snapshot_every_s:
                await self._save(conn, held.state)
        events = [transition for held in due for transition in held.state.waiting]
        if events:
            await alerts.append(conn, new_events(events))

    async def _save(self, conn: Conn, judging: Judging) -> None:
        partition = judging.partition
        if partition.position <= judging.snapshot_at:
            return
        full = judging.snapshots % FULL_EVERY == 0
        body = partition.snapshot(full=full)
        await snapshots.save(
            conn, partition.number, partition.position, partition.engine.config.version, full, body
        )
        judging.snapshots += 1
        judging.snapshot_at, judging.snapshot_s = partition.position, monotonic_s()
        metrics.RULES_SNAPSHOT_BYTES.set(len(body))

    def written(self, due: Sequence[Held[Judging]]) -> None:
        """They are in the database."""
        for held in due:
            for transition in held.state.waiting:
                metrics.RULES_EVENTS.labels(transition.episode.rule, str(transition.event)).inc()
            held.state.waiting = []

    async def keep_house(self, held: Mapping[int, Held[Judging]]) -> None:
        """Tell how many vehicles there are."""
        metrics.RULES_VEHICLES.set(sum(len(each.state.partition.engine.vehicles) for each in held.values()))


def unknown_drivers(batches: Iterable[Batch], codes: Mapping[int, str]) -> set[int]:
    """The drivers named by fixes whose codes are not known here yet."""
    named = [
        np.frombuffer(value, FIX, -1, HEADER.size)["driver"]
        for batch in batches
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
    """Work until the stop; ends with one of `services.runtime.interruptions` or `AWAY` when another session must begin, all local state forgotten."""
    begun_s = monotonic_s()
    await asyncio.to_thread(warm)
    fallback.tell(fallback.COMPILED_CODE, slow_because())
    if monotonic_s() - begun_s > SAY_COMPILED_S:
        log.info("compiled", seconds=round(monotonic_s() - begun_s, 1))
    pool: asyncpg.Pool = await connect(service.settings.database_url, name="roadwatch-rules")
    try:
        rules = Rules(pool, service.settings.snapshot_every_s)
        await PartitionWorker(pool, service.owner, rules).run(service)
    finally:
        pool.terminate()
