"""The deliverer: holds endpoints, makes their messages from the feed, sends them and writes down what came of it.

One connection does everything in the database and carries an advisory lock for every endpoint held, so that of two processes one delivers, and one
that loses its locks loses its power to write with them. The queue is in the database; in memory are at most four messages an endpoint. A message's
result is written before its place is free again: after a kill no more is sent twice than was on its way.

What is known of an endpoint here is at most a second old, and never acted on by itself: messages are made, and answers judged, under a look at the
endpoint that holds its row; an attempt is compared with the endpoint when it is begun and again before its first byte (standing.py).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import structlog

from services.api.database import Database
from services.api.webhooks import payload, signing
from services.api.webhooks.addresses import Policy, networks_of
from services.api.webhooks.deciding import SCHEDULE_S, Outcome, Verdict, decide, decide_once, elsewhere
from services.api.webhooks.endpoint import Endpoint, made, permitted
from services.api.webhooks.sender import Sender, Sent
from services.api.webhooks.standing import standing
from services.runtime import metrics
from services.runtime.clock import now_ms
from services.store import api_queries, scope, webhook_queue, webhooks
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_ms
from services.store.webhook_queue import EndpointHealth, Message, Tried

REFRESH_MS = 1000
CLOSURE_MS = 10_000
EVENTS_AT_ONCE = 200
AGAIN_AT_ONCE = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that ended."""

    row: asyncpg.Record
    url: str
    sent: Sent


@dataclass(slots=True)
class Deliverer:
    """One process's share of the endpoints, on one connection.

    Attributes:
        conn: sees everything (`Database.following`), holds the locks, and is used by nobody else.
        database: where attempts take a connection of their own for their last look.
        policy: what the installation allows besides the allow-list, which is read anew every second.
        clock: Unix ms; tests move it.
    """

    conn: Conn
    database: Database
    sender: Sender
    policy: Policy = field(default_factory=Policy)
    schedule: tuple[int, ...] = SCHEDULE_S
    clock: Callable[[], int] = now_ms
    held: dict[str, Endpoint] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    last: int = 0
    _done: deque[Done] = field(default_factory=deque)
    _closures: dict[tuple[str, ...], tuple[int, list[str]]] = field(default_factory=dict)
    _networks: tuple[str, ...] = ()
    _refreshed_ms: int | None = None

    @property
    def lag(self) -> int:
        """Events that the active endpoint farthest behind has not been given messages of."""
        return max((self.last - held.after for held in self.held.values() if held.active), default=0)

    @property
    def flying(self) -> bool:
        """Whether anything is on its way."""
        return any(held.flying for held in self.held.values())

    async def round(self) -> bool:
        """One look at everything; True: there is more to do at once."""
        at_ms = self.clock()
        wrote = await self._record(at_ms)
        if self._refreshed_ms is None or not 0 <= at_ms - self._refreshed_ms < REFRESH_MS:
            await self._refresh()
            queued = await webhook_queue.take_again(self.conn, list(self.held), AGAIN_AT_ONCE, at_ms)
            self._refreshed_ms = at_ms if queued < AGAIN_AT_ONCE else None
        more = await self._make(at_ms)
        begun = await self._dispatch(at_ms)
        return wrote or more or begun

    async def close(self) -> None:
        """Abandon what is on its way; whoever holds the endpoints next sends it again."""
        tasks = [task for held in self.held.values() for task in held.flying.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self, seconds: float) -> None:
        """Begin nothing more and write down what ends within a time."""
        tasks = [task for held in self.held.values() for task in held.flying.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        await self._record(self.clock())

    async def _refresh(self) -> None:
        """Take endpoints that nobody holds, drop those that are gone, and see what was changed about the others."""
        await self._allow()
        found = {row["id"]: row for row in await webhook_queue.endpoints(self.conn) if permitted(row)}
        for name in [name for name in self.held if name not in found]:
            await self._drop(name)
        for name, row in found.items():
            if name in self.held:
                self.held[name].take(row)
            elif await webhook_queue.lock(self.conn, name):
                self.held[name] = made(row)
        for state in ("active", "pending", "paused", "disabled"):
            metrics.WEBHOOK_ENDPOINTS.labels(state).set(sum(row["state"] == state for row in found.values()))

    async def _allow(self) -> None:
        """What the allow-list says holds from now on."""
        self._networks = tuple(row["network"] for row in await webhooks.networks(self.conn))
        self.sender.allow(Policy(networks_of(self._networks), self.policy.ports, self.policy.http))

    async def unchanged(self, endpoints: list[Endpoint]) -> list[Endpoint]:
        """Those that are as they were read, and stay so until the transaction ends; the others are read anew in the next round."""
        found = await webhook_queue.look(self.conn, [one.id for one in endpoints])
        same = [
            one
            for one in endpoints
            if (row := found.get(one.id)) is not None and (row["version"], row["epoch"]) == one.stamp
        ]
        if len(same) < len(endpoints):
            self._refreshed_ms = None
        return same

    async def _drop(self, name: str) -> None:
        gone = self.held.pop(name)
        for task in gone.flying.values():
            task.cancel()
        await webhook_queue.unlock(self.conn, name)

    async def view(self, endpoint: Endpoint) -> View:
        """The rows that an endpoint's account may see."""
        seen = endpoint.scope
        if seen.divisions is None:
            return View(None, seen.operators, seen.classes)
        known = self._closures.get(seen.divisions)
        if known is None or not 0 <= self.clock() - known[0] < CLOSURE_MS:
            codes = await scope.closure(self.conn, seen.divisions)
            known = self._closures[seen.divisions] = self.clock(), codes
        return View(known[1], seen.operators, seen.classes)

    async def _make(self, at_ms: int) -> bool:
        """Messages of what happened since, for every active endpoint; endpoints of one scope at one place share the reading."""
        self.last = await api_queries.feed_last(self.conn)
        groups: dict[tuple[object, int], list[Endpoint]] = {}
        for endpoint in self.held.values():
            if endpoint.active and endpoint.after != self.last:
                groups.setdefault((endpoint.scope, endpoint.after), []).append(endpoint)
        more = False
        for (_, after), group in groups.items():
            more |= await self._make_group(group, after, at_ms)
        return more

    async def _make_group(self, group: list[Endpoint], after: int, at_ms: int) -> bool:
        view = await self.view(group[0])
        async with self.conn.transaction():
            group = await self.unchanged(group)
            if not group:
                return True
            rows = await self._events(view, min(after, self.last))
            full = len(rows) == EVENTS_AT_ONCE
            position = rows[-1]["seq"] if full else max(self.last, rows[-1]["seq"] if rows else 0)
            if after > self.last:
                log.error("feed_set_back", position=after, last=self.last)
            made_now = [
                message_of(e, row) for row in rows for e in group if e.wants(row["type"], row["data"])
            ]
            await webhook_queue.insert(self.conn, made_now, at_ms)
            await webhook_queue.advance(self.conn, {endpoint.id: position for endpoint in group})
        for endpoint in group:
            endpoint.after = position
        return full

    async def _events(self, view: View, after: int) -> list[asyncpg.Record]:
        """Events in view; the policies of row-level security are given the same view for as long as it takes."""
        await scope.restrict(self.conn, view)
        rows = await api_queries.events_in_view(self.conn, view, after, EVENTS_AT_ONCE)
        await scope.restrict(self.conn, scope.EVERYTHING)
        return rows

    async def _dispatch(self, at_ms: int) -> bool:
        """Begin attempts where there is room."""
        open_now = [held for held in self.held.values() if len(held.flying) < held.room()]
        lines = [
            (held.id, held.room() + len(held.flying)) for held in open_now if not held.pings_alone(at_ms)
        ]
        alone = [held.id for held in open_now if held.pings_alone(at_ms)]
        rows = await webhook_queue.due(self.conn, lines, at_ms) + await webhook_queue.due_eventless(
            self.conn, alone
        )
        if rows:
            await self._allow()
        begun, hidden = False, []
        for row in rows:
            endpoint = self.held[row["endpoint"]]
            if row["id"] in endpoint.flying or len(endpoint.flying) >= endpoint.room():
                continue
            if (row["version"], row["epoch"]) != endpoint.stamp:
                self._refreshed_ms, begun = None, True
                continue
            if row["seq"] and not _in_view(endpoint, row):
                hidden.append(row)
                continue
            task = asyncio.create_task(self._attempt(endpoint, row))
            endpoint.flying[row["id"]] = task
            begun = True
        await webhook_queue.withhold(self.conn, hidden, at_ms)
        return begun

    async def _attempt(self, endpoint: Endpoint, row: asyncpg.Record) -> None:
        url, at_ms = endpoint.url, self.clock()
        guard = standing(self.database, endpoint, self._networks).held
        keys = signing.signing(endpoint.secrets, at_ms)
        metrics.WEBHOOK_IN_FLIGHT.inc()
        try:
            sent = await self.sender.send(
                url,
                signing.headers(keys, row["id"], at_ms // 1000, row["body"], row["number"]),
                row["body"],
                guard,
            )
        finally:
            metrics.WEBHOOK_IN_FLIGHT.dec()
        if sent is None:
            endpoint.flying.pop(row["id"], None)
            self._refreshed_ms = None
        else:
            metrics.WEBHOOK_SECONDS.observe(sent.milliseconds / 1000)
            self._done.append(Done(row, url, sent))
        self.woken.set()

    async def _record(self, at_ms: int) -> bool:
        """Write down every attempt that ended since, in one transaction."""
        ended = list(self._done)
        if not ended:
            return False
        self._done.clear()
        async with self.conn.transaction():
            now = await webhook_queue.look(self.conn, list({done.row["endpoint"] for done in ended}))
            tried, healths, verdicts = self._judged(
                ended, {name: row["url"] for name, row in now.items()}, at_ms
            )
            await webhook_queue.finish(self.conn, tried)
            await webhook_queue.set_health(self.conn, healths)
            await webhook_queue.forward(
                self.conn, [done.row["endpoint"] for done, verdict in verdicts if verdict.recovered], at_ms
            )
            for done, verdict in verdicts:
                await self._state(done, verdict, at_ms)
        for done in ended:
            if (held := self.held.get(done.row["endpoint"])) is not None:
                held.flying.pop(done.row["id"], None)
        return True

    def _judged(
        self, ended: list[Done], urls: dict[str, str], at_ms: int
    ) -> tuple[list[Tried], list[EndpointHealth], list[tuple[Done, Verdict]]]:
        """What follows from attempts; `urls` are the endpoints' now: what another address answered says nothing of theirs."""
        tried, healths, verdicts = [], {}, []
        for done in ended:
            row, endpoint = done.row, self.held.get(done.row["endpoint"])
            if endpoint is None:
                continue  # deleted, or no longer permitted
            number = row["attempts"] + 1
            verdict = self._verdict(endpoint, done, number, at_ms)
            if urls.get(endpoint.id) != done.url:
                verdict = elsewhere(verdict, endpoint.health, at_ms)
            endpoint.health = verdict.health
            health = verdict.health
            healths[endpoint.id] = EndpointHealth(
                endpoint.id, health.failing_since_ms, health.failures, health.resume_ms
            )
            metrics.WEBHOOK_ATTEMPTS.labels(verdict.outcome.value).inc()
            tried.append(_tried(done, number, verdict, at_ms))
            verdicts.append((done, verdict))
        return tried, list(healths.values()), verdicts

    def _verdict(self, endpoint: Endpoint, done: Done, number: int, at_ms: int) -> Verdict:
        if not done.row["seq"]:
            return decide_once(done.sent.answer, endpoint.health)
        place = number - done.row["earlier"]
        return decide(done.row["id"], place, done.sent.answer, at_ms, endpoint.health, self.schedule)

    async def _state(self, done: Done, verdict: Verdict, at_ms: int) -> None:
        """What an attempt makes of its endpoint's state."""
        endpoint = self.held[done.row["endpoint"]]
        if verdict.disable is not None:
            told = {"endpoint": endpoint.id, "url": done.url, "reason": verdict.disable}
            body = payload.body(payload.DISABLED, at_ms, told)
            notice = payload.message_id(endpoint.id, f"disabled {at_ms}")
            if await webhook_queue.disable(
                self.conn, endpoint.id, done.url, verdict.disable, (notice, body), at_ms
            ):
                log.warning("endpoint_disabled", endpoint=endpoint.id, reason=verdict.disable)
            endpoint.active, self._refreshed_ms = False, None
        elif (
            done.row["type"] == payload.PING
            and verdict.outcome is Outcome.DELIVERED
            and await webhook_queue.activate(self.conn, endpoint.id, done.url)
        ):
            log.info("endpoint_active", endpoint=endpoint.id)
            await webhook_queue.forward(self.conn, [endpoint.id], at_ms)
            self._refreshed_ms = None


def message_of(endpoint: Endpoint, row: asyncpg.Record) -> Message:
    """The message that tells an endpoint of an event."""
    return Message(
        id=payload.message_id(endpoint.id, row["event_id"]),
        endpoint=endpoint.id,
        seq=row["seq"],
        event_id=row["event_id"],
        alert_id=row["alert_id"],
        type=row["type"],
        body=payload.alert_body(
            event=row["event_id"], seq=row["seq"], event_type=row["type"], time_ms=to_ms(row["time"]), alert=row["alert_id"],
            sequence=row["sequence"], data=row["data"],
        ),
    )  # fmt: skip


def _in_view(endpoint: Endpoint, row: asyncpg.Record) -> bool:
    """Whether the account may see the alert now, whatever it might when the message was made."""
    if row["division"] is None:
        return endpoint.scope.everything
    return endpoint.scope.sees(row["division"], row["operator"], row["vehicle_class"])


def _tried(done: Done, number: int, verdict: Verdict, at_ms: int) -> Tried:
    row, sent = done.row, done.sent
    return Tried(
        message=row["id"], endpoint=row["endpoint"], alert_id=row["alert_id"], number=number, at_ms=at_ms - sent.milliseconds,
        milliseconds=sent.milliseconds, status=sent.answer.status, error=sent.error, response=sent.response, state=verdict.state,
        due_ms=verdict.due_ms,
    )  # fmt: skip
