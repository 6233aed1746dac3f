"""No row leaves its scope: every operation, asked as everybody, with both protections, with either alone, and, to prove the test, with none."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace

import asyncpg
import pytest

from services.api.authentication import Authenticator
from services.api.history import jobs
from services.api.identity import ACCESS, Principal
from services.runtime.settings import Settings
from services.store import administration, scope
from services.store.connect import Conn, connection
from services.store.scope import EVERYTHING, View
from tests.api import matrix, matrix_world
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
    *(
        "acknowledge_alert",
        "claim_alert",
        "assign_alert",
        "comment_alert",
        "supervise_alert",
        "resolve_alert",
        "reopen_alert",
    ),
    *("acknowledge_alerts", "list_actions", "list_alert_groups", "get_shift_summary"),
    *(
        "list_trips",
        "list_stops",
        "get_mileage",
        "get_vehicle_health",
        "search_presence",
        "create_export",
        "list_drivers",
        "get_driver",
    ),
    *("list_jobs", "get_job", "get_job_result", "cancel_job"),
    *(
        "list_webhooks",
        "get_webhook",
        "change_webhook",
        "delete_webhook",
        "rotate_webhook_secret",
        "ping_webhook",
        "send_test_event",
        "enable_webhook",
    ),
    *("disable_webhook", "recover_webhook", "list_deliveries", "get_delivery", "redeliver"),
}
"""What leaks when both protections are gone: so the suite sees it when, the other away, the policies are dropped or the filter is."""


@pytest.fixture
async def conn(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner's connection to a database of the test's own."""
    made = await connection(fresh_database_url)
    yield made
    await made.close()


@dataclass(frozen=True, slots=True)
class Unfiltered(View):
    """A view that no statement filters by; the policies are told the real one."""

    real: View = EVERYTHING


def without_sql_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements get a view of everything, and nobody is the owner of anything to them."""
    view, restrict = Authenticator.view, scope.restrict

    async def unfiltered(self: Authenticator, principal: Principal) -> View:
        return Unfiltered(real=await view(self, principal))

    async def real(conn: Conn, seen: View, *, transaction: bool = True) -> None:
        await restrict(conn, seen.real if isinstance(seen, Unfiltered) else seen, transaction=transaction)

    monkeypatch.setattr(Authenticator, "view", unfiltered)
    monkeypatch.setattr(scope, "restrict", real)
    monkeypatch.setattr(jobs, "owner", lambda _: None)


async def without_policies(conn: asyncpg.Connection) -> None:
    for row in await conn.fetch(POLICIES):
        await conn.execute(f"ALTER TABLE {row['tablename']} DISABLE ROW LEVEL SECURITY")


def test_every_operation_can_be_asked() -> None:
    assert matrix.lacking() == [], "give its path parameter or its body in tests/api/matrix_recipes.py"
    assert {operation.name for operation in matrix.operations()} == set(ACCESS)


async def surveyed(
    url: str, conn: asyncpg.Connection, *, whole: bool = False, only: Collection[str] | None = None
) -> list[matrix.Finding]:
    """What should not be, of an api on a furnished world."""
    vehicles = await matrix_world.furnish(conn)
    api = await start(
        Settings(
            database_url=url, kafka_bootstrap="127.0.0.1:9", token=TOKEN, deadline_s=10, logins_per_minute=0
        )
    )
    try:
        await until(
            lambda: len(api.state.livemap.names) == len(matrix_world.THINGS) and api.state.livemap.stamp > 0
        )
        return await matrix.survey(matrix_world.World(api, conn, vehicles), whole=whole, only=only)
    finally:
        await api.stop()


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
    if not sql:
        without_sql_filter(monkeypatch)
    if not policies:
        await without_policies(conn)
    found = await surveyed(fresh_database_url, conn, whole=sql and policies)
    if sql or policies:
        assert found == [], "\n".join(
            sorted({f"{one.operation} {one.asker} {one.thing} {one.what}" for one in found})
        )
    else:
        assert {finding.operation for finding in found} >= LEAKING


OF_ROWS = {
    "list_alerts", "get_alert", "list_events", "list_vehicles", "get_vehicle", "get_track", "list_routes", "list_drivers", "get_driver",
}  # fmt: skip
OWNED = {
    "list_jobs", "get_job", "get_job_result", "list_webhooks", "get_webhook", "list_deliveries", "get_delivery", "redeliver",
}  # fmt: skip
LIMITS = {"divisions": OF_ROWS, "operators": OF_ROWS, "classes": OF_ROWS, "account": OWNED}
"""What a view is limited by, and the operations that leak when this one limit is dropped."""


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("where", ["SQL", "policies"])
async def test_one_limit_dropped_is_noticed(
    fresh_database_url: str, conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, limit: str, where: str
) -> None:
    """Of the one protection, the other being away; the other limits hold on."""
    if where == "SQL":
        await without_policies(conn)
    else:
        without_sql_filter(monkeypatch)
    view = Authenticator.view

    async def wider(self: Authenticator, principal: Principal) -> View:
        found = await view(self, principal)
        if isinstance(found, Unfiltered):
            return replace(found, real=replace(found.real, **{limit: None}))
        return replace(found, **{limit: None})

    monkeypatch.setattr(Authenticator, "view", wider)
    if limit == "account":
        monkeypatch.setattr(jobs, "owner", lambda _: None)
    found = await surveyed(fresh_database_url, conn, only=LIMITS[limit])
    assert {finding.operation for finding in found} == LIMITS[limit]


async def test_a_key_that_anybody_may_revoke_is_noticed(
    fresh_database_url: str, conn: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke_key = administration.revoke_key

    async def anybodys(
        conn: Conn, key_id: str, now_ms: int, owner: str | None = None
    ) -> asyncpg.Record | None:
        return await revoke_key(conn, key_id, now_ms)

    monkeypatch.setattr(administration, "revoke_key", anybodys)
    found = await surveyed(fresh_database_url, conn, only={"revoke_my_key"})
    assert {(finding.operation, finding.what[:3]) for finding in found} == {("revoke_my_key", "204")}
