"""Who looks at which alert now. Nothing here outlives a crash of the database, and need not."""

import asyncpg

from services.store.connect import Conn
from services.store.times import to_time

LOOK = """
INSERT INTO viewing (account, alert_id, name, since, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account, alert_id) DO UPDATE SET name = $3, until = $5, since = CASE WHEN viewing.until < $4 THEN $4 ELSE viewing.since END
"""
FORGET = "DELETE FROM viewing WHERE account = $1 AND until < $2"
LEAVE = "DELETE FROM viewing WHERE account = $1 AND alert_id = $2"
OTHERS = "SELECT account, name, since FROM viewing WHERE alert_id = $2 AND account <> $1 AND until >= $3 ORDER BY since, account"


async def look(
    conn: Conn, alert_id: str, account: str, name: str, at_ms: int, until_ms: int
) -> list[asyncpg.Record]:
    """Say that an account looks at an alert until then; gives the others who do now: account, name, since."""
    now = to_time(at_ms)
    await conn.execute(FORGET, account, now)
    await conn.execute(LOOK, account, alert_id, name, now, to_time(until_ms))
    return await conn.fetch(OTHERS, account, alert_id, now)


async def leave(conn: Conn, alert_id: str, account: str) -> None:
    """It looks no more."""
    await conn.execute(LEAVE, account, alert_id)
