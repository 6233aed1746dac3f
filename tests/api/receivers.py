"""Receivers of webhooks for tests: real listeners on loopback that answer, hang, drip or refuse, and a deliverer with a clock of the test's own."""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from services.api.database import Database, connect
from services.api.webhooks import signing
from services.api.webhooks.addresses import Policy
from services.api.webhooks.deciding import SCHEDULE_S
from services.api.webhooks.deliverer import Deliverer
from services.api.webhooks.sender import Sender
from services.api.webhooks.server import CONNECTIONS
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.settings import Settings
from services.store import webhooks
from services.store.webhooks import NewEndpoint
from tests.api.support import DEADLINE_S

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OPEN = Policy(ports=frozenset(), http=True)
LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        """The payload's data."""
        found: dict[str, Any] = json.loads(self.body)["data"]
        return found


What = tuple[int, Mapping[str, str]] | int | str | bytes
Reply = Callable[[Received], What]
"""What a receiver does: a status, a status with headers, raw bytes, or `hang`, `drip` or `cut`."""


@dataclass(slots=True)
class Receiver:
    """A small HTTP server, so that a test decides over every byte; `reply` may be changed at any time."""

    reply: Reply = lambda _: 200
    delay_s: float = 0.0
    received: list[Received] = field(default_factory=list)
    open_now: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    most_open: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    port: int = 0
    _hanging: set[asyncio.StreamWriter] = field(default_factory=set)

    def url(self, path: str = "/") -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}{path}"

    def of(self, path: str) -> list[Received]:
        """What came to a path."""
        return [one for one in self.received if one.path == path]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        path = ""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            one = Received(first.split()[1], headers, body, monotonic_s())
            path = one.path
            self.open_now[path] += 1
            self.most_open[path] = max(self.most_open[path], self.open_now[path])
            self.received.append(one)
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._answer(self.reply(one), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now[path] -= 1
            writer.close()

    async def _answer(
        self,
        what: What,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if isinstance(what, bytes):
            writer.write(what)
            await writer.drain()
        elif what == "cut":
            writer.transport.abort()
        elif what == "hang":
            self._hanging.add(writer)
            await reader.read(1)
        elif what == "drip":
            self._hanging.add(writer)
            for letter in b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 1000:
                writer.write(bytes([letter]))
                await writer.drain()
                await asyncio.sleep(1)
        else:
            status, extra = what if isinstance(what, tuple) else (int(what), {})
            lines = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
            body = "" if status in {204, 304} else "ok"
            length = f"content-length: {len(body)}\r\n" if body else ""
            writer.write(f"HTTP/1.1 {status} X\r\n{lines}{length}connection: close\r\n\r\n{body}".encode())
            await writer.drain()

    def release(self) -> None:
        """Cut whoever hangs."""
        for writer in self._hanging:
            writer.transport.abort()


@asynccontextmanager
async def listening(receiver: Receiver | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of loopback."""
    made = receiver or Receiver()
    server = await asyncio.start_server(made.take, "127.0.0.1", made.port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.release()
        await asyncio.sleep(0)


async def endpoint(
    conn: asyncpg.Connection,
    url: str,
    name: str = "whe_1",
    *,
    account: str = "system",
    types: list[str] | None = None,
    filters: dict[str, Any] | None = None,
    algorithm: str = signing.HMAC,
    state: str = "active",
) -> str:
    """An endpoint, active without a ping; gives its key."""
    key = signing.new_key(algorithm)
    new = NewEndpoint(
        id=name, account=account, url=url, description="", types=types or [], filters=filters or {}, algorithm=algorithm,
        secrets=[signing.Secret(key, now_ms()).kept()], created_ms=now_ms(),
    )  # fmt: skip
    await webhooks.add(conn, new, 10_000)
    await conn.execute("UPDATE webhook_endpoint SET state = $2 WHERE id = $1", name, state)
    return key


@dataclass(slots=True)
class Delivering:
    """A deliverer, its rounds turned by the test."""

    deliverer: Deliverer
    offset_ms: int = 0

    def now_ms(self) -> int:
        """The test's clock."""
        return now_ms() + self.offset_ms

    def pass_(self, seconds: float) -> None:
        """Move the clock."""
        self.offset_ms += round(seconds * 1000)

    async def until(self, condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
        """Turn rounds until something is so."""
        async with asyncio.timeout(deadline_s):
            while not condition():
                await self.turn()

    async def turn(self, rounds: int = 1) -> None:
        """Some rounds."""
        for _ in range(rounds):
            self.deliverer.woken.clear()
            if not await self.deliverer.round():
                await asyncio.sleep(0.005)

    async def quiet(self, deadline_s: float = DEADLINE_S) -> None:
        """Turn rounds until nothing is on its way and nothing more is begun."""
        async with asyncio.timeout(deadline_s):
            while True:
                self.deliverer.woken.clear()
                busy = await self.deliverer.round()
                if not busy and not self.deliverer.flying:
                    return
                if not busy:
                    await asyncio.sleep(0.002)


@asynccontextmanager
async def delivering(
    database_url: str, *, timeout_s: float = 15, schedule: tuple[int, ...] = SCHEDULE_S, policy: Policy = OPEN
) -> AsyncIterator[Delivering]:
    """A deliverer on a connection of its own."""
    database: Database = await connect(Settings(database_url=database_url), connections=CONNECTIONS)
    sender = Sender(timeout_s, TLS)
    try:
        async with database.following() as conn:
            made = Delivering(Deliverer(conn, database, sender, policy, schedule))
            made.deliverer.clock = made.now_ms
            try:
                yield made
            finally:
                await made.deliverer.close()
    finally:
        await sender.close()
        database.close()


async def allow_loopback(conn: asyncpg.Connection) -> None:
    """Put loopback on the allow-list."""
    await webhooks.put_network(conn, LOOPBACK, "tests", now_ms())
