"""Jobs in the database: taken by one worker at a time (FOR UPDATE SKIP LOCKED), held by a beat, given up to others when that stops.

`beat_at` is the token of whoever works on a job: every word of progress names the beat it knows and gets a new one, so that a worker that was
taken for dead cannot write over the one that came after it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.store.connect import Conn
from services.store.times import to_time

SHOWN = "id, account, kind, request, state, progress, error, media_type, created_at, done_at, octet_length(result) AS bytes"
ADD = "INSERT INTO job (id, account, kind, request, state, created_at, beat_at) VALUES ($1, $2, $3, $4, 'waiting', $5, $5)"
UNDONE = "SELECT count(*) FROM job WHERE account = $1 AND state IN ('waiting', 'running')"
GET = f"SELECT {SHOWN} FROM job WHERE id = $1 AND ($2::text IS NULL OR account = $2) AND kind = ANY ($3)"
LATEST = f"""
SELECT {SHOWN} FROM job
WHERE ($1::text IS NULL OR account = $1) AND ($2::text IS NULL OR request->>'endpoint' = $2)
  AND ($3::timestamptz IS NULL OR created_at < $3 OR (created_at = $3 AND id > $4)) AND kind = ANY ($6)
ORDER BY created_at DESC, id LIMIT $5
"""
CANCEL = """
UPDATE job SET state = 'cancelled', done_at = $3 WHERE id = $1 AND ($2::text IS NULL OR account = $2) AND state IN ('waiting', 'running')
  AND kind = ANY ($4)
"""
TAKE = """
UPDATE job SET state = 'running', beat_at = $1, progress = 0 WHERE id = (
    SELECT id FROM job WHERE kind = ANY ($3) AND (state = 'waiting' OR (state = 'running' AND beat_at < $2))
    ORDER BY created_at FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, account, kind, request, beat_at
"""
BEAT = """
UPDATE job SET beat_at = greatest($3, beat_at + interval '1 microsecond'), progress = $4
WHERE id = $1 AND beat_at = $2 AND state = 'running' RETURNING beat_at
"""
END = """
UPDATE job SET state = $3, done_at = $4, progress = CASE WHEN $3 = 'done' THEN 1 ELSE progress END, error = $5, result = $6, media_type = $7
WHERE id = $1 AND beat_at = $2 AND state = 'running'
"""
RELEASE = "UPDATE job SET state = 'waiting' WHERE id = $1 AND beat_at = $2 AND state = 'running'"
PIECE = (
    "SELECT substring(result FROM $2 FOR $3) FROM job WHERE id = $1 AND ($4::text IS NULL OR account = $4)"
)
FORGET = "DELETE FROM job WHERE done_at < $1"
PIECE_BYTES = 1 << 20


async def add(conn: Conn, job: str, account: str, kind: str, request: dict[str, Any], now_ms: int) -> None:
    """Put a job in the queue."""
    await conn.execute(ADD, job, account, kind, request, to_time(now_ms))


async def undone(conn: Conn, account: str) -> int:
    """How many of an account's jobs wait or run."""
    count: int = await conn.fetchval(UNDONE, account)
    return count


async def get(conn: Conn, account: str | None, kinds: Sequence[str], job: str) -> asyncpg.Record | None:
    """One job of an account (None: of anybody) and of these kinds, without its result."""
    return await conn.fetchrow(GET, job, account, list(kinds))


async def latest(
    conn: Conn, account: str | None, kinds: Sequence[str], after: tuple[int, str] | None, limit: int, *, endpoint: str | None = None
) -> list[asyncpg.Record]:  # fmt: skip
    """The newest jobs of an account (None: of anybody) and of these kinds, those after one (created, id); `endpoint`: recoveries of a webhook's alone."""
    created_ms, job = after or (None, None)
    return await conn.fetch(LATEST, account, endpoint, to_time(created_ms), job, limit, list(kinds))


async def cancel(conn: Conn, account: str | None, kinds: Sequence[str], job: str, now_ms: int) -> None:
    """Cancel a job of these kinds that waits or runs; whoever runs it learns so at its next beat."""
    await conn.execute(CANCEL, job, account, to_time(now_ms), list(kinds))


async def take(conn: Conn, now_ms: int, silent_ms: int, kinds: Sequence[str]) -> asyncpg.Record | None:
    """The oldest job of these kinds that waits, or whose worker has not been heard of for `silent_ms`."""
    return await conn.fetchrow(TAKE, to_time(now_ms), to_time(now_ms - silent_ms), list(kinds))


async def beat(conn: Conn, job: str, known: datetime, now_ms: int, progress: float) -> datetime | None:
    """Say that a job is being worked on; None: it is not ours any more."""
    found: datetime | None = await conn.fetchval(BEAT, job, known, to_time(now_ms), progress)
    return found


async def end(
    conn: Conn, job: str, known: datetime, state: str, now_ms: int, *, error: str | None = None, result: bytes | None = None,
    media_type: str | None = None,
) -> None:  # fmt: skip
    """A job is `done` or `failed`; nothing happens where it is not ours any more."""
    await conn.execute(END, job, known, state, to_time(now_ms), error, result, media_type)


async def release(conn: Conn, job: str, known: datetime) -> None:
    """Give a job back: we are stopping."""
    await conn.execute(RELEASE, job, known)


async def piece(conn: Conn, account: str | None, job: str, start: int) -> bytes:
    """A MiB of a result from byte `start` (from 0); empty: there is no more, or the job was forgotten."""
    found: bytes | None = await conn.fetchval(PIECE, job, start + 1, PIECE_BYTES, account)
    return found or b""


async def forget(conn: Conn, before_ms: int) -> None:
    """Delete jobs that ended before a moment."""
    await conn.execute(FORGET, to_time(before_ms))
