"""Handling in the database: the alert's row is locked first, the feed's row taken last (before the audit chain's end), as judging does it.

So judging and people never wait for each other in a ring: each locks alerts before the feed, and nobody who holds the feed asks for an alert.
A judging event counts the handling version into its `sequence`, an event of handling the judging version; both hold the alert's row then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.store.api_queries import prefixes, rows_of
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_time

LOCK = """
SELECT id, data, version, handling, handling_version, handled, division, operator, vehicle_class FROM alert
WHERE id = $1
  AND ($2::text[] IS NULL OR division = ANY ($2))
  AND ($3::text[] IS NULL OR operator = ANY ($3))
  AND ($4::text[] IS NULL OR vehicle_class = ANY ($4))
FOR NO KEY UPDATE
"""
LOCK_DUE = """
SELECT id, data, version, handling, handling_version, handled FROM alert
WHERE due_at <= $1 AND handling <> 'resolved' ORDER BY due_at, id LIMIT 1
FOR NO KEY UPDATE SKIP LOCKED
"""
CHANGE = """
UPDATE alert SET handling = $2, handling_version = $3, assignee = $4, due_at = $5, handled = $6 WHERE id = $1
"""
APPEND = """
WITH taken AS (UPDATE feed SET last = last + 1 WHERE id = 1 RETURNING last),
told AS (
    INSERT INTO alert_event (seq, event_id, alert_id, sequence, type, time, data)
    SELECT last, $1, $2, $3, $4, $5, $6 FROM taken
)
INSERT INTO alert_action (alert_id, version, seq, at, actor, actor_name, action, data)
SELECT $2, $7, last, $5, $8, $9, $10, $11 FROM taken
RETURNING seq
"""
ACTIONS = """
SELECT d.version, d.seq, d.at, d.actor, d.actor_name, d.action, d.data FROM alert_action d JOIN alert a ON a.id = d.alert_id
WHERE d.alert_id = $1 AND d.version > $2
  AND ($4::text[] IS NULL OR a.division = ANY ($4))
  AND ($5::text[] IS NULL OR a.operator = ANY ($5))
  AND ($6::text[] IS NULL OR a.vehicle_class = ANY ($6))
ORDER BY d.version LIMIT $3
"""
COLLEAGUE = """
SELECT id, name, role, divisions, operators, classes FROM account WHERE active AND (id = $1 OR login = $1)
ORDER BY id = $1 DESC LIMIT 1
"""
WANTED = """
WHERE handling <> 'resolved'
  AND ($1::text[] IS NULL OR rule = ANY ($1))
  AND ($2::text[] IS NULL OR kind = ANY ($2))
  AND ($3::text[] IS NULL OR vehicle_class = ANY ($3))
  AND ($4::text[] IS NULL OR operator = ANY ($4))
  AND ($5::text[] IS NULL OR division LIKE ANY ($5))
  AND ($6::text[] IS NULL OR severity = ANY ($6))
  AND ($7::text[] IS NULL OR handling = ANY ($7))
  AND ($8::timestamptz IS NULL OR began >= $8)
  AND ($9::timestamptz IS NULL OR began < $9)
  AND ($11::text[] IS NULL OR division = ANY ($11))
  AND ($12::text[] IS NULL OR operator = ANY ($12))
  AND ($13::text[] IS NULL OR vehicle_class = ANY ($13))
"""
UNRESOLVED = f"""
SELECT id, rule, kind, operator, severity_rank, began, handling, handling_version, lon, lat, data::json #>> '{{why,road}}' AS road,
       (SELECT count(*) FROM alert {WANTED}) AS total
FROM (
    SELECT id, rule, kind, operator, severity_rank, began, handling, handling_version, ST_X(place) AS lon, ST_Y(place) AS lat, data
    FROM alert {WANTED}
    ORDER BY began DESC, id LIMIT $10
) AS latest
"""
STANDING = """
SELECT handling, severity, count(*) AS alerts, count(*) FILTER (WHERE due_at <= $2 OR handled::json ->> 'escalated' IS NOT NULL) AS overdue
FROM alert
WHERE handling <> 'resolved' AND began < $1
  AND ($3::text[] IS NULL OR division = ANY ($3))
  AND ($4::text[] IS NULL OR operator = ANY ($4))
  AND ($5::text[] IS NULL OR vehicle_class = ANY ($5))
GROUP BY handling, severity
"""
DONE = """
SELECT d.actor, max(d.actor_name) AS actor_name, d.action, d.data ->> 'reason' AS reason, count(*) AS actions
FROM alert_action d JOIN alert a ON a.id = d.alert_id
WHERE d.at >= $1 AND d.at < $2
  AND ($3::text[] IS NULL OR a.division = ANY ($3))
  AND ($4::text[] IS NULL OR a.operator = ANY ($4))
  AND ($5::text[] IS NULL OR a.vehicle_class = ANY ($5))
GROUP BY d.actor, d.action, reason
"""
BEGAN = """
SELECT count(*) FROM alert
WHERE began >= $1 AND began < $2
  AND ($3::text[] IS NULL OR division = ANY ($3))
  AND ($4::text[] IS NULL OR operator = ANY ($4))
  AND ($5::text[] IS NULL OR vehicle_class = ANY ($5))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAction:
    """What one action writes: the alert's columns, its event and its own row. `sequence` and `version` as they are after it."""

    alert_id: str
    handling: str
    version: int
    assignee: str | None
    due: datetime | None
    handled: str
    event_id: str
    event_type: str
    sequence: int
    at_ms: int
    document: str
    actor: str
    actor_name: str
    action: str
    said: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    """Which unresolved alerts to group: None asks for all; `divisions` are prefixes, the period is of `began`."""

    rules: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    operators: Sequence[str] | None = None
    divisions: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    handlings: Sequence[str] | None = None
    from_ms: int | None = None
    to_ms: int | None = None


async def lock(conn: Conn, view: View, alert_id: str) -> asyncpg.Record | None:
    """An alert in view, its row held until the transaction ends; as it is once nobody else holds it."""
    return await conn.fetchrow(LOCK, alert_id, *rows_of(view))


async def lock_due(conn: Conn, at_ms: int) -> asyncpg.Record | None:
    """The alert whose deadline passed first and which nobody else holds; the caller sees everything."""
    return await conn.fetchrow(LOCK_DUE, to_time(at_ms))


async def change(conn: Conn, new: NewAction) -> None:
    """Write the alert's own columns; its row is held."""
    await conn.execute(CHANGE, new.alert_id, new.handling, new.version, new.assignee, new.due, new.handled)


async def append(conn: Conn, new: NewAction) -> int:
    """Take the feed's next number for the action's event and write both; only the audit comes after this. Gives the number."""
    seq: int = await conn.fetchval(
        APPEND, new.event_id, new.alert_id, new.sequence, new.event_type, to_time(new.at_ms), new.document, new.version, new.actor,
        new.actor_name, new.action, new.said,
    )  # fmt: skip
    return seq


async def actions(conn: Conn, view: View, alert_id: str, after: int, limit: int) -> list[asyncpg.Record]:
    """What was done with an alert in view after a version of its handling, in order."""
    return await conn.fetch(ACTIONS, alert_id, after, limit, *rows_of(view))


async def colleague(conn: Conn, account: str) -> asyncpg.Record | None:
    """An active account by its id or login: id, name, role, divisions, operators, classes."""
    return await conn.fetchrow(COLLEAGUE, account)


async def unresolved(conn: Conn, view: View, wanted: GroupFilter, limit: int) -> list[asyncpg.Record]:
    """Alerts that nobody has resolved, the latest begun first, each with how many there are in all (`total`)."""
    return await conn.fetch(
        UNRESOLVED, wanted.rules, wanted.kinds, wanted.classes, wanted.operators, prefixes(wanted.divisions), wanted.severities,
        wanted.handlings, to_time(wanted.from_ms), to_time(wanted.to_ms), limit, *rows_of(view),
    )  # fmt: skip


async def standing(conn: Conn, view: View, to_ms: int, now_ms: int) -> list[asyncpg.Record]:
    """Counts of unresolved alerts begun before a time: handling, severity, alerts, overdue."""
    return await conn.fetch(STANDING, to_time(to_ms), to_time(now_ms), *rows_of(view))


async def done(conn: Conn, view: View, from_ms: int, to_ms: int) -> list[asyncpg.Record]:
    """Counts of actions in a period: actor, actor_name, action, reason, actions."""
    return await conn.fetch(DONE, to_time(from_ms), to_time(to_ms), *rows_of(view))


async def began(conn: Conn, view: View, from_ms: int, to_ms: int) -> int:
    """How many alerts began in a period."""
    count: int = await conn.fetchval(BEGAN, to_time(from_ms), to_time(to_ms), *rows_of(view))
    return count
