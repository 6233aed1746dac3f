"""Versions of the config document: saved whole by content, published once their record is in every partition of the log.

Only published versions are in force. Publishing takes turns (`publishing`), because a record of an older version that comes after a newer
one would put the older one back in force.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from services.contracts.batch import ConfigRecord
from services.contracts.registry import Config, decode_config, encode_config
from services.store.connect import Conn

PUBLISH_LOCK = 0x52770001  # advisory lock: one publisher at a time

LATEST = "SELECT version, sha256 FROM config_version ORDER BY version DESC LIMIT 1"
PUBLISHED = """
SELECT version, sha256 FROM config_version WHERE published_at IS NOT NULL ORDER BY version DESC LIMIT 1
"""
UNPUBLISHED = """
SELECT version, sha256 FROM config_version
WHERE published_at IS NULL AND created_at <= clock_timestamp() - make_interval(secs => $1)
  AND version > coalesce((SELECT max(version) FROM config_version WHERE published_at IS NOT NULL), 0)
ORDER BY version
"""
MARK_PUBLISHED = """
UPDATE config_version SET published_at = coalesce(published_at, clock_timestamp()) WHERE version = $1
"""
TAKEN = """
SELECT consumer, count(*) FROM progress WHERE consumer = ANY($1) AND config_version >= $2 AND partition < $3 GROUP BY consumer
"""
DOCUMENT = "SELECT body FROM config_document WHERE sha256 = $1"
SAVE_DOCUMENT = "INSERT INTO config_document (sha256, body) VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING"
SAVE_VERSION = "INSERT INTO config_version (version, sha256, summary) VALUES ($1, $2, $3)"
TAKE_TURN = "SELECT pg_advisory_lock($1)"
END_TURN = "SELECT pg_advisory_unlock($1)"


class NoSuchDocument(LookupError):
    """A config record names a document that is not in this database: log and database do not belong together."""


async def latest(conn: Conn) -> ConfigRecord | None:
    """The newest version, published or not; None before the first import."""
    return _record(await conn.fetchrow(LATEST))


async def published(conn: Conn) -> ConfigRecord | None:
    """The newest version in force; None before the first."""
    return _record(await conn.fetchrow(PUBLISHED))


async def unpublished(conn: Conn, older_than_s: float = 0.0) -> list[ConfigRecord]:
    """Versions newer than the one in force that were saved at least `older_than_s` ago, oldest first."""
    return [
        ConfigRecord(version=row[0], document=row[1]) for row in await conn.fetch(UNPUBLISHED, older_than_s)
    ]


async def mark_published(conn: Conn, version: int) -> None:
    """Say that the version's record is in every partition; a second time changes nothing."""
    await conn.execute(MARK_PUBLISHED, version)


async def taken(conn: Conn, version: int, consumers: Sequence[str], partitions: int) -> dict[str, int]:
    """Of how many partitions each consumer decides by the version or a later one."""
    rows = await conn.fetch(TAKEN, list(consumers), version, partitions)
    return dict.fromkeys(consumers, 0) | {row[0]: row[1] for row in rows}


@asynccontextmanager
async def publishing(conn: Conn) -> AsyncIterator[None]:
    """One publisher at a time, on all machines. What is to be published is to be looked up inside.

    Raises:
        asyncpg.LockNotAvailableError: another publisher takes longer than the lock timeout.
    """
    await conn.execute(TAKE_TURN, PUBLISH_LOCK)
    try:
        yield
    finally:
        if not conn.is_closed():
            await conn.execute(END_TURN, PUBLISH_LOCK)


async def document(conn: Conn, sha256: str) -> Config:
    """The document of that content; it never changes, so it may be kept.

    Raises:
        NoSuchDocument: it is not there.
    """
    body = await conn.fetchval(DOCUMENT, sha256)
    if body is None:
        raise NoSuchDocument(f"config document {sha256} is not in this database")
    return decode_config(body)


async def save(conn: Conn, config: Config, summary: str = "") -> ConfigRecord:
    """Keep a document as the version it names; in the transaction that changed the tables it was read from."""
    sha256, body = encode_config(config)
    await conn.execute(SAVE_DOCUMENT, sha256, body)
    await conn.execute(SAVE_VERSION, config.version, sha256, summary)
    return ConfigRecord(version=config.version, document=sha256)


def _record(row: asyncpg.Record | None) -> ConfigRecord | None:
    return None if row is None else ConfigRecord(version=row["version"], document=row["sha256"])
