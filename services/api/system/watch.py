"""Keeps an eye on the services from outside: where each consumer is and where the log ends, every five seconds for the last hour.

Nothing is asked of the services. Each writes its progress and its counts in the transaction that holds its results, so these rows are what is done, not
what is claimed; a rate is the difference of two of them. What was before the api started is not known and not made up.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

import asyncpg
import structlog

from services.api.database import Database, DatabaseAway
from services.contracts.topics import FIXES, RAW
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import KafkaAway, end_offsets
from services.runtime.settings import Settings
from services.store import system
from services.store.scope import EVERYTHING

EVERY_S = 5.0
KEPT_S = 3600.0
READS = {"ingest": RAW, "recorder": FIXES, "rules": FIXES}
"""Consumer to the short name of the topic that it reads."""

log = structlog.get_logger()
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works on a partition, and since when (Unix ms)."""

    owner: str
    claimed_ms: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A look: next offset by (consumer, partition), totals counted by consumer, holders."""

    at_s: float
    at_ms: int
    positions: dict[Place, int]
    counts: dict[str, Counter[str]]
    holders: dict[Place, Holder]


@dataclass(slots=True)
class Watch:
    """The looks of the last hour, and where the log ended when it was last asked; `ends` None: Kafka does not answer."""

    settings: Settings
    database: Database
    samples: deque[Sample] = field(default_factory=deque)
    ends: dict[str, dict[int, int]] | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        await asyncio.gather(self._progress(), self._log_ends())

    async def _progress(self) -> None:
        while True:
            try:
                async with self.database.reading(EVERYTHING) as conn:
                    rows = await system.progress(conn)
            except DatabaseAway as error:
                log.debug("watch_waits", error=str(error))
            else:
                self.take(sample(rows, monotonic_s(), now_ms()))
            await asyncio.sleep(EVERY_S)

    async def _log_ends(self) -> None:
        while True:
            try:
                self.ends = {topic: await end_offsets(self.settings, topic) for topic in (RAW, FIXES)}
            except (KafkaAway, OSError) as error:
                self.ends = None
                log.debug("watch_waits", error=str(error))
            await asyncio.sleep(EVERY_S)

    def take(self, found: Sample) -> None:
        """Keep a look, and forget those of more than an hour ago."""
        self.samples.append(found)
        while self.samples[0].at_s < found.at_s - KEPT_S - EVERY_S:
            self.samples.popleft()

    def since(self, seconds: float) -> Sample | None:
        """The look of so many seconds before the last one, or the first there is; None: there are not two."""
        if len(self.samples) < 2:
            return None
        last = self.samples[-1]
        return next(found for found in self.samples if found.at_s >= last.at_s - seconds - EVERY_S / 2)


def sample(rows: list[asyncpg.Record], at_s: float, at_ms: int) -> Sample:
    """Progress rows as a look."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["consumer"], Counter()).update(
            {name: int(value) for name, value in row["counts"].items()}
        )
    return Sample(
        at_s,
        at_ms,
        {(row["consumer"], row["partition"]): row["next_offset"] for row in rows},
        counts,
        {
            (row["consumer"], row["partition"]): Holder(
                row["owner"], int(row["claimed_at"].timestamp() * 1000)
            )
            for row in rows
        },
    )


def rate(earlier: int, later: int, seconds: float) -> float | None:
    """Records a second between two looks; None where they prove none: too near one another, or the log was begun anew."""
    return round((later - earlier) / seconds, 1) if seconds > 0 and later >= earlier else None
