"""Streams of an api that is a process: cut and killed at random nothing is lost, doubled or out of order; a thousand at once; a storm.

Short here; `make trial` runs all as large as the figures ask (STREAM_TRIAL=long): 200 clients for three minutes, 1,000 clients, a storm of a minute.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api.authentication import COOKIE
from services.api.identity import Role
from services.runtime.clock import monotonic_s
from services.runtime.servers import LocalServers
from services.runtime.servers.process import free_port
from services.store.alerts import NewEvent, append
from services.store.connect import connection
from tests.api.accounts import PASSWORD, account
from tests.api.processes import api_environment, process, status_of
from tests.api.support import event, put

LONG = os.environ.get("STREAM_TRIAL") == "long"
CLIENTS, SECONDS, KILLS, DATABASE_STOPS = (200, 180, 10, 1) if LONG else (20, 12, 1, 0)
CROWD, CROWD_S, CROWD_SETTLE_S = (1000, 60, 5) if LONG else (60, 4, 1)
STORM, STORM_S = (5000, 60) if LONG else (5000, 8)
A_SECOND = 10
P99_S, CPU_US = (0.3, 25.0) if LONG else (3.0, 500.0)
END_S = 60.0
AWAY = (OSError, asyncio.IncompleteReadError, EOFError, TimeoutError)
SCOPES: dict[str, dict[str, list[str]]] = {
    "all": {}, "yinchuan": {"divisions": ["6401"]}, "first": {"operators": ["企业一"]}, "hazmat": {"classes": ["hazmat"]},
}  # fmt: skip
FILTERS = ("", "&rule=fatigue", "&severity=critical,major", "&division=6402&class=coach")


@dataclass
class Client:
    """A client of the stream that keeps its position as a browser does; `got` are the numbers it was told."""

    port: int
    cookie: str
    query: str = ""
    got: list[int] = field(default_factory=list)
    at_s: dict[int, float] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    cuts: int = 0
    open: bool = False

    @asynccontextmanager
    async def opened(
        self, receive_bytes: int | None = None, limit: int = 2**18
    ) -> AsyncIterator[asyncio.StreamReader]:
        """A connection whose answer has begun; cut at the end. `receive_bytes`: what the kernel may hold for it."""
        link = socket.socket()
        link.setblocking(False)
        if receive_bytes is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            await asyncio.get_running_loop().sock_connect(link, ("127.0.0.1", self.port))
        except BaseException:
            link.close()
            raise
        reader, writer = await asyncio.open_connection(sock=link, limit=limit)
        try:
            resume = f"Last-Event-ID: {self.got[-1]}\r\n" if self.got else ""
            writer.write(
                f"GET /v1/alerts/stream?after=0{self.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {COOKIE}={self.cookie}\r\n{resume}\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.partition(b"\r\n")[0]:
                raise EOFError(head)  # the api says that its database is away, or that it stops
            self.cuts += 1
            self.open = True
            yield reader
        finally:
            writer.transport.abort()

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Read until the stream ends."""
        rest = b""
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            *blocks, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n\n")
            now_s = monotonic_s()
            for block in blocks:
                self._block(block, now_s)

    def _block(self, block: bytes, now_s: float) -> None:
        if not block.startswith(b"id: ") or b"\ndata: " not in block:
            if block.startswith(b"event: "):
                self.others.append(block.partition(b"\n")[0].decode())
            return
        number, kind, _ = block.split(b"\n", 2)
        if kind == b"event: reset":
            raise AssertionError("a position was taken as meaningless")
        self.got.append(int(number[4:]))
        self.at_s[self.got[-1]] = now_s

    async def once(self) -> None:
        """Read one connection to its end."""
        async with self.opened() as reader:
            await self.read(reader)

    async def follow(self, done: asyncio.Event, own: Random) -> None:
        """Read, cut at random, resume, until all is written."""
        while not done.is_set():
            try:
                async with (
                    asyncio.timeout(own.choice((0.1, 1, 5, 15)) * own.random()),
                    self.opened() as reader,
                ):
                    await self.read(reader)
            except AWAY:
                await asyncio.sleep(own.random() * 0.2)

    async def finish(self, expected: int) -> None:
        """Without cuts to the end, and a second longer, for what should not come."""
        async with asyncio.timeout(END_S):
            while len(self.got) < expected:
                try:
                    async with asyncio.timeout(2), self.opened() as reader:
                        await self.read(reader)
                except AWAY:
                    await asyncio.sleep(0.05)
        try:
            async with asyncio.timeout(1), self.opened() as reader:
                await self.read(reader)
        except AWAY:
            return


class Supervised:
    """The api as a process that is started again when it was killed, on the same port."""

    def __init__(self, database_url: str, folder: Path) -> None:
        """Nothing runs before `running`."""
        self.port, self._file = free_port(), folder / "api.json"
        self.pid, self.kills = 0, 0
        self._environment = api_environment(database_url, self.port, self._file) | {
            "ROADWATCH_LOGINS_PER_MINUTE": "0", "ROADWATCH_REQUESTS_PER_MINUTE": "0",
        }  # fmt: skip
        self._kill = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Supervised"]:
        """Ready; ended at the end."""
        keeping = asyncio.create_task(self._keep())
        try:
            await self.ready()
            yield self
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self) -> None:
        while True:
            self._file.unlink(missing_ok=True)
            async with process(**self._environment) as made:
                self.pid = made.pid
                await self._kill.wait()
                self._kill.clear()
                made.kill()
                self.kills += 1

    async def ready(self) -> None:
        """Until it answers."""
        await status_of(self._file)

    async def kill(self) -> None:
        """SIGKILL, and until the next one answers."""
        before = self.pid
        self._kill.set()
        async with asyncio.timeout(END_S):
            while self.pid == before:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await self.ready()

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """The most memory that it has had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    async def cookie(self, login: str) -> str:
        """The session of an account that signs in."""
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=30
        ) as client:
            answer = await client.post(
                "/v1/session",
                json={"login": login, "password": PASSWORD},
                headers={"sec-fetch-site": "same-origin"},
            )
            assert answer.status_code == 200, answer.text
            return str(answer.cookies[COOKIE])


async def sessions(writer: asyncpg.Connection, api: Supervised) -> dict[str, str]:
    """A dispatcher of each scope, signed in: scope to cookie."""
    for name, scope in SCOPES.items():
        await account(
            writer, name, Role.DISPATCHER, divisions=scope.get("divisions"), operators=scope.get("operators"), classes=scope.get("classes")
        )  # fmt: skip
    return {name: await api.cookie(name) for name in SCOPES}


def step(own: Random, name: str, why: dict[str, Any] | None = None) -> NewEvent:
    """An alert of anybody's, for whom the scopes and filters differ."""
    return event(
        name, rule=own.choice(("speeding", "fatigue")), severity=own.choice(("info", "minor", "major", "critical")),
        division=own.choice(("640104", "640121", "640221")), operator=own.choice(("企业一", "企业二")),
        vehicle_class=own.choice(("coach", "hazmat")), why=why,
    )  # fmt: skip


def concerns(scope: str, query: str, alert: dict[str, Any]) -> bool:
    """Whether an event, as it stands in the table, is a client's: said here in other words than the api says it."""
    vehicle: dict[str, str] = alert["vehicle"]
    seen = {
        "all": True,
        "yinchuan": vehicle["division"][:4] == "6401",
        "first": vehicle["operator"] == "企业一",
        "hazmat": vehicle["class"] == "hazmat",
    }[scope]
    wanted = {
        "": True,
        "&rule=fatigue": alert["rule"] == "fatigue",
        "&severity=critical,major": alert["severity"] in {"critical", "major"},
        "&division=6402&class=coach": vehicle["division"][:4] == "6402" and vehicle["class"] == "coach",
    }[query]
    return seen and wanted


async def write_until(end_s: float, database_url: str) -> None:
    """Some ten events a second, in bursts, some of them rolled back; while the database is away it tries again with other alerts."""
    own, number = Random(7), 0
    while monotonic_s() < end_s:
        try:
            conn = await connection(database_url)
            while monotonic_s() < end_s:
                transaction = conn.transaction()
                await transaction.start()
                number += 10
                await append_some(conn, own, number)
                await (transaction.rollback() if own.random() < 0.1 else transaction.commit())
                await asyncio.sleep(own.random() * 0.4)
            await conn.close()
        except (
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
        ):  # fmt: skip
            await asyncio.sleep(0.2)


async def append_some(conn: asyncpg.Connection, own: Random, number: int) -> None:
    """One to three alerts."""
    await append(conn, [step(own, f"w{number + place}") for place in range(own.randint(1, 3))])


async def harm(api: Supervised, servers: LocalServers) -> None:
    """Kill the api at random moments, and stop the database in the middle."""
    own = Random(3)
    stops = set(range(KILLS // 2, KILLS // 2 + DATABASE_STOPS))
    for number in range(KILLS):
        await asyncio.sleep(SECONDS / (KILLS + 1) * (0.5 + own.random()) * 0.8)
        if number in stops:
            await asyncio.to_thread(servers.postgres.stop)
            await asyncio.sleep(2)
            servers.start()  # from this thread: the server dies with the one that made it
        await api.kill()


@pytest.mark.timeout(SECONDS + 240)
async def test_cut_at_random_and_the_api_killed_each_client_gets_its_events_once_and_in_order(
    writer: asyncpg.Connection, servers: LocalServers, database_url: str, tmp_path: Path
) -> None:
    """Each has a scope and a filter of its own; what it should have had is read from the table afterwards."""
    async with Supervised(database_url, tmp_path).running() as api:
        cookies = await sessions(writer, api)
        await writer.close()
        kinds = [(scope, query) for scope in SCOPES for query in FILTERS]
        chosen = [kinds[number % len(kinds)] for number in range(CLIENTS)]
        clients = [Client(api.port, cookies[scope], query) for scope, query in chosen]
        done = asyncio.Event()
        following = [
            asyncio.create_task(one.follow(done, Random(number))) for number, one in enumerate(clients)
        ]
        writing = asyncio.create_task(write_until(monotonic_s() + SECONDS, database_url))
        await harm(api, servers)
        await writing
        done.set()
        await asyncio.gather(*following)
        again = await connection(database_url)
        rows = await again.fetch("SELECT seq, data FROM alert_event ORDER BY seq")
        await again.close()
        alerts = {row["seq"]: json.loads(row["data"]) for row in rows}
        expected = [
            [row["seq"] for row in rows if concerns(scope, query, alerts[row["seq"]])]
            for scope, query in chosen
        ]
        await asyncio.gather(*(one.finish(len(due)) for one, due in zip(clients, expected, strict=True)))
        print(
            f"{CLIENTS} clients, {SECONDS} s, {api.kills} kills, {len(rows)} events, {sum(map(len, expected))} due, "
            f"{sum(len(one.got) for one in clients)} delivered, {sum(one.cuts for one in clients)} connections"
        )
        assert api.kills == KILLS
        assert sum(not due for due in expected[:16]) == 2, (
            "two of the pairs of scope and filter shut everything out"
        )
        assert [one.got for one in clients] == expected


@pytest.mark.timeout(CROWD_S + 240)
async def test_a_crowd_is_told_in_time_and_at_little_cost(
    writer: asyncpg.Connection, database_url: str, tmp_path: Path
) -> None:
    """Ten events a second to clients of four accounts and eight filters that let all of them through; from commit to arrival."""
    async with Supervised(database_url, tmp_path).running() as api:
        for number in range(4):
            await account(writer, f"d{number}", Role.DISPATCHER, divisions=["64"])
        cookies = [await api.cookie(f"d{number}") for number in range(4)]
        queries = ["", *(f"&from=200{number}-01-01T00:00:00Z" for number in range(7))]
        clients = [Client(api.port, cookies[number % 4], queries[number // 4 % 8]) for number in range(CROWD)]
        reading = [asyncio.create_task(one.once()) for one in clients]
        async with asyncio.timeout(END_S):
            while not all(one.open for one in clients):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        own, committed = Random(1), {}
        for number in range(20):  # warm
            await put(writer, [step(own, f"warm{number}")])
            await asyncio.sleep(CROWD_SETTLE_S / 20)
        begun_s, cpu_s = monotonic_s(), api.cpu_s()
        for number in range(CROWD_S * A_SECOND):
            await asyncio.sleep(max(0.0, begun_s + number / A_SECOND - monotonic_s()))
            seq = await put(writer, [step(own, f"c{number}")])
            committed[seq] = monotonic_s()
        last = max(committed)
        async with asyncio.timeout(END_S):
            while any(not one.got or one.got[-1] < last for one in clients):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        used_us = (api.cpu_s() - cpu_s) * 1e6 / (CROWD * len(committed))
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    delays = sorted(one.at_s[seq] - at_s for one in clients for seq, at_s in committed.items())
    p50, p99 = (delays[int(part * (len(delays) - 1))] for part in (0.5, 0.99))
    print(
        f"{CROWD} clients, {A_SECOND} events/s for {CROWD_S} s: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms,"
        f" max {delays[-1] * 1000:.0f} ms; {used_us:.1f} us of CPU per event and client"
    )
    assert all(one.got == list(range(1, last + 1)) for one in clients)
    assert p99 <= P99_S
    assert used_us <= CPU_US


@pytest.mark.timeout(STORM_S + 240)
async def test_a_storm_closes_the_slow_and_holds_up_nobody_and_the_slow_resume(
    writer: asyncpg.Connection, database_url: str, tmp_path: Path
) -> None:
    """5,000 alerts of 8 kB, one client that takes nothing; what waits for it is bounded, so that the process does not grow with the storm."""
    async with Supervised(database_url, tmp_path).running() as api:
        cookies = await sessions(writer, api)
        quick = [Client(api.port, cookies["all"]) for _ in range(10)]
        slow = Client(api.port, cookies["all"])
        reading = [asyncio.create_task(one.once()) for one in quick]
        async with slow.opened(receive_bytes=4096, limit=4096) as held:
            async with asyncio.timeout(END_S):
                while not all(one.open for one in quick):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            own, begun_s, before_mb = Random(2), monotonic_s(), api.peak_mb()
            for start in range(0, STORM, 20):
                await asyncio.sleep(max(0.0, begun_s + start / STORM * STORM_S - monotonic_s()))
                await put(writer, [step(own, f"s{start + n}", {"text": "x" * 8000}) for n in range(20)])
            took_s = monotonic_s() - begun_s
            async with asyncio.timeout(END_S):
                while any(not one.got or one.got[-1] < STORM for one in quick):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            behind_s, grown_mb = monotonic_s() - begun_s - took_s, api.peak_mb() - before_mb
            await slow.read(held)
        had = len(slow.got)
        await slow.finish(STORM)
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    print(
        f"{STORM} alerts in {took_s:.0f} s: the quick had the last {behind_s:.2f} s later, the slow was closed after {had}"
        f" and had all after it came back; the process grew by {grown_mb:.0f} MB"
    )
    everything = list(range(1, STORM + 1))
    assert [one.got for one in quick] == [everything] * len(quick)
    assert slow.others[0] == "event: lagged"
    assert 0 < had < STORM
    assert slow.got == everything
    assert grown_mb < 100
