"""The recorder: every fix of `gps.fixes` into history exactly once, by COPY, many batches and all partitions of this process in one transaction.

The transaction raises each partition's progress row by compare-and-set and keeps with it the last `gps.raw` offset had of each source, so
that neither a crash here nor a batch that ingest sent twice leaves a second row. Ticks and configs are passed over.
"""

from collections.abc import Iterable, Sequence

import asyncpg
import numpy as np
import structlog

from services.contracts.batch import FixBatch, Malformed, unpack
from services.contracts.fix import Fixes
from services.contracts.topics import FIXES as FIXES_TOPIC
from services.contracts.topics import MIB
from services.runtime import metrics
from services.runtime.clock import now_ms
from services.runtime.kafka import Batch
from services.runtime.service import Service
from services.store import driver_seen, history
from services.store.connect import Conn
from services.store.connect import pool as connect
from services.store.driver_list import DAYS
from services.store.partition_worker import Held, PartitionWorker, Work
from services.store.progress import Claim

CONSUMER = "recorder"
COMMIT_EVERY_S = 0.15  # a fix is in history that soon; more commits would only cost disk flushes
MOST_ROWS = 60_000  # a transaction: about 10 MB of rows
FIXES, REPEATED = "fixes", "repeated"

log = structlog.get_logger()
Waiting = list[FixBatch]
"""A partition's fixes that are not in the database yet."""


class Recorder(Work[Waiting]):
    """Writes the fixes of the messages it takes."""

    consumer, topic = CONSUMER, FIXES_TOPIC
    commit_every_s = COMMIT_EVERY_S
    portion_bytes = 2 * MIB

    def __init__(self) -> None:
        """No day table is known yet, and no card."""
        self._days: set[str] = set()
        self._cards = driver_seen.Known()
        self._new_cards: list[driver_seen.Sighting] = []

    async def begin(self, _conn: Conn, _number: int, claim: Claim) -> tuple[Waiting, int]:
        """Nothing waits."""
        return [], claim.next_offset

    async def take(self, taken: Sequence[tuple[Held[Waiting], Batch]]) -> None:
        """Unpack messages and drop what was had."""
        for held, batch in taken:
            for offset, value in zip(batch.offsets, batch.values, strict=True):
                _take(held, offset, value)

    def full(self, held: Sequence[Held[Waiting]]) -> bool:
        """A backlog fills a transaction before all partitions have had their turn."""
        return sum(map(len, _fixes(held))) >= MOST_ROWS

    async def prepare(self, conn: Conn, due: Sequence[Held[Waiting]]) -> None:
        """The day tables of these fixes, and tomorrow's ahead of midnight; then, once a day, cards not seen for long are forgotten, too."""
        days = {day for fixes in _fixes(due) for day in history.days_of(fixes)} | {
            history.day_of(now_ms()) + 1
        }
        if any(history.table_of(day) not in self._days for day in days):
            self._days = await history.make_days(conn, days)
            await driver_seen.forget(conn, now_ms() - DAYS * history.DAY_MS)

    async def write(self, conn: Conn, due: Sequence[Held[Waiting]], *, last: bool) -> None:  # noqa: ARG002
        """Copy the fixes, and note the cards they name."""
        batches = [batch for held in due for batch in held.state]
        self._new_cards = []
        if batches:
            fixes = np.concatenate([batch.fixes for batch in batches])
            await _copy(conn, batches, fixes)
            self._new_cards = self._cards.new(driver_seen.sightings(fixes))
            await driver_seen.note(conn, self._new_cards)

    def written(self, due: Sequence[Held[Waiting]]) -> None:
        """They are in the database."""
        metrics.RECORDER_FIXES.inc(sum(map(len, _fixes(due))))
        self._cards.keep(self._new_cards)
        for held in due:
            held.state = []


def _take(held: Held[Waiting], offset: int, value: bytes) -> None:
    try:
        message = unpack(value)
    except Malformed as error:
        log.error("malformed_batch", partition=held.number, offset=offset, problem=str(error))  # noqa: TRY400 - says it all
        return
    if isinstance(message, FixBatch) and len(message.fixes):
        new = _new(message, held.had.get(message.source_partition, -1))
        held.counts[FIXES] += len(new)
        held.counts[REPEATED] += len(message.fixes) - len(new)
        if len(new):
            held.had[message.source_partition] = int(new["raw_offset"][-1])
            held.state.append(FixBatch(message.source_partition, new))


def _fixes(held: Iterable[Held[Waiting]]) -> list[Fixes]:
    return [batch.fixes for each in held for batch in each.state]


def _new(batch: FixBatch, had: int) -> Fixes:
    """The fixes of a batch that were not had: its offsets ascend."""
    fixes = batch.fixes
    if int(fixes["raw_offset"][0]) > had:
        return fixes
    return fixes[int(np.searchsorted(fixes["raw_offset"], had, side="right")) :]


async def _copy(conn: Conn, batches: Sequence[FixBatch], fixes: Fixes) -> None:
    sources = np.repeat(
        np.array([batch.source_partition for batch in batches], np.int16),
        [len(batch.fixes) for batch in batches],
    )
    await history.copy_fixes(conn, sources, fixes)


async def session(service: Service) -> None:
    """Work until the stop; ends with one of `services.runtime.interruptions` or `AWAY` when another session must begin."""
    pool: asyncpg.Pool = await connect(service.settings.database_url, name="roadwatch-recorder")
    try:
        await PartitionWorker(pool, service.owner, Recorder()).run(service)
    finally:
        pool.terminate()
