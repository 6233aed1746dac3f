"""Wrong tries to sign in, counted by the login as it was typed, whether there is such an account or not: a lock tells nobody that one exists.

A try is counted before it is judged and taken back if it was right, so that no number of tries at once gets more than the limit. Kept is a hash of
the login: people type passwords where logins belong. What nobody tried for a day is forgotten.
"""

import hashlib

from services.store.connect import Conn
from services.store.times import to_ms, to_time

MOST = 5
LOCKED_MS = 15 * 60_000
KEPT_MS = 24 * 3_600_000
KEY = "sha256(convert_to(login, 'UTF8'))"
"""The hash of an account's login, in SQL."""
BEGIN = "INSERT INTO sign_in_failure (login_hash, tries, at) VALUES ($1, 0, $2) ON CONFLICT (login_hash) DO NOTHING"
HOLD = "SELECT tries, locked_until FROM sign_in_failure WHERE login_hash = $1 FOR UPDATE"
COUNT = "UPDATE sign_in_failure SET tries = $2, locked_until = $3, at = $4 WHERE login_hash = $1"
TAKE_BACK = """
UPDATE sign_in_failure SET tries = greatest(tries - 1, 0), locked_until = CASE WHEN tries > $2 THEN locked_until END WHERE login_hash = $1
"""
FORGET = "DELETE FROM sign_in_failure WHERE login_hash = $1"
UNLOCK = f"DELETE FROM sign_in_failure WHERE login_hash = (SELECT {KEY} FROM account WHERE id = $1)"
EXPIRE = "DELETE FROM sign_in_failure WHERE at < $1"


def _hash(login: str) -> bytes:
    return hashlib.sha256(login.encode()).digest()


async def count(conn: Conn, login: str, now_ms: int) -> bool:
    """Count a try; False: the login is locked and nothing may be tried. The fifth in a row locks for 15 minutes, and so does each that follows a lock."""
    key, row = _hash(login), None
    while row is None:  # gone between the two statements: expired or forgotten just then
        await conn.execute(BEGIN, key, to_time(now_ms))
        row = await conn.fetchrow(HOLD, key)
    if row["locked_until"] is not None and to_ms(row["locked_until"]) > now_ms:
        return False
    tries = row["tries"] + 1
    locked = to_time(now_ms + LOCKED_MS) if tries >= MOST else None
    await conn.execute(COUNT, key, tries, locked, to_time(now_ms))
    return True


async def take_back(conn: Conn, login: str) -> None:
    """The try was not wrong, but did not sign in either: the password was right and a code is missing."""
    await conn.execute(TAKE_BACK, _hash(login), MOST)


async def forget(conn: Conn, login: str) -> None:
    """Signed in."""
    await conn.execute(FORGET, _hash(login))


async def unlock(conn: Conn, account: str) -> None:
    """Forget the tries of an account's login."""
    await conn.execute(UNLOCK, account)


async def expire(conn: Conn, now_ms: int) -> None:
    """Forget what was not tried for a day."""
    await conn.execute(EXPIRE, to_time(now_ms - KEPT_MS))
