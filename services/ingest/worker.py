"""The ingest worker's shell: `gps.raw` in, packed fixes and rejects out, counts with the progress in PostgreSQL.

At-least-once: progress is written after Kafka has acknowledged what was made of the records. After a crash some batches come twice;
every consumer of `gps.fixes` drops what it has had (source partition and offset travel with the fixes).
"""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from services.compiled import slow_because
from services.contracts.batch import pack_fixes, pack_tick, partition_of
from services.contracts.fix import Fixes
from services.contracts.reasons import BY_CODE
from services.contracts.registry import Config
from services.contracts.topics import CONTENT_TYPE, FIXES, JSON_REPORT, RAW, REJECTED
from services.ingest.configs import publish
from services.ingest.guard import Guarding, wait_while_held
from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import Processed, process
from services.ingest.tables import DriverTable
from services.runtime import fallback, metrics
from services.runtime.clock import monotonic_s
from services.runtime.interruptions import StopTaking
from services.runtime.kafka import Batch, Message, Producer
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.store import configs, drivers
from services.store.connect import Conn
from services.store.connect import pool as connect
from services.store.partition_worker import Held, PartitionWorker, Work
from services.store.progress import Claim

CONSUMER = "ingest"
PARSER_VERSION = b"1"
LOOK_EVERY_S = 0.5
UNPUBLISHED_S = 5.0
MOST_FIXES = 32_768
"""Fixes in one message: 2 MiB."""
ENOUGH = 1000
"""Reports in a batch, to say that none of them was plain."""
JSON_TYPE = JSON_REPORT.encode()
JSON_TYPES = (JSON_TYPE, JSON_TYPE + b";charset=utf-8")  # spaces and case aside

VALUE, HEADERS = attrgetter("value"), attrgetter("headers")

log = structlog.get_logger()


class Ingest(Work[None]):
    """Decides reports and sends what comes of them; the database gets the counts alone."""

    consumer, topic = CONSUMER, RAW

    def __init__(self, settings: Settings, pool: asyncpg.Pool, producer: Producer) -> None:
        """Knows no vehicle before it has learnt."""
        self.settings, self.pool, self.producer = settings, pool, producer
        self.codes = DriverTable()
        self.document, self.version = "", 0
        self.lookup = VehicleLookup(Config())
        self.greatest_ms = -1
        self.guarding = Guarding(settings, pool)
        self.looked_s = self.ticked_s = monotonic_s()

    async def begin(self, conn: Conn, _number: int, claim: Claim) -> tuple[None, int]:
        """No state of a partition's own; but what its last owner had taken up, this one must not decide without."""
        if claim.config_version > self.version:
            await self._take_up(conn)
        return None, claim.next_offset

    def config_version(self, held: Held[None]) -> int:  # noqa: ARG002 - the same for all
        """The version taken up last."""
        return self.version

    async def learn(self) -> None:
        """Take up the config version in force, and publish one whose importer died.

        Raises:
            StopTaking: ingest is held.
        """
        await self.guarding.look()
        async with self.pool.acquire() as conn:
            await self._take_up(conn)
            if await configs.unpublished(conn, UNPUBLISHED_S):
                for late in await publish(self.producer, conn, UNPUBLISHED_S):
                    log.warning("config_published_for_its_importer", version=late.version)
            if not len(self.codes):
                self.codes.learn(await drivers.all_codes(conn))

    async def _take_up(self, conn: Conn) -> None:
        record = await configs.published(conn)
        if record is None or record.document == self.document:
            return
        self.lookup = VehicleLookup(await configs.document(conn, record.document))
        process(
            [b"{}"], None, np.zeros(1, np.int64), self.lookup, self.codes, self.settings.service_area
        )  # warm
        self.document, self.version = record.document, record.version
        log.info("config", version=record.version, document=record.document[:12])

    async def take(self, taken: Sequence[tuple[Held[None], Batch]]) -> None:
        """Decide what was fetched and send what comes of it.

        Raises:
            StopTaking: too much of it would be kept out; nothing of it was sent.
        """
        with metrics.INGEST_SECONDS.time():
            done = [(held, batch, await self._decide(batch)) for held, batch in taken if batch.records]
            await self.guarding.judge(
                [(batch.timestamp_column(), processed) for _, batch, processed in done], self.version
            )
            messages: list[Message] = []
            for _, batch, processed in done:
                messages += self._fix_messages(batch.partition, processed.fixes)
                messages += self._reject_messages(batch, processed)
            await self.producer.send_batch(messages)
        for held, _, processed in done:
            held.counts.update(processed.verdicts)
            held.counts.update(processed.reasons)
            _count(processed)

    async def _decide(self, batch: Batch) -> Processed:
        values: list[bytes | None] = list(map(VALUE, batch.records))
        received, offsets = batch.timestamp_column(), batch.offset_column()
        foreign = _foreign(batch) if any(map(HEADERS, batch.records)) else []
        for place in foreign:
            values[place] = b"{}"
        processed = self._processed(values, received, offsets)
        if processed.missing_drivers:
            async with self.pool.acquire() as conn:
                self.codes.learn(await drivers.intern(conn, processed.missing_drivers))
            processed = self._processed(values, received, offsets)
        if foreign:
            processed = _as_foreign(processed, set(foreign))
        if len(processed.fixes):
            self.greatest_ms = max(self.greatest_ms, int(processed.fixes["time_ms"].max()))
        return processed

    def _processed(
        self, values: Sequence[bytes | None], received_ms: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> Processed:
        return process(
            values, received_ms, offsets, self.lookup, self.codes, self.settings.service_area,
            oldest_days=self.settings.oldest_days,
        )  # fmt: skip

    def _fix_messages(self, source: int, fixes: Fixes) -> list[Message]:
        if not len(fixes):
            return []
        targets = partition_of(fixes["vehicle"], self.settings.partitions)
        order = np.argsort(targets, kind="stable")
        ordered = fixes[order]
        edges = np.searchsorted(targets[order], np.arange(self.settings.partitions + 1))
        return [
            Message(
                FIXES,
                pack_fixes(source, ordered[start : min(start + MOST_FIXES, int(edges[target + 1]))]),
                partition=target,
            )
            for target in range(self.settings.partitions)
            for start in range(int(edges[target]), int(edges[target + 1]), MOST_FIXES)
        ]

    def _reject_messages(self, batch: Batch, processed: Processed) -> list[Message]:
        topic = (self.settings.topic_prefix + RAW).encode()
        messages = []
        for place, code in processed.rejected:
            record = batch.records[place]
            headers = (
                ("reason", code.encode()), ("verdict", BY_CODE[code].verdict.value.encode()), ("source-topic", topic),
                ("source-partition", str(batch.partition).encode()), ("source-offset", str(record.offset).encode()),
                ("parser-version", PARSER_VERSION), *record.headers,
            )  # fmt: skip
            messages.append(
                Message(
                    REJECTED,
                    record.value or b"",
                    record.key,
                    batch.partition % self.settings.partitions,
                    headers,
                )
            )
        return messages

    async def keep_house(self, held: Mapping[int, Held[None]]) -> None:
        """Ticks and the registry."""
        now_s = monotonic_s()
        if now_s - self.ticked_s >= self.settings.tick_every_s:
            self.ticked_s = now_s
            await self.producer.send_batch(
                [Message(FIXES, pack_tick(self.greatest_ms), partition=number) for number in sorted(held)]
            )
        if now_s - self.looked_s >= LOOK_EVERY_S:
            self.looked_s = now_s
            await self.learn()


def _foreign(batch: Batch) -> list[int]:
    """Places of records whose content type is none of ours; a header without a value (Kafka allows it) names none."""
    return [
        place
        for place, record in enumerate(batch.records)
        if record.headers
        and any(
            name == CONTENT_TYPE and value is not None and value.lower().replace(b" ", b"") not in JSON_TYPES
            for name, value in record.headers
        )
    ]


def _as_foreign(processed: Processed, foreign: set[int]) -> Processed:
    reasons, rejected = Counter(processed.reasons), []
    for place, code in processed.rejected:
        if place in foreign:
            reasons[code] -= 1
            reasons["CONTENT_TYPE"] += 1
            rejected.append((place, "CONTENT_TYPE"))
        else:
            rejected.append((place, code))
    return replace(processed, rejected=rejected, reasons=+reasons)


def _count(processed: Processed) -> None:
    metrics.INGEST_EXACT.inc(processed.exact)
    many = processed.verdicts.total()
    if many >= ENOUGH:
        none = f"none of {many} reports in a batch was plain: all are read the exact way, which is slower"
        fallback.tell(fallback.PLAIN_REPORTS, none if processed.exact == many else None)
    for verdict, count in processed.verdicts.items():
        metrics.INGEST_REPORTS.labels(verdict).inc(count)
    for reason, count in processed.reasons.items():
        metrics.INGEST_REASONS.labels(reason).inc(count)


async def session(service: Service) -> None:
    """Work until the stop; ends with one of `services.runtime.interruptions` or `AWAY` when another session must begin."""
    settings = service.settings
    fallback.tell(fallback.COMPILED_CODE, slow_because())
    pool: asyncpg.Pool = await connect(settings.database_url, name="roadwatch-ingest")
    try:
        async with Producer(settings, "ingest") as producer:
            while not service.stopping.is_set():
                await wait_while_held(service, pool)
                ingest = Ingest(settings, pool, producer)
                with contextlib.suppress(StopTaking):
                    await ingest.learn()
                    await PartitionWorker(pool, service.owner, ingest).run(service)
    finally:
        pool.terminate()
