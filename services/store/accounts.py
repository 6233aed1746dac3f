"""Accounts, sessions and keys in the database; secrets only as hashes. Times are arguments, Unix ms."""

from dataclasses import dataclass

import asyncpg

from services.store.connect import Conn
from services.store.times import to_time

COLUMNS = """a.id, a.login, a.name, a.role, a.active, a.must_change, a.divisions, a.operators, a.classes, a.epoch,
             a.totp_secret IS NOT NULL AS totp, a.created_at"""
BY_SESSION = f"""
SELECT {COLUMNS}, s.expires_at, s.seen_at FROM session s JOIN account a ON a.id = s.account
WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND a.active
"""
SEEN = "UPDATE session SET seen_at = $2 WHERE token_hash = $1"
BY_KEY = f"""
SELECT {COLUMNS}, k.id AS key_id, k.key_hash, k.scopes, k.networks FROM api_key k JOIN account a ON a.id = k.account
WHERE k.id = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND a.active
"""
USED = "UPDATE api_key SET used_at = $2 WHERE id = $1"
ACTIVE = f"SELECT {COLUMNS} FROM account a WHERE a.id = $1 AND a.active"
BY_LOGIN = f"SELECT {COLUMNS}, a.password_hash, a.totp_secret, a.totp_step FROM account a WHERE a.login = $1"
OPEN_SESSION = "INSERT INTO session (token_hash, account, created_at, seen_at, expires_at, ip, agent) VALUES ($1, $2, $3, $3, $4, $5, $6)"
END_SESSION = "DELETE FROM session WHERE token_hash = $1"
END_SESSIONS = "DELETE FROM session WHERE account = $1 AND token_hash IS DISTINCT FROM $2"
SIGNED_IN = "UPDATE account SET totp_step = greatest(totp_step, $2) WHERE id = $1"
RENEW = "UPDATE account SET password_hash = $2, must_change = $3, epoch = epoch + 1 WHERE id = $1"
ADD = """
INSERT INTO account (id, login, name, role, password_hash, must_change, divisions, operators, classes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
STANDING = """
SELECT a.epoch FROM account a WHERE a.id = $1 AND a.active AND (
    EXISTS (SELECT 1 FROM session s WHERE s.token_hash = $2 AND s.account = a.id AND s.expires_at > $4)
    OR EXISTS (SELECT 1 FROM api_key k WHERE k.id = $3 AND k.account = a.id AND k.revoked_at IS NULL
               AND (k.expires_at IS NULL OR k.expires_at > $4)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be made; None in a scope: all."""

    id: str
    login: str
    name: str
    role: str
    password_hash: str | None
    must_change: bool
    divisions: list[str] | None = None
    operators: list[str] | None = None
    classes: list[str] | None = None


async def add(conn: Conn, account: NewAccount) -> None:
    """Make an account.

    Raises:
        asyncpg.UniqueViolationError: the login is taken.
    """
    await conn.execute(
        ADD, account.id, account.login, account.name, account.role, account.password_hash, account.must_change,
        account.divisions, account.operators, account.classes,
    )  # fmt: skip


async def by_session(conn: Conn, token_hash: bytes, now_ms: int, idle_ms: int) -> asyncpg.Record | None:
    """The active account of a session that is neither over nor idle."""
    return await conn.fetchrow(BY_SESSION, token_hash, to_time(now_ms), to_time(now_ms - idle_ms))


async def seen(conn: Conn, token_hash: bytes, now_ms: int) -> None:
    """The session was used."""
    await conn.execute(SEEN, token_hash, to_time(now_ms))


async def by_key(conn: Conn, key_id: str, now_ms: int) -> asyncpg.Record | None:
    """The active account of a live key, with the key's hash, scopes and networks."""
    return await conn.fetchrow(BY_KEY, key_id, to_time(now_ms))


async def used(conn: Conn, key_id: str, now_ms: int) -> None:
    """The key was used."""
    await conn.execute(USED, key_id, to_time(now_ms))


async def active(conn: Conn, account: str) -> asyncpg.Record | None:
    """An account that may still do something."""
    return await conn.fetchrow(ACTIVE, account)


async def by_login(conn: Conn, login: str) -> asyncpg.Record | None:
    """An account with what signing in compares."""
    return await conn.fetchrow(BY_LOGIN, login)


async def signed_in(conn: Conn, account: str, totp_step: int) -> None:
    """A code's time step may not be used again."""
    await conn.execute(SIGNED_IN, account, totp_step)


async def open_session(
    conn: Conn, token_hash: bytes, account: str, now_ms: int, until_ms: int, ip: str | None, agent: str | None
) -> None:
    """Begin a session."""
    await conn.execute(OPEN_SESSION, token_hash, account, to_time(now_ms), to_time(until_ms), ip, agent)


async def end_session(conn: Conn, token_hash: bytes) -> None:
    """End a session."""
    await conn.execute(END_SESSION, token_hash)


async def set_password(
    conn: Conn, account: str, password_hash: str, *, must_change: bool, keep: bytes | None
) -> None:
    """A new password ends every session but the one in which it was set."""
    await conn.execute(RENEW, account, password_hash, must_change)
    await conn.execute(END_SESSIONS, account, keep)


async def standing(
    conn: Conn, account: str, session: bytes | None, key_id: str | None, now_ms: int
) -> asyncpg.Record | None:
    """The account's epoch while it is active and the session or key that is named still stands; None: it does not."""
    return await conn.fetchrow(STANDING, account, session, key_id, to_time(now_ms))
