"""Accounts and keys as their administrators see and change them; secrets only as hashes. Times are arguments, Unix ms.

Every change of an account raises its epoch: streams that were begun under an older one end, and the epoch is the version that `If-Match` names.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from services.store import sign_in_tries
from services.store.connect import Conn
from services.store.sign_in_tries import KEY
from services.store.times import to_time

SHOWN = f"""id, login, name, role, active, must_change, totp_secret IS NOT NULL AS totp, oidc_subject,
           (SELECT f.locked_until FROM sign_in_failure f WHERE f.login_hash = {KEY}) AS locked_until,
           password_hash IS NOT NULL AS password, divisions, operators, classes, epoch, created_at"""
ONE = f"SELECT {SHOWN} FROM account WHERE id = $1"
ONE_LOCKED = f"{ONE} FOR UPDATE"
ID_OF = "SELECT id FROM account WHERE login = $1"
PAGE = f"""
SELECT {SHOWN} FROM account
WHERE login > $1 AND ($2::text IS NULL OR role = $2) AND ($3::bool IS NULL OR active = $3)
ORDER BY login LIMIT $4
"""
ANY = "SELECT EXISTS (SELECT 1 FROM account)"
ACTIVE_LOCKED = "SELECT id FROM account WHERE role = $1 AND active ORDER BY id FOR UPDATE"
CHANGE = """
UPDATE account SET name = $2, role = $3, active = $4, oidc_subject = $5, divisions = $6, operators = $7, classes = $8, epoch = epoch + 1
WHERE id = $1
"""
SET_SUBJECT = "UPDATE account SET oidc_subject = $2 WHERE id = $1"
BY_SUBJECT = f"SELECT {SHOWN} FROM account WHERE oidc_subject = $1"
END_SESSIONS = "DELETE FROM session WHERE account = $1"
TOUCH = "UPDATE account SET epoch = epoch + 1 WHERE id = $1"
SIGN_IN_ELSEWHERE = """
UPDATE account SET password_hash = NULL, must_change = false, totp_secret = NULL, totp_pending = NULL, totp_pending_until = NULL WHERE id = $1
"""
SET_TOTP = "UPDATE account SET totp_secret = $2, totp_step = $3, totp_pending = NULL, totp_pending_until = NULL, epoch = epoch + 1 WHERE id = $1"
PEND_TOTP = "UPDATE account SET totp_pending = $2, totp_pending_until = $3 WHERE id = $1"
PENDING_TOTP = "SELECT totp_pending FROM account WHERE id = $1 AND totp_pending_until > $2"
SECRETS = "SELECT login, password_hash, totp_secret, totp_step FROM account WHERE id = $1 FOR UPDATE"
KEY_COLUMNS = "id, account, name, scopes, networks, created_at, expires_at, used_at, revoked_at"
KEYS = f"""
SELECT {KEY_COLUMNS} FROM api_key
WHERE account = $1 AND ($2::timestamptz IS NULL OR created_at < $2 OR (created_at = $2 AND id > $3)) ORDER BY created_at DESC, id LIMIT $4
"""
KEY = f"SELECT {KEY_COLUMNS} FROM api_key WHERE id = $1 AND ($2::text IS NULL OR account = $2)"
LIVE_KEYS = (
    "SELECT count(*) FROM api_key WHERE account = $1 AND name = $2 AND revoked_at IS NULL AND expires_at > $3"
)
ADD_KEY = f"""
INSERT INTO api_key (id, key_hash, account, name, scopes, networks, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING {KEY_COLUMNS}
"""
REVOKE_KEY = f"""
UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND ($3::text IS NULL OR account = $3) RETURNING {KEY_COLUMNS}
"""
CHANGE_KEY = f"""
UPDATE api_key SET scopes = $2, networks = $3, expires_at = $4 WHERE id = $1 RETURNING {KEY_COLUMNS}
"""
KEY_HELD = f"SELECT {KEY_COLUMNS} FROM api_key WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) FOR UPDATE"
REVOKE_KEYS = "UPDATE api_key SET revoked_at = $2 WHERE account = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2) RETURNING id"


async def any_account(conn: Conn) -> bool:
    """Whether there is an account at all."""
    found: bool = await conn.fetchval(ANY)
    return found


async def account(conn: Conn, account_id: str, *, lock: bool = False) -> asyncpg.Record | None:
    """One account without its secrets; `lock` holds its row until the transaction ends."""
    return await conn.fetchrow(ONE_LOCKED if lock else ONE, account_id)


async def id_of(conn: Conn, login: str) -> str | None:
    """The id of a login."""
    found: str | None = await conn.fetchval(ID_OF, login)
    return found


async def page(
    conn: Conn, *, after: str = "", role: str | None = None, active: bool | None = None, limit: int
) -> list[asyncpg.Record]:
    """Accounts by login, those after a login."""
    return await conn.fetch(PAGE, after, role, active, limit)


async def active_of(conn: Conn, role: str) -> list[str]:
    """The active accounts of a role, held until the transaction ends, so that two changes cannot each think the other's is left."""
    return [row["id"] for row in await conn.fetch(ACTIVE_LOCKED, role)]


async def change(conn: Conn, account_id: str, values: Mapping[str, Any]) -> None:
    """Write all of an account that an administrator may change.

    Raises:
        asyncpg.UniqueViolationError: another account has this subject.
    """
    names = ("name", "role", "active", "oidc_subject", "divisions", "operators", "classes")
    await conn.execute(CHANGE, account_id, *(values[name] for name in names))


async def set_subject(conn: Conn, account_id: str, subject: str | None) -> None:
    """Name who the account is at the identity provider.

    Raises:
        asyncpg.UniqueViolationError: another account has this subject.
    """
    await conn.execute(SET_SUBJECT, account_id, subject)


async def by_subject(conn: Conn, subject: str) -> asyncpg.Record | None:
    """The account of somebody at the identity provider."""
    return await conn.fetchrow(BY_SUBJECT, subject)


async def end_sessions(conn: Conn, account_id: str) -> None:
    """Sign an account out everywhere."""
    await conn.execute(END_SESSIONS, account_id)


async def unlock(conn: Conn, account_id: str) -> None:
    """Let an account that was locked by wrong tries sign in again."""
    await sign_in_tries.unlock(conn, account_id)
    await conn.execute(TOUCH, account_id)


async def end_password(conn: Conn, account_id: str) -> None:
    """Leave the account no password and no one-time codes here."""
    await conn.execute(SIGN_IN_ELSEWHERE, account_id)


async def set_totp(conn: Conn, account_id: str, secret: str | None, step: int) -> None:
    """Ask for one-time codes from now on, none up to `step` accepted; None: ask for none."""
    await conn.execute(SET_TOTP, account_id, secret, step)


async def pend_totp(conn: Conn, account_id: str, secret: str, until_ms: int) -> None:
    """Keep a secret that nothing asks for yet."""
    await conn.execute(PEND_TOTP, account_id, secret, to_time(until_ms))


async def pending_totp(conn: Conn, account_id: str, now_ms: int) -> str | None:
    """The secret that waits for its first code."""
    found: str | None = await conn.fetchval(PENDING_TOTP, account_id, to_time(now_ms))
    return found


async def secrets_of(conn: Conn, account_id: str) -> asyncpg.Record | None:
    """Login, password_hash, totp_secret and totp_step of an account, whose row is held until the transaction ends."""
    return await conn.fetchrow(SECRETS, account_id)


async def keys(
    conn: Conn, account_id: str, after: tuple[int, str] | None, limit: int
) -> list[asyncpg.Record]:
    """An account's keys, newest first, revoked ones too; those after one (created, id)."""
    created_ms, key_id = after or (None, None)
    return await conn.fetch(KEYS, account_id, to_time(created_ms), key_id, limit)


async def key(conn: Conn, key_id: str, owner: str | None = None) -> asyncpg.Record | None:
    """One key, revoked or not, of `owner` only if that is given; None: there is none."""
    return await conn.fetchrow(KEY, key_id, owner)


async def live_keys(conn: Conn, account_id: str, name: str, now_ms: int) -> int:
    """How many keys of a name are good now; hold the account's row before asking."""
    count: int = await conn.fetchval(LIVE_KEYS, account_id, name, to_time(now_ms))
    return count


async def add_key(
    conn: Conn, account_id: str, key_id: str, key_hash: bytes, name: str, scopes: list[str], networks: list[str],
    now_ms: int, expires_ms: int,
) -> asyncpg.Record:  # fmt: skip
    """Keep a new key."""
    row = await conn.fetchrow(
        ADD_KEY, key_id, key_hash, account_id, name, scopes, networks, to_time(now_ms), to_time(expires_ms)
    )
    if row is None:
        raise LookupError("INSERT … RETURNING gave no row")
    return row


async def revoke_key(conn: Conn, key_id: str, now_ms: int, owner: str | None = None) -> asyncpg.Record | None:
    """End a key, of `owner` only if that is given; None: there is no such live key."""
    return await conn.fetchrow(REVOKE_KEY, key_id, to_time(now_ms), owner)


async def live_key(conn: Conn, key_id: str, now_ms: int) -> asyncpg.Record | None:
    """A key that is good now, held until the transaction ends."""
    return await conn.fetchrow(KEY_HELD, key_id, to_time(now_ms))


async def change_key(
    conn: Conn, key_id: str, scopes: list[str], networks: list[str], expires_at: datetime | None
) -> asyncpg.Record | None:
    """Write a key's limits."""
    return await conn.fetchrow(CHANGE_KEY, key_id, scopes, networks, expires_at)


async def revoke_keys(conn: Conn, account_id: str, now_ms: int) -> list[str]:
    """End all live keys of an account; gives their ids."""
    return [row["id"] for row in await conn.fetch(REVOKE_KEYS, account_id, to_time(now_ms))]
