"""No row leaves its scope: every operation, asked as everybody, with both protections, with either alone, and, to prove the test, with none."""

import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.api.identity import ACCESS
from services.runtime.settings import Settings
from services.store import api_queries
from services.store.connect import connection
from services.store.scope import View
from tests.api import matrix
from tests.api.support import TOKEN, start, until

POLICIES = "SELECT DISTINCT tablename FROM pg_policies WHERE policyname = 'in_view'"
LEAKING = {
    "list_alerts",
    "get_alert",
    "list_events",
    "list_vehicles",
    "get_vehicle",
    "get_track",
    "list_routes",
    "get_route",
}


@pytest.fixture
async def conn(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to a database of the test's own."""
    made = await connection(fresh_database_url)
    yield made
    await made.close()


def nobody_filters(_: View) -> tuple[None, None, None]:
    return None, None, None


def without_sql_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the function is known by its name."""
    real = api_queries.rows_of
    for module in list(sys.modules.values()):
        if getattr(module, "rows_of", None) is real:
            monkeypatch.setattr(module, "rows_of", nobody_filters)


async def without_policies(conn: asyncpg.Connection) -> None:
    for row in await conn.fetch(POLICIES):
        await conn.execute(f"ALTER TABLE {row['tablename']} DISABLE ROW LEVEL SECURITY")


def test_every_operation_can_be_asked() -> None:
    assert matrix.lacking() == [], "give its path parameter or its body in tests/api/matrix.py"
    assert {operation.name for operation in matrix.operations()} == set(ACCESS) - matrix.NOT_YET


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("sql", "policies"),
    [(True, True), (False, True), (True, False), (False, False)],
    ids=["both", "policies alone", "SQL alone", "neither"],
)
async def test_nothing_leaves_its_scope(
    fresh_database_url: str,
    conn: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    sql: bool,
    policies: bool,
) -> None:
    vehicles = await matrix.furnish(conn)
    if not sql:
        without_sql_filter(monkeypatch)
    if not policies:
        await without_policies(conn)
    api = await start(
        Settings(
            database_url=fresh_database_url,
            kafka_bootstrap="127.0.0.1:9",
            token=TOKEN,
            deadline_s=10,
            logins_per_minute=0,
        )
    )
    try:
        await until(
            lambda: len(api.state.livemap.names) == len(matrix.THINGS) and api.state.livemap.stamp > 0
        )
        found = await matrix.survey(matrix.World(api, conn, vehicles))
    finally:
        await api.stop()
    if sql or policies:
        assert found == []
    else:
        assert {finding.operation for finding in found} >= LEAKING
