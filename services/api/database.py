"""The api's connections: few, short, with a deadline; that the database is away is a problem of its own, never an empty list.

They work as a role that owns nothing (store/scope.py). Every use is one transaction that first says whose rows it may see; forgetting to say it
shows no rows at all.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from services.runtime.settings import Settings
from services.store import scope
from services.store.connect import Conn, pool
from services.store.scope import View

CONNECTIONS = 8
POSTURE_AGAIN_S = 1.0
TUNING = {
    "role": scope.ROLE,
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
    asyncpg.InvalidParameterValueError,  # the role is not there: not migrated yet
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
    async def reading(self, view: View) -> AsyncIterator[Conn]:
        """A transaction for a few statements that change nothing; nothing else may be awaited inside.

        Raises:
            DatabaseAway: no connection, or it failed underway.
        """
        async with self._acquired() as conn, conn.transaction(readonly=True):
            await scope.restrict(conn, view)
            yield conn

    @asynccontextmanager
    async def writing(self, view: View) -> AsyncIterator[Conn]:
        """A transaction that is committed at the end, or not at all; nothing else may be awaited inside.

        Raises:
            DatabaseAway: no connection, or it failed underway; whether the commit happened is then unknown.
        """
        async with self._acquired() as conn, conn.transaction():
            await scope.restrict(conn, view)
            yield conn

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Conn]:
        """A connection that sees everything and is kept, for the process's own readers; never for a request."""
        async with self._acquired() as conn:
            await scope.restrict(conn, scope.EVERYTHING, transaction=False)
            yield conn

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Conn]:
        try:
            async with self._pool.acquire(timeout=self._deadline_s) as conn:
                yield conn
        except AWAY as error:
            raise DatabaseAway(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Cut all connections."""
        self._pool.terminate()


async def connect(
    settings: Settings, *, name: str = "roadwatch-api", connections: int = CONNECTIONS
) -> Database:
    """The pool; makes no connection yet."""
    made = await pool(
        settings.database_url,
        name=name,
        min_size=0,
        max_size=connections,
        command_timeout_s=settings.deadline_s,
        server_settings=TUNING,
    )
    return Database(made, settings.deadline_s)


async def check_posture(database: Database, *, wait: bool) -> None:
    """See that the connections work as a role that the policies bind; `wait`: until the database answers, else only if it does.

    Raises:
        scope.WeakRole: they do not, and nothing may be answered.
    """
    while True:
        try:
            async with database.reading(scope.EVERYTHING) as conn:
                await scope.assert_posture(conn)
        except DatabaseAway:
            if not wait:
                return
            await asyncio.sleep(POSTURE_AGAIN_S)
        else:
            return
