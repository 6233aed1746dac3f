"""Webhook endpoints, networks and deliveries as the api reads and changes them; whose rows is said in every statement (`View.account`).

What happens to messages here is only asked for (state `again`); the process that holds the endpoint carries it out, the one writer of its queue.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg

from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_ms, to_time

SYSTEM_ACCOUNT = "system"
"""Owner of what the holder of the system's token makes."""

ENDPOINT_COLUMNS = """id, account, url, description, types, filters, algorithm, secrets, state, reason, failing_since, failures, resume_at, after, numbered,
                      version, created_at"""
ADD = """
INSERT INTO webhook_endpoint (id, account, url, description, types, filters, algorithm, secrets, state, after, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, 'pending', feed.last, $9 FROM feed WHERE feed.id = 1
"""
COUNT = "SELECT count(*) FROM webhook_endpoint WHERE account = $1"
LOCK_ACCOUNT = "SELECT pg_advisory_xact_lock(hashtextextended('webhook account ' || $1, 0))"
LIST = f"""
SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoint
WHERE ($1::text IS NULL OR account = $1) AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3
"""
ONE = f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoint WHERE id = $1 AND ($2::text IS NULL OR account = $2)"
ONE_LOCKED = f"{ONE} FOR UPDATE"
CHANGE = """
UPDATE webhook_endpoint SET url = $3, description = $4, types = $5, filters = $6, state = $7, reason = $8, version = version + 1
WHERE id = $1 AND ($2::text IS NULL OR account = $2)
"""
SET_STATE = """
UPDATE webhook_endpoint SET state = $3, reason = $4, version = version + 1 WHERE id = $1 AND ($2::text IS NULL OR account = $2)
"""
SET_SECRETS = """
UPDATE webhook_endpoint SET secrets = $3, version = version + 1 WHERE id = $1 AND ($2::text IS NULL OR account = $2)
"""
SKIP = "UPDATE webhook_endpoint SET after = (SELECT last FROM feed WHERE id = 1) WHERE id = $1 AND ($2::text IS NULL OR account = $2)"
DELETE = "DELETE FROM webhook_endpoint WHERE id = $1 AND ($2::text IS NULL OR account = $2)"
ADD_EVENTLESS = """
INSERT INTO webhook_message (id, endpoint, seq, event_id, alert_id, type, body, state, due_at, created_at)
VALUES ($1, $2, 0, $3, $3, $4, $5, 'waiting', $6, $6)
"""
TESTS_SINCE = """
SELECT created_at FROM webhook_message WHERE endpoint = $1 AND seq = 0 AND type LIKE 'alert.%' AND created_at > $2 ORDER BY created_at
"""
# row-level security answers for the account that asks, as its scope is when it asks
IN_VIEW = "(m.seq = 0 OR EXISTS (SELECT 1 FROM alert a WHERE a.id = m.alert_id))"
TOLD_STATE = (
    f"CASE WHEN m.state IN ('waiting', 'held', 'again') AND NOT {IN_VIEW} THEN 'withheld' ELSE m.state END"
)
DELIVERY_COLUMNS = f"""m.id, m.endpoint, m.seq, m.event_id, m.alert_id, m.number, m.type, {TOLD_STATE} AS state, m.attempts, m.due_at, m.created_at,
                       m.done_at, {IN_VIEW} AS in_view"""
DELIVERIES = f"""
SELECT {DELIVERY_COLUMNS} FROM webhook_message m JOIN webhook_endpoint e ON e.id = m.endpoint
WHERE m.endpoint = $1 AND ($2::text IS NULL OR e.account = $2) AND ($3::text[] IS NULL OR {TOLD_STATE} = ANY ($3))
  AND ($4::timestamptz IS NULL OR (m.created_at, m.id) < ($4, $5))
ORDER BY m.created_at DESC, m.id DESC LIMIT $6
"""
DELIVERY = f"""
SELECT {DELIVERY_COLUMNS}, m.body FROM webhook_message m JOIN webhook_endpoint e ON e.id = m.endpoint
WHERE m.id = $1 AND ($2::text IS NULL OR e.account = $2)
"""
ATTEMPTS = """
SELECT t.number, t.at, t.milliseconds, t.status, t.error, t.response
FROM webhook_attempt t JOIN webhook_message m ON m.id = t.message JOIN webhook_endpoint e ON e.id = m.endpoint
WHERE t.message = $1 AND ($2::text IS NULL OR e.account = $2) ORDER BY t.number
"""
REDELIVER = """
UPDATE webhook_message m SET state = 'again', due_at = $3, done_at = NULL FROM webhook_endpoint e
WHERE m.id = $1 AND e.id = m.endpoint AND ($2::text IS NULL OR e.account = $2) AND m.state IN ('delivered', 'exhausted', 'withheld')
"""
ADD_RECOVERY = """
INSERT INTO job (id, account, kind, request, state, created_at, beat_at) VALUES ($1, $2, 'webhook.recover', $3, 'waiting', $4, $4)
"""
NETWORKS = "SELECT network, note, created_at FROM webhook_network ORDER BY network"
NETWORK_PAGE = """
SELECT network, note, created_at FROM webhook_network WHERE $1::text IS NULL OR network > $1 ORDER BY network LIMIT $2
"""
PUT_NETWORK = """
INSERT INTO webhook_network (network, note, created_at) VALUES ($1, $2, $3) ON CONFLICT (network) DO UPDATE SET note = $2
"""
DELETE_NETWORK = "DELETE FROM webhook_network WHERE network = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An endpoint to be made; it begins with what comes after now."""

    id: str
    account: str
    url: str
    description: str
    types: list[str]
    filters: dict[str, Any]
    algorithm: str
    secrets: list[dict[str, object]]
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which deliveries: of what states (None: all), after which key (created, id), how many."""

    states: list[str] | None
    after: tuple[int, str] | None
    limit: int


async def add(conn: Conn, new: NewEndpoint, most: int) -> bool:
    """Make an endpoint; False: its account has as many as it may."""
    await conn.execute(LOCK_ACCOUNT, new.account)
    if await conn.fetchval(COUNT, new.account) >= most:
        return False
    await conn.execute(
        ADD, new.id, new.account, new.url, new.description, new.types, new.filters, new.algorithm, new.secrets, to_time(new.created_ms)
    )  # fmt: skip
    return True


async def endpoints(conn: Conn, view: View, after: str | None, limit: int) -> list[asyncpg.Record]:
    """Endpoints by id."""
    return await conn.fetch(LIST, view.account, after, limit)


async def endpoint(conn: Conn, view: View, name: str, *, lock: bool = False) -> asyncpg.Record | None:
    """One endpoint; `lock` keeps it as it is until the transaction ends."""
    return await conn.fetchrow(ONE_LOCKED if lock else ONE, name, view.account)


async def change(conn: Conn, view: View, row: dict[str, Any]) -> None:
    """Write url, description, types, filters, state and reason."""
    await conn.execute(
        CHANGE, row["id"], view.account, row["url"], row["description"], row["types"], row["filters"], row["state"], row["reason"]
    )  # fmt: skip


async def set_state(conn: Conn, view: View, name: str, state: str, reason: str | None) -> None:
    """`pending` or `paused`; `active` and `disabled` are the deliverer's to set."""
    await conn.execute(SET_STATE, name, view.account, state, reason)


async def set_secrets(conn: Conn, view: View, name: str, secrets: list[dict[str, object]]) -> None:
    """Newest first."""
    await conn.execute(SET_SECRETS, name, view.account, secrets)


async def skip(conn: Conn, view: View, name: str) -> None:
    """Leave out what happened until now."""
    await conn.execute(SKIP, name, view.account)


async def delete(conn: Conn, view: View, name: str) -> bool:
    """With all its messages; False: there is none."""
    return await conn.execute(DELETE, name, view.account) == "DELETE 1"


async def add_eventless(
    conn: Conn, message: str, endpoint: str, event: str, event_type: str, body: bytes, at_ms: int
) -> None:
    """A message that carries no event, to be tried once."""
    await conn.execute(ADD_EVENTLESS, message, endpoint, event, event_type, body, to_time(at_ms))


async def tests_since(conn: Conn, endpoint: str, since_ms: int) -> list[int]:
    """When an endpoint was sent test events since a time, Unix ms, the oldest first."""
    return [to_ms(row["created_at"]) for row in await conn.fetch(TESTS_SINCE, endpoint, to_time(since_ms))]


async def deliveries(conn: Conn, view: View, endpoint: str, page: Page) -> list[asyncpg.Record]:
    """An endpoint's messages, the latest first; of an alert out of view (`in_view` false) what is not yet sent is told as `withheld`."""
    after_ms, after_id = page.after or (None, None)
    return await conn.fetch(
        DELIVERIES, endpoint, view.account, page.states, to_time(after_ms), after_id, page.limit
    )


async def delivery(conn: Conn, view: View, message: str) -> asyncpg.Record | None:
    """One message with its body, which is not to be shown where `in_view` is false."""
    return await conn.fetchrow(DELIVERY, message, view.account)


async def attempts(conn: Conn, view: View, message: str) -> list[asyncpg.Record]:
    """Every try of a message."""
    return await conn.fetch(ATTEMPTS, message, view.account)


async def redeliver(conn: Conn, view: View, message: str, at_ms: int) -> bool:
    """Ask for a message again; False: it is still on its way."""
    return await conn.execute(REDELIVER, message, view.account, to_time(at_ms)) == "UPDATE 1"


async def add_recovery(conn: Conn, job: str, account: str, request: dict[str, Any], at_ms: int) -> None:
    """Ask for a time range again: `endpoint`, `since_ms`, `until_ms`, `delivered` (also what arrived)."""
    await conn.execute(ADD_RECOVERY, job, account, request, to_time(at_ms))


async def networks(conn: Conn) -> list[asyncpg.Record]:
    """The allow-list."""
    return await conn.fetch(NETWORKS)


async def network_page(conn: Conn, after: str | None, limit: int) -> list[asyncpg.Record]:
    """A page of it."""
    return await conn.fetch(NETWORK_PAGE, after, limit)


async def put_network(conn: Conn, network: str, note: str, at_ms: int) -> None:
    """Allow a network, or note something else about it."""
    await conn.execute(PUT_NETWORK, network, note, to_time(at_ms))


async def delete_network(conn: Conn, network: str) -> bool:
    """Allow it no longer; False: it was not allowed."""
    return await conn.execute(DELETE_NETWORK, network) == "DELETE 1"
