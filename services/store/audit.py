"""The audit chain: who did or looked at what, when and why; each row's hash covers the row before, the head row is taken last and held to commit.

A row's hash is SHA-256 over the previous hash and the row's canonical JSON. That finds any edit, deletion, insertion and exchange; that the tail was
cut off or the whole chain made anew only an anchor outside the database shows (`anchor` lines, reliability.md 4.4).
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import asyncpg
import msgspec

from services.contracts.alert import iso
from services.store.connect import Conn
from services.store.times import to_ms, to_time

GENESIS = bytes(32)
FORMAT = 2
"""Of rows that are written; rows of format 1, of before credentials were named, stay as they are and stay provable."""
HEAD = "SELECT seq, row_hash FROM audit_head WHERE id = 1 FOR UPDATE"
INSERT = """
INSERT INTO audit (seq, at, actor, actor_name, action, object, purpose, outcome, ip, request_id, detail, row_hash, format, credential,
                   credential_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
ADVANCE = "UPDATE audit_head SET seq = $1, row_hash = $2 WHERE id = 1"
COLUMNS = """seq, at, actor, actor_name, action, object, purpose, outcome, ip, request_id, detail, row_hash, format, credential,
             credential_id"""
ROWS = f"""
SELECT {COLUMNS} FROM audit
WHERE seq > $1 ORDER BY seq LIMIT $2
"""
PAGE = f"""
SELECT {COLUMNS} FROM audit
WHERE ($1::bigint IS NULL OR seq < $1)
  AND ($2::text IS NULL OR actor = $2)
  AND ($3::text IS NULL OR action = $3)
  AND ($4::text IS NULL OR object = $4)
  AND ($5::timestamptz IS NULL OR at >= $5)
  AND ($6::timestamptz IS NULL OR at < $6)
  AND ($7::text IS NULL OR credential = $7)
  AND ($8::text IS NULL OR credential_id = $8)
ORDER BY seq DESC LIMIT $9
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows: None asks for all; times are the half-open period."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    credential: str | None = None
    credential_id: str | None = None


class Credential(StrEnum):
    """By what somebody acted."""

    SESSION = "session"
    KEY = "key"
    TOKEN = "token"  # noqa: S105 - the system's own
    COMMAND = "command"
    """`roadwatch` on the machine itself; the id is the user of its operating system."""
    PROCESS = "process"
    """The system by itself, such as a deadline that passed."""
    NONE = "none"
    """Nobody was signed in, such as a sign-in that was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done or looked at; `detail` any JSON object.

    `credential` says by what, `credential_id` by which session (its public id) or key; rows of format 1 do not know.
    """

    at_ms: int
    actor: str
    actor_name: str
    action: str
    object: str
    credential: str | None
    credential_id: str | None = None
    outcome: str = "ok"
    purpose: str | None = None
    ip: str | None = None
    request_id: str | None = None
    detail: str = "{}"
    format: int = FORMAT


def row_hash(previous: bytes, seq: int, entry: Entry) -> bytes:
    """The hash that chains a row to the one before: over the fields of its format, the number of the format among them from 2 on.

    A row of format 1 has no credential; one that was put there later is covered by another text, so that its hash does not fit.
    """
    body: list[str | int | None] = [
        seq, iso(entry.at_ms), entry.actor, entry.actor_name, entry.action, entry.object, entry.outcome, entry.purpose, entry.ip,
        entry.request_id, entry.detail,
    ]  # fmt: skip
    if entry.format != 1 or entry.credential is not None or entry.credential_id is not None:
        body = [entry.format, *body, entry.credential, entry.credential_id]
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
        entry.ip, entry.request_id, entry.detail, hashed, entry.format, entry.credential, entry.credential_id,
    )  # fmt: skip
    await conn.execute(ADVANCE, seq, hashed)
    return seq


async def page(conn: Conn, wanted: Filter, before: int | None, limit: int) -> list[asyncpg.Record]:
    """Rows, the newest first, those numbered below `before`."""
    return await conn.fetch(
        PAGE, before, wanted.actor, wanted.action, wanted.object, to_time(wanted.from_ms), to_time(wanted.to_ms), wanted.credential,
        wanted.credential_id, limit,
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
                    format=row["format"], credential=row["credential"], credential_id=row["credential_id"],
                ),
                row["row_hash"],
            )
            for row in page
        ]  # fmt: skip
        after = page[-1]["seq"]


def _written_ms(at: datetime) -> int:
    """A row's time as it was written; parts of a millisecond, which nothing of ours writes, make it a time that no row has."""
    return to_ms(at) if at.microsecond % 1000 == 0 else -1
