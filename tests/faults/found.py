"""What a database holds after a campaign, beside what must be there; every difference is a line of text."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import numpy as np

from services.contracts.alert import iso
from services.contracts.batch import partition_of
from services.contracts.registry import Config
from services.contracts.topics import FIXES
from services.rules.partition import restored
from services.rules.snapshot import document_of
from services.rules.worker import CONSUMER as RULES
from services.runtime.settings import Settings
from services.store import configs, drivers, progress, snapshots
from services.store.connect import prepare
from services.store.fix_rows import NAMES, copy_stream
from services.store.times import to_ms
from tests.faults.expected import Alerts, Event, Expected, state_of
from tests.faults.logs import read

ALERTS = """
SELECT id, rule, kind, vehicle_id, vehicle_key, vehicle_class, operator, division, state, severity, severity_rank, began, ended, late,
       version, rule_version, ST_X(place), ST_Y(place), data FROM alert
"""
EVENTS = """
SELECT e.seq, e.event_id, e.alert_id, e.sequence, e.type, e.time, e.data, a.vehicle_id
FROM alert_event e JOIN alert a ON a.id = e.alert_id ORDER BY e.seq
"""
HISTORY = "SELECT {} FROM fix WHERE source_partition = {} ORDER BY raw_offset"
PLACES = "SELECT count(*) AS rows, count(DISTINCT raw_offset) AS reports FROM fix WHERE source_partition = $1"
DOCUMENTS = "SELECT sha256 FROM config_document"
SHOWN = 3


async def unbounded(url: str) -> asyncpg.Connection:
    """A connection for long questions."""
    conn = await asyncpg.connect(url)
    await prepare(conn)
    return conn


async def known(conn: asyncpg.Connection) -> tuple[dict[str, Config], dict[str, int]]:
    """The configs by content, and the numbers of driver codes."""
    documents = {row[0]: await configs.document(conn, row[0]) for row in await conn.fetch(DOCUMENTS)}
    return documents, await drivers.all_codes(conn)


async def differences(settings: Settings, wanted: Expected, consumers: Iterable[str]) -> list[str]:
    """What in the database of `settings` is other than it must be; [] is exact."""
    conn = await unbounded(settings.database_url)
    try:
        found = list(wanted.problems)
        found += await _alerts(conn, wanted.alerts)
        found += await _events(conn, wanted.events, settings.partitions)
        found += await _history(conn, wanted)
        found += await _progress(conn, wanted, consumers)
        found += await _state(conn, wanted, settings)
        return found
    finally:
        await conn.close()


async def _alerts(conn: asyncpg.Connection, wanted: Alerts) -> list[str]:
    have = {row[0]: tuple(row) for row in await conn.fetch(ALERTS)}
    return _unequal("alert", have, wanted)


def _unequal(what: str, have: Mapping[Any, object], wanted: Mapping[Any, object]) -> list[str]:
    lacking, extra = wanted.keys() - have.keys(), have.keys() - wanted.keys()
    other = [key for key in wanted.keys() & have.keys() if have[key] != wanted[key]]
    return [
        f"{what}: {len(keys)} {how}, {sorted(keys)[:SHOWN]}"
        for how, keys in (("lacking", lacking), ("too many", extra), ("other than expected", other))
        if keys
    ]


async def _events(conn: asyncpg.Connection, wanted: Mapping[int, list[Event]], partitions: int) -> list[str]:
    rows = await conn.fetch(EVENTS)
    found = []
    last = await conn.fetchval("SELECT last FROM feed")
    if [row["seq"] for row in rows] != list(range(1, last + 1)):
        found.append(f"event: seq of {len(rows)} events is not 1 to {last}")
    have: dict[int, list[Event]] = {partition: [] for partition in wanted}
    vehicles = np.array([row["vehicle_id"] for row in rows], np.int32)
    for row, partition in zip(rows, partition_of(vehicles, partitions).tolist(), strict=True):
        have[partition].append((row["event_id"], row["alert_id"], row["sequence"], row["type"], row["data"]))
    for partition, events in wanted.items():
        if have[partition] != events:
            found += _unequal(
                f"event of partition {partition}",
                {e[0]: e for e in have[partition]},
                {e[0]: e for e in events},
            )
            found.append(
                f"event: {len(have[partition])} of partition {partition}, {len(events)} expected, or in another order"
            )
    return found


async def _history(conn: asyncpg.Connection, wanted: Expected) -> list[str]:
    """Byte by byte: the table read back by binary COPY, beside the COPY of what was decided."""
    found = []
    for source, fixes in wanted.fixes.items():
        out = io.BytesIO()
        await conn.copy_from_query(
            HISTORY.format(", ".join(NAMES), source), output=out, format="binary", timeout=300
        )
        if out.getvalue() != b"".join(copy_stream(fixes, np.full(len(fixes), source, np.int16))):
            found.append(
                f"history of partition {source}: {await conn.fetchrow(PLACES, source)}, expected {len(fixes)}, or other content"
            )
    return found


async def _progress(conn: asyncpg.Connection, wanted: Expected, consumers: Iterable[str]) -> list[str]:
    found = []
    for consumer in consumers:
        rows = await progress.read_all(conn, consumer)
        ends = wanted.raw_ends if consumer == "ingest" else wanted.fix_ends
        found += _unequal(
            f"next offset of {consumer}", {row.partition: row.next_offset for row in rows}, ends
        )
        if consumer == "ingest":
            counts = {
                partition: {n: c for n, c in counter.items() if c}
                for partition, counter in wanted.counts.items()
            }
            have = {row.partition: {n: c for n, c in row.counts.items() if c} for row in rows}
            found += _unequal("counts of ingest", have, counts)
            total = {
                row.partition: sum(
                    row.counts.get(v, 0) for v in ("accepted", "flagged", "quarantined", "rejected")
                )
                for row in rows
            }
            found += _unequal("reports received", total, wanted.reports)
        if consumer == "recorder" and sum(row.counts.get("fixes", 0) for row in rows) != sum(
            map(len, wanted.fixes.values())
        ):
            found.append(f"counts of recorder: {[row.counts for row in rows]}")
    return found


async def _state(conn: asyncpg.Connection, wanted: Expected, settings: Settings) -> list[str]:
    """Each partition restored from its snapshots as a next owner would, judged to the log's end."""
    documents, codes = await known(conn)
    names = {number: code for code, number in codes.items()}
    have: dict[int, bytes] = {}
    partitions = {}
    for row in await progress.read_all(conn, RULES):
        chain = await snapshots.load(conn, row.partition, row.next_offset)
        document = document_of(chain[-1].body) if chain else ""
        config = documents.get(document, Config())
        partitions[row.partition] = restored(
            row.partition, config, document, [snapshot.body for snapshot in chain],
            position=chain[-1].offset if chain else 0, next_offset=row.next_offset, driver_code=names.get,
        )  # fmt: skip
    async for number, records in read(settings, FIXES):
        partition = partitions[number]
        rest = [r for r in records if r.offset >= partition.position]
        if partition.apply(
            [r.offset for r in rest], [r.timestamp for r in rest], [r.value for r in rest], documents
        ):
            return [f"state: partition {number} has something new to tell after its progress"]
    for partition in partitions.values():
        have |= state_of(partition.engine)
    return _unequal("state of vehicle", have, wanted.state)


async def unheard(settings: Settings, heard: list[dict[str, Any]]) -> list[str]:
    """How a client's events differ from the feed."""
    conn = await unbounded(settings.database_url)
    try:
        rows = await conn.fetch(EVENTS)
    finally:
        await conn.close()
    have = [(b["seq"], b["id"], b["alert"], b["sequence"], b["type"], b["time"], b["data"]) for b in heard]
    told = [
        (
            row["seq"],
            row["event_id"],
            row["alert_id"],
            row["sequence"],
            row["type"],
            iso(to_ms(row["time"])),
            json.loads(row["data"]),
        )
        for row in rows
    ]
    return [] if have == told else [f"stream: {len(have)} events heard, {len(told)} told, or others"]
