"""The api's connections: few, short, with a deadline; that the database is away is a problem of its own, never an empty list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.runtime.settings import Settings
from services.store.connect import Conn, pool

CONNECTIONS = 8
TUNING = {
    "plan_cache_mode": "force_custom_plan",  # filters that are absent fall out of the plan
    "jit": "off",
}
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke while it was being given back
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, starting, a statement beyond its time
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,  # not migrated yet
    asyncpg.LockNotAvailableError,
)


class DatabaseAway(ConnectionError):
    """PostgreSQL does not answer, not in time, or not yet."""


class Database:
    """A pool that begins empty, so that the api starts, and stays up, while the database is away."""

    def __init__(self, connections: asyncpg.Pool, deadline_s: float) -> None:
        """`deadline_s` bounds the wait for a connection."""
        self._pool = connections
        self._deadline_s = deadline_s

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Conn]:
        """A connection for a few statements; nothing else may be awaited inside.

        Raises:
            DatabaseAway: no connection, or it failed underway.
        """
        try:
            async with self._pool.acquire(timeout=self._deadline_s) as conn:
                yield conn
        except AWAY as error:
            raise DatabaseAway(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Cut all connections."""
        self._pool.terminate()


async def connect(settings: Settings) -> Database:
    """The pool; makes no connection yet."""
    connections = await pool(
        settings.database_url,
        name="roadwatch-api",
        min_size=0,
        max_size=CONNECTIONS,
        command_timeout_s=settings.deadline_s,
        server_settings=TUNING,
    )
    return Database(connections, settings.deadline_s)
