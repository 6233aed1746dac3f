"""The queue of webhook messages, written by one process an endpoint: whoever holds the endpoint's lock on this very connection.

States of a message: `held` (behind an earlier one of its alert), `waiting` (to be tried at `due_at`), `delivered`, `exhausted`, `withheld` (its
receiver may no longer see the alert), `again` (asked for by a person). What carries no event (`seq` 0: pings, tests) has no number and is tried once. Whatever adds or ends messages calls `promote` for their alerts afterwards:
of each alert the oldest that is held becomes waiting when none is. Everything here runs on the connection that holds the locks, so that losing
them is losing the power to write.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.store.connect import Conn
from services.store.times import to_time

LOCK = "SELECT pg_try_advisory_lock(hashtextextended('webhook endpoint ' || $1, 0))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('webhook endpoint ' || $1, 0))"
ENDPOINTS = """
SELECT e.id, e.account, e.url, e.types, e.filters, e.secrets, e.state, e.failing_since, e.failures, e.resume_at, e.after, e.version,
       a.role, a.divisions, a.operators, a.classes, coalesce(a.epoch, 0) AS epoch
FROM webhook_endpoint e LEFT JOIN account a ON a.id = e.account AND a.active
WHERE e.account = 'system' OR a.id IS NOT NULL ORDER BY e.id
"""
NETWORKS = "coalesce((SELECT array_agg(network ORDER BY network) FROM webhook_network), '{}')"
# KEY SHARE: whoever changes an endpoint or an account through the api holds it FOR UPDATE and waits; our own updates of an endpoint do not
LOOK = f"""
WITH owner AS (
    SELECT id, epoch FROM account WHERE active AND id IN (SELECT account FROM webhook_endpoint WHERE id = ANY ($1::text[])) FOR KEY SHARE
)
SELECT e.id, e.url, e.version, coalesce(owner.epoch, 0) AS epoch, {NETWORKS} AS networks
FROM webhook_endpoint e LEFT JOIN owner ON owner.id = e.account
WHERE e.id = ANY ($1::text[]) AND (e.account = 'system' OR owner.id IS NOT NULL) ORDER BY e.id FOR KEY SHARE OF e
"""
# only who holds the endpoint inserts, so what is not there now is not put there meanwhile: no number is used up in vain
INSERT = """
WITH fresh AS (
    SELECT given.*, row_number() OVER (PARTITION BY endpoint ORDER BY seq) AS place
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bytea[])
         AS given (id, endpoint, seq, event_id, alert_id, type, body)
    WHERE NOT EXISTS (SELECT 1 FROM webhook_message known WHERE known.id = given.id)
), counted AS (
    UPDATE webhook_endpoint e SET numbered = e.numbered + added.n
    FROM (SELECT endpoint, count(*) AS n FROM fresh GROUP BY endpoint) AS added WHERE e.id = added.endpoint
    RETURNING e.id, e.numbered - added.n AS before
)
INSERT INTO webhook_message (id, endpoint, seq, event_id, alert_id, number, type, body, state, due_at, created_at)
SELECT fresh.id, endpoint, seq, event_id, alert_id, before + place, type, body, 'held', $8, $8
FROM fresh JOIN counted ON counted.id = fresh.endpoint
"""
ADVANCE = """
UPDATE webhook_endpoint SET after = moved.after FROM unnest($1::text[], $2::bigint[]) AS moved (id, after) WHERE webhook_endpoint.id = moved.id
"""
PROMOTE = """
UPDATE webhook_message SET state = 'waiting', due_at = greatest($3, due_at) FROM (
    SELECT DISTINCT ON (m.endpoint, m.alert_id) m.id
    FROM unnest($1::text[], $2::text[]) AS touched (endpoint, alert_id)
    JOIN webhook_message m ON m.endpoint = touched.endpoint AND m.alert_id = touched.alert_id AND m.state = 'held'
    WHERE NOT EXISTS (
        SELECT 1 FROM webhook_message w WHERE w.endpoint = touched.endpoint AND w.alert_id = touched.alert_id AND w.state = 'waiting'
    )
    ORDER BY m.endpoint, m.alert_id, m.seq
) AS oldest WHERE webhook_message.id = oldest.id
"""
DUE = """
SELECT m.id, m.endpoint, m.seq, m.alert_id, m.number, m.type, m.body, m.attempts, m.earlier, e.version, coalesce(o.epoch, 0) AS epoch,
       a.division, a.operator, a.vehicle_class
FROM unnest($1::text[], $2::int[]) AS line (endpoint, most)
CROSS JOIN LATERAL (
    SELECT * FROM webhook_message WHERE endpoint = line.endpoint AND state = 'waiting' AND due_at <= $3 ORDER BY due_at, seq LIMIT line.most
) AS m
JOIN webhook_endpoint e ON e.id = m.endpoint
LEFT JOIN account o ON o.id = e.account
LEFT JOIN alert a ON a.id = m.alert_id
"""
DUE_EVENTLESS = """
SELECT m.id, m.endpoint, m.seq, m.alert_id, m.number, m.type, m.body, m.attempts, m.earlier, e.version, coalesce(o.epoch, 0) AS epoch
FROM webhook_message m JOIN webhook_endpoint e ON e.id = m.endpoint LEFT JOIN account o ON o.id = e.account
WHERE m.endpoint = ANY ($1::text[]) AND m.state = 'waiting' AND m.seq = 0 ORDER BY m.due_at LIMIT 100
"""
ADD_ATTEMPTS = """
INSERT INTO webhook_attempt (message, number, at, milliseconds, status, error, response)
SELECT tried.* FROM unnest($1::text[], $2::int[], $3::timestamptz[], $4::int[], $5::int[], $6::text[], $7::text[])
    AS tried (message, number, at, milliseconds, status, error, response)
JOIN webhook_message m ON m.id = tried.message
ON CONFLICT DO NOTHING
"""
FINISH = """
UPDATE webhook_message m SET state = ended.state, attempts = ended.attempts, due_at = coalesce(ended.due_at, m.due_at), done_at = ended.done_at
FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::timestamptz[]) AS ended (id, state, attempts, due_at, done_at)
WHERE m.id = ended.id AND m.state = 'waiting'
"""
HEALTH = """
UPDATE webhook_endpoint e SET failing_since = new.failing_since, failures = new.failures, resume_at = new.resume_at
FROM unnest($1::text[], $2::timestamptz[], $3::int[], $4::timestamptz[]) AS new (id, failing_since, failures, resume_at)
WHERE e.id = new.id
"""
DISABLE = "UPDATE webhook_endpoint SET state = 'disabled', reason = $2, version = version + 1 WHERE id = $1 AND state = 'active' AND url = $3"
ADD_NOTICE = """
INSERT INTO webhook_message (id, endpoint, seq, event_id, alert_id, type, body, state, due_at, created_at, done_at)
VALUES ($1, $2, 0, $1, $1, 'endpoint.disabled', $3, 'recorded', $4, $4, $4) ON CONFLICT (id) DO NOTHING
"""
ACTIVATE = """
UPDATE webhook_endpoint SET state = 'active', reason = NULL, failing_since = NULL, failures = 0, resume_at = NULL, version = version + 1
WHERE id = $1 AND url = $2 AND state = 'pending'
"""
FORWARD = "UPDATE webhook_message SET due_at = $2 WHERE endpoint = ANY ($1::text[]) AND state = 'waiting' AND due_at > $2"
WITHHOLD = "UPDATE webhook_message SET state = 'withheld', done_at = $2 WHERE id = ANY ($1::text[]) AND state = 'waiting'"
AGAIN = """
UPDATE webhook_message SET state = 'held', earlier = attempts FROM (
    SELECT id FROM webhook_message WHERE endpoint = ANY ($1::text[]) AND state = 'again' ORDER BY endpoint, seq LIMIT $2
) AS asked WHERE webhook_message.id = asked.id RETURNING endpoint, alert_id
"""
ASK_AGAIN = """
UPDATE webhook_message SET state = 'again', due_at = $2, done_at = NULL
WHERE id = ANY ($1::text[]) AND state = ANY (CASE WHEN $3 THEN ARRAY['exhausted', 'withheld', 'delivered'] ELSE ARRAY['exhausted', 'withheld'] END)
"""
OLDEST = "SELECT min(created_at) FROM webhook_message WHERE state IN ('waiting', 'held')"
COUNT = "SELECT count(*) FROM webhook_message WHERE state IN ('waiting', 'held')"
PRUNE = """
DELETE FROM webhook_message WHERE id IN (SELECT id FROM webhook_message WHERE done_at IS NOT NULL AND done_at < $1 ORDER BY done_at LIMIT $2)
"""
RECOVERIES = """
SELECT id, request, progress FROM job
WHERE kind = 'webhook.recover' AND state IN ('waiting', 'running') AND request->>'endpoint' = ANY ($1::text[]) ORDER BY created_at
"""
RECOVERED_TO = "SELECT coalesce((request->>'after')::bigint, 0) FROM job WHERE id = $1"
RECOVERED = """
UPDATE job SET state = $2, progress = $3, request = request || $4, beat_at = $5, done_at = CASE WHEN $2 = 'done' THEN $5::timestamptz END
WHERE id = $1 AND state IN ('waiting', 'running')
"""
EVENTS_BETWEEN = """
SELECT e.seq, e.event_id, e.type, e.time, e.alert_id, e.sequence, e.data FROM alert_event e JOIN alert a ON a.id = e.alert_id
WHERE e.seq > $1 AND e.seq <= $2 AND e.time >= $3 AND e.time < $4
  AND ($6::text[] IS NULL OR a.division = ANY ($6))
  AND ($7::text[] IS NULL OR a.operator = ANY ($7))
  AND ($8::text[] IS NULL OR a.vehicle_class = ANY ($8))
ORDER BY e.seq LIMIT $5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event for one endpoint."""

    id: str
    endpoint: str
    seq: int
    event_id: str
    alert_id: str
    type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt and what follows from it for its message; times Unix ms."""

    message: str
    endpoint: str
    alert_id: str
    number: int
    at_ms: int
    milliseconds: int
    status: int | None
    error: str | None
    response: str | None
    state: str
    due_ms: int | None


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    """How an endpoint does, as it is kept."""

    endpoint: str
    failing_since_ms: int | None
    failures: int
    resume_ms: int | None


async def lock(conn: Conn, endpoint: str) -> bool:
    """Take an endpoint; it is ours until the connection ends. False: another process has it."""
    return bool(await conn.fetchval(LOCK, endpoint))


async def unlock(conn: Conn, endpoint: str) -> None:
    """Give an endpoint back."""
    await conn.execute(UNLOCK, endpoint)


async def endpoints(conn: Conn) -> list[asyncpg.Record]:
    """Every endpoint whose account is active, with the account's scope."""
    return await conn.fetch(ENDPOINTS)


async def look(conn: Conn, endpoints_: Sequence[str]) -> dict[str, asyncpg.Record]:
    """Endpoints whose account is active as they are at this moment, by id: url, version, epoch of the account, networks allowed.

    Until the transaction ends nobody changes them or their accounts' scope through the api.
    """
    return {row["id"]: row for row in await conn.fetch(LOOK, sorted(endpoints_))}


async def insert(conn: Conn, messages: Sequence[Message], at_ms: int) -> None:
    """Queue messages; those that are there already stay as they are."""
    if messages:
        columns = _columns(
            (m.id, m.endpoint, m.seq, m.event_id, m.alert_id, m.type, m.body) for m in messages
        )
        await conn.execute(INSERT, *columns, to_time(at_ms))
        await promote(conn, {(m.endpoint, m.alert_id) for m in messages}, at_ms)


async def advance(conn: Conn, positions: dict[str, int]) -> None:
    """How far each endpoint's messages are made."""
    await conn.execute(ADVANCE, list(positions), list(positions.values()))


async def promote(conn: Conn, alerts: Iterable[tuple[str, str]], at_ms: int) -> None:
    """Let the oldest held message of each (endpoint, alert) wait, where none does."""
    touched = sorted(set(alerts))
    if touched:
        await conn.execute(PROMOTE, *_columns(touched), to_time(at_ms))


async def due(conn: Conn, lines: Sequence[tuple[str, int]], at_ms: int) -> list[asyncpg.Record]:
    """What may be tried now: for each (endpoint, at most), the longest due first; with whose alert it is."""
    return await conn.fetch(DUE, *_columns(lines), to_time(at_ms)) if lines else []


async def due_eventless(conn: Conn, endpoints_: Sequence[str]) -> list[asyncpg.Record]:
    """Pings and tests of endpoints that are sent nothing else."""
    return await conn.fetch(DUE_EVENTLESS, list(endpoints_)) if endpoints_ else []


async def finish(conn: Conn, tried: Sequence[Tried]) -> None:
    """Note attempts and what they make of their messages; the next of an alert follows one that is at its end."""
    if not tried:
        return
    attempts = [
        (t.message, t.number, to_time(t.at_ms), t.milliseconds, t.status, t.error, t.response) for t in tried
    ]
    await conn.execute(ADD_ATTEMPTS, *_columns(attempts))
    ends = {t.message: t.at_ms + t.milliseconds for t in tried}
    rows = [
        (t.message, t.state, t.number, to_time(t.due_ms), None if t.state == "waiting" else to_time(ends[t.message])) for t in tried
    ]  # fmt: skip
    await conn.execute(FINISH, *_columns(rows))
    await promote(conn, {(t.endpoint, t.alert_id) for t in tried if t.state != "waiting"}, max(ends.values()))


async def set_health(conn: Conn, healths: Sequence[EndpointHealth]) -> None:
    """How endpoints do."""
    if healths:
        rows = [(h.endpoint, to_time(h.failing_since_ms), h.failures, to_time(h.resume_ms)) for h in healths]
        await conn.execute(HEALTH, *_columns(rows))


async def disable(
    conn: Conn, endpoint: str, url: str, reason: str, notice: tuple[str, bytes], at_ms: int
) -> bool:
    """Deliver no more; `notice` (id, body) is kept among the deliveries. False: it was not active, or has another URL by now."""
    if await conn.execute(DISABLE, endpoint, reason, url) != "UPDATE 1":
        return False
    await conn.execute(ADD_NOTICE, notice[0], endpoint, notice[1], to_time(at_ms))
    return True


async def activate(conn: Conn, endpoint: str, url: str) -> bool:
    """Begin to deliver; False: it is not pending, or has another URL by now."""
    return await conn.execute(ACTIVATE, endpoint, url) == "UPDATE 1"


async def forward(conn: Conn, endpoints_: Sequence[str], at_ms: int) -> None:
    """Let what waits for a later attempt go now."""
    if endpoints_:
        await conn.execute(FORWARD, list(endpoints_), to_time(at_ms))


async def withhold(conn: Conn, rows: Sequence[asyncpg.Record], at_ms: int) -> None:
    """Do not send what its receiver may no longer see."""
    if rows:
        await conn.execute(WITHHOLD, [row["id"] for row in rows], to_time(at_ms))
        await promote(conn, {(row["endpoint"], row["alert_id"]) for row in rows}, at_ms)


async def take_again(conn: Conn, endpoints_: Sequence[str], limit: int, at_ms: int) -> int:
    """Queue what was asked for again; gives how many."""
    rows = await conn.fetch(AGAIN, list(endpoints_), limit)
    await promote(conn, {(row["endpoint"], row["alert_id"]) for row in rows}, at_ms)
    return len(rows)


async def ask_again(conn: Conn, messages: Sequence[str], at_ms: int, *, delivered: bool) -> None:
    """Ask for messages at their end again; `delivered`: also those that arrived."""
    await conn.execute(ASK_AGAIN, list(messages), to_time(at_ms), delivered)


async def queue(conn: Conn) -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest one does."""
    return await conn.fetchval(COUNT), await conn.fetchval(OLDEST)


async def prune(conn: Conn, before_ms: int, limit: int) -> int:
    """Forget messages that ended before a time; gives how many."""
    return int((await conn.execute(PRUNE, to_time(before_ms), limit)).split()[1])


async def recoveries(conn: Conn, endpoints_: Sequence[str]) -> list[asyncpg.Record]:
    """Recoveries asked for and not yet done."""
    return await conn.fetch(RECOVERIES, list(endpoints_))


async def recovered_to(conn: Conn, job: str) -> int:
    """Number of the last event that a recovery has looked at."""
    after: int = await conn.fetchval(RECOVERED_TO, job)
    return after


async def recovered(conn: Conn, job: str, *, after: int, part: float, done: bool, at_ms: int) -> None:
    """How far a recovery is: the last number looked at, and that as a part of all."""
    await conn.execute(RECOVERED, job, "done" if done else "running", part, {"after": after}, to_time(at_ms))


async def events_between(
    conn: Conn,
    rows: Sequence[Sequence[str] | None],
    seqs: tuple[int, int],
    times_ms: tuple[int, int],
    limit: int,
) -> list[asyncpg.Record]:
    """Events with numbers after the first and up to the second, told within a half-open time range, of alerts in view."""
    return await conn.fetch(EVENTS_BETWEEN, *seqs, to_time(times_ms[0]), to_time(times_ms[1]), limit, *rows)


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
