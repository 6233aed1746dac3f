"""What POSTs with an Idempotency-Key were answered: a key is claimed, then kept with its answer, or released when nothing was done.

A claim whose process died is free again after LEASE_MS, longer than any statement may take; whoever held it can no longer keep it (`claimed_ms`).
"""

from dataclasses import dataclass

import asyncpg

from services.store.connect import Conn
from services.store.times import to_time

LEASE_MS = 60_000
KEPT_MS = 24 * 3_600_000
CLAIM = """
INSERT INTO idempotency AS held (principal, key, request_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (principal, key) DO UPDATE
SET request_hash = $3, status = NULL, headers = '{}', body = NULL, created_at = $4, expires_at = $5
WHERE held.expires_at <= $4 OR (held.status IS NULL AND held.created_at <= $6)
RETURNING true
"""
FOUND = "SELECT request_hash, status, headers, body, expires_at FROM idempotency WHERE principal = $1 AND key = $2"
KEEP = """
UPDATE idempotency SET status = $4, headers = $5, body = $6 WHERE principal = $1 AND key = $2 AND created_at = $3 AND status IS NULL
"""
RELEASE = "DELETE FROM idempotency WHERE principal = $1 AND key = $2 AND created_at = $3 AND status IS NULL"
EXPIRE = "DELETE FROM idempotency WHERE expires_at <= $1"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that is ours for now."""

    principal: str
    key: str
    claimed_ms: int

    @property
    def expires_ms(self) -> int:
        """Until when its answer is kept."""
        return self.claimed_ms + KEPT_MS


async def claim(conn: Conn, wanted: Claim, request_hash: bytes) -> bool:
    """Take a key; False: somebody has it, or its answer is kept (`found`)."""
    at_ms = wanted.claimed_ms
    times = to_time(at_ms), to_time(wanted.expires_ms), to_time(at_ms - LEASE_MS)
    return bool(await conn.fetchval(CLAIM, wanted.principal, wanted.key, request_hash, *times))


async def found(conn: Conn, wanted: Claim) -> asyncpg.Record | None:
    """What is under a key: request_hash, status (null while it runs), headers, body, expires_at; None: just released."""
    return await conn.fetchrow(FOUND, wanted.principal, wanted.key)


async def keep(conn: Conn, held: Claim, status: int, headers: dict[str, str], body: bytes) -> bool:
    """Keep the answer under the key; False: the claim is no longer ours."""
    at = to_time(held.claimed_ms)
    kept = await conn.execute(KEEP, held.principal, held.key, at, status, headers, body)
    return kept == "UPDATE 1"


async def release(conn: Conn, held: Claim) -> None:
    """Give the key back: nothing was done. An answer that is kept stays."""
    await conn.execute(RELEASE, held.principal, held.key, to_time(held.claimed_ms))


async def expire(conn: Conn, at_ms: int) -> None:
    """Forget answers whose time is over."""
    await conn.execute(EXPIRE, to_time(at_ms))
