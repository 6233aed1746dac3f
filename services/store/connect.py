"""Connections with a deadline on everything: what users of a database driver report most is silence, not errors.

The server is given limits too, so that a frozen client cannot hold a row that others wait for, and notices a client that is gone.
"""

from typing import Any

import asyncpg
import msgspec
from asyncpg.connect_utils import SessionAttribute
from asyncpg.pool import PoolConnectionProxy

from services.runtime.clock import monotonic_s

Conn = asyncpg.Connection | PoolConnectionProxy
"""A connection, a pool's or one's own."""

SERVER_SETTINGS = {
    "timezone": "UTC",
    "statement_timeout": "10000",  # ms
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",  # a frozen worker holds its progress row no longer than this
    "tcp_keepalives_idle": "10",  # s
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",  # ms
}
CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 12.0  # above the server's own limit, whose error says more


IDLE_LOOK_S = 5.0


class Keepalive:
    """Asks now and then whether the database is there, for a worker that may have nothing to write: it must not call itself ready while it is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """The pool has just connected."""
        self._pool, self._asked_s = pool, monotonic_s()

    async def keep(self) -> None:
        """Ask if it is time.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: it is away.
        """
        if monotonic_s() - self._asked_s >= IDLE_LOOK_S:
            await self._pool.execute("SELECT 1")
            self._asked_s = monotonic_s()


class ReadOnlyServer(ConnectionError):
    """The server takes no writes: a standby, or a primary that was demoted. Waiting, or another address, helps; writing elsewhere would not."""

    def __init__(self) -> None:
        """Say so in both languages."""
        super().__init__(
            "数据库只读 the database is read-only; ROADWATCH_DATABASE_URL should name the primary"
        )


async def pool(
    url: str,
    *,
    name: str = "roadwatch",
    min_size: int = 1,
    max_size: int = 4,
    command_timeout_s: float = COMMAND_TIMEOUT_S,
    server_settings: dict[str, str] | None = None,
) -> asyncpg.Pool:
    """A pool whose connections speak jsonb; `name` is what the server's list of sessions shows.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError: no connection can be made.
    """
    try:
        return await asyncpg.create_pool(
            url,
            min_size=min_size,
            max_size=max_size,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=command_timeout_s,
            target_session_attrs=SessionAttribute.read_write,
            init=prepare,
            server_settings=SERVER_SETTINGS | {"application_name": name} | (server_settings or {}),
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise ReadOnlyServer from error


async def connection(
    url: str,
    *,
    name: str = "roadwatch",
    command_timeout_s: float = COMMAND_TIMEOUT_S,
    server_settings: dict[str, str] | None = None,
) -> asyncpg.Connection:
    """One connection of the same kind, for a command.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError: it cannot be made.
    """
    try:
        made: asyncpg.Connection = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=command_timeout_s,
            target_session_attrs=SessionAttribute.read_write,
            server_settings=SERVER_SETTINGS | {"application_name": name} | (server_settings or {}),
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise ReadOnlyServer from error
    await prepare(made)
    return made


async def prepare(conn: asyncpg.Connection) -> None:
    """Teach a new connection that jsonb is a Python value."""
    await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _decode(text: str) -> Any:
    return msgspec.json.decode(text)
