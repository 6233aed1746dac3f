"""The audit chain: who did or looked at what, when and why; each row's hash covers the row before, the head row is taken last and held to commit.

A row's hash is SHA-256 over the previous hash and the row's canonical JSON. That finds any edit, deletion, insertion and exchange; that the tail was
cut off or the whole chain made anew only an anchor outside the database shows (`anchor` lines, reliability.md 4.4).
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from services.contracts.alert import iso
from services.store.connect import Conn
from services.store.times import to_ms, to_time

GENESIS = bytes(32)
HEAD = "SELECT seq, row_hash FROM audit_head WHERE id = 1 FOR UPDATE"
INSERT = """
INSERT INTO audit (seq, at, actor, actor_name, action, object, purpose, outcome, ip, request_id, detail, row_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
ADVANCE = "UPDATE audit_head SET seq = $1, row_hash = $2 WHERE id = 1"
ROWS = """
SELECT seq, at, actor, actor_name, action, object, purpose, outcome, ip, request_id, detail, row_hash FROM audit
WHERE seq > $1 ORDER BY seq LIMIT $2
"""
PAGE = """
SELECT seq, at, actor, actor_name, action, object, purpose, outcome, ip, request_id, detail, row_hash FROM audit
WHERE ($1::bigint IS NULL OR seq < $1)
  AND ($2::text IS NULL OR actor = $2)
  AND ($3::text IS NULL OR action = $3)
  AND ($4::text IS NULL OR object = $4)
  AND ($5::timestamptz IS NULL OR at >= $5)
  AND ($6::timestamptz IS NULL OR at < $6)
ORDER BY seq DESC LIMIT $7
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows: None asks for all; times are the half-open period."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done or looked at; `detail` any JSON object."""

    at_ms: int
    actor: str
    actor_name: str
    action: str
    object: str
    outcome: str = "ok"
    purpose: str | None = None
    ip: str | None = None
    request_id: str | None = None
    detail: str = "{}"


def row_hash(previous: bytes, seq: int, entry: Entry) -> bytes:
    """The hash that chains a row to the one before."""
    body = [
        seq, iso(entry.at_ms), entry.actor, entry.actor_name, entry.action, entry.object, entry.outcome, entry.purpose, entry.ip,
        entry.request_id, entry.detail,
    ]  # fmt: skip
    return hashlib.sha256(previous + msgspec.json.encode(body)).digest()


def detail(values: dict[str, Any]) -> str:
    """A detail as it is kept: JSON with its names in order."""
    return msgspec.json.encode(values, order="deterministic").decode()


async def append(conn: Conn, entry: Entry) -> int:
    """Add a row in the caller's transaction, late in it, since the chain's end is held until it commits; gives its number."""
    head = await conn.fetchrow(HEAD)
    if head is None:
        raise LookupError("the audit chain has no head; run roadwatch migrate")
    seq: int = head["seq"] + 1
    hashed = row_hash(head["row_hash"], seq, entry)
    await conn.execute(
        INSERT, seq, to_time(entry.at_ms), entry.actor, entry.actor_name, entry.action, entry.object, entry.purpose, entry.outcome,
        entry.ip, entry.request_id, entry.detail, hashed,
    )  # fmt: skip
    await conn.execute(ADVANCE, seq, hashed)
    return seq


async def page(conn: Conn, wanted: Filter, before: int | None, limit: int) -> list[asyncpg.Record]:
    """Rows, the newest first, those numbered below `before`."""
    return await conn.fetch(
        PAGE, before, wanted.actor, wanted.action, wanted.object, to_time(wanted.from_ms), to_time(wanted.to_ms), limit
    )  # fmt: skip


async def rows(
    conn: Conn, after: int = 0, at_once: int = 5000
) -> AsyncIterator[list[tuple[int, Entry, bytes]]]:
    """The chain in its order, page by page: (number, entry, hash)."""
    while True:
        page = await conn.fetch(ROWS, after, at_once)
        if not page:
            return
        yield [
            (
                row["seq"],
                Entry(
                    at_ms=_written_ms(row["at"]), actor=row["actor"], actor_name=row["actor_name"], action=row["action"], object=row["object"],
                    outcome=row["outcome"], purpose=row["purpose"], ip=row["ip"], request_id=row["request_id"], detail=row["detail"],
                ),
                row["row_hash"],
            )
            for row in page
        ]  # fmt: skip
        after = page[-1]["seq"]


def _written_ms(at: datetime) -> int:
    """A row's time as it was written; parts of a millisecond, which nothing of ours writes, make it a time that no row has."""
    return to_ms(at) if at.microsecond % 1000 == 0 else -1
