"""The deliverer as a process: killed at random points it loses nothing and overtakes nothing; ill endpoints do not slow the others.

Short here; `make trial` runs both as long as the figures ask (WEBHOOK_TRIAL=long): 20 kills, and three rounds of 100 endpoints.
"""

import asyncio
import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from random import Random

import asyncpg

from services.runtime.clock import monotonic_s
from tests.api import processes
from tests.api.receivers import Received, Receiver, allow_loopback, endpoint, listening
from tests.api.support import event, put

LONG = os.environ.get("WEBHOOK_TRIAL") == "long"
KILLS = 20 if LONG else 3
ROUNDS, ROUND_S, WELL = (3, 20, 97) if LONG else (1, 4, 27)
RATIO = 1.1 if LONG else 2.0


def process(
    database_url: str, status_file: Path | None = None, **environment: str
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """`python -m services.api.webhooks`; killed at the end if it still runs."""
    own = {
        "ROADWATCH_DATABASE_URL": database_url, "ROADWATCH_WEBHOOK_HTTP": "true", "ROADWATCH_WEBHOOK_PORTS": "any", "ROADWATCH_LOG_FORMAT": "json",
        "ROADWATCH_STATUS_FILE": str(status_file or ""), **environment,
    }  # fmt: skip
    return processes.process("services.api.webhooks", **own)


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_says_how_it_does_and_leaves_when_asked(
    database_url: str, writer: asyncpg.Connection, tmp_path: Path
) -> None:
    await allow_loopback(writer)
    file = tmp_path / "webhooks.json"
    async with listening() as receiver, process(database_url, file) as running:
        await until(lambda: file.exists() and json.loads(file.read_text())["ready"])
        await endpoint(writer, receiver.url())
        await put(writer, [event("alr_1")])
        await until(lambda: receiver.received)
        await until(lambda: json.loads(file.read_text())["lag"] == 0)
        told = json.loads(file.read_text())
        assert (told["name"], told["pid"]) == ("webhooks", running.pid)
        running.send_signal(signal.SIGTERM)
        assert await running.wait() == 0
        _, errors = await running.communicate()
        assert b"Traceback" not in errors


async def test_it_waits_visibly_for_its_database(tmp_path: Path) -> None:
    file = tmp_path / "webhooks.json"
    async with process("postgresql://roadwatch@127.0.0.1:9/none", file) as running:
        assert running.stderr is not None
        async with asyncio.timeout(30):
            line = json.loads(await running.stderr.readline())
        assert (line["event"], line["level"]) == ("waiting", "warning")
        await until(file.exists)
        assert json.loads(file.read_text())["ready"] is False


async def test_killed_at_random_points_it_loses_nothing_and_overtakes_nothing(
    database_url: str, writer: asyncpg.Connection
) -> None:
    random = Random(7)
    await allow_loopback(writer)
    taken: dict[str, list[Received]] = defaultdict(list)

    def moody(one: Received) -> int | str:
        what = random.choice([*[200] * 18, 500, "cut"])
        taken[one.path].append(one)
        return what  # type: ignore[return-value]

    async with listening(Receiver(reply=moody, delay_s=0.005)) as receiver:
        paths = [f"/{number}" for number in range(5)]
        for path in paths:
            await endpoint(writer, receiver.url(path), f"whe_{path[1:]}")
        expected = 0
        for kill in range(KILLS):
            batch = [
                event(f"alr_{kill}_{n}", step, event_type="alert.updated")
                for step in (1, 2, 3)
                for n in range(40)
            ]
            async with process(database_url, ROADWATCH_WEBHOOK_SCHEDULE_S="0,1,1,1,1,1,1,1,1,1") as running:
                await put(writer, batch)
                expected += len(batch)
                point = len(receiver.received) + min(random.randint(0, len(batch) * len(paths)), 500)
                await until(lambda point=point: len(receiver.received) >= point)  # type: ignore[misc]
                running.kill()
                await running.wait()
        async with process(database_url, ROADWATCH_WEBHOOK_SCHEDULE_S="0,1,1,1,1,1,1,1,1,1"):
            await until(lambda: all(len({one.id for one in taken[path]}) == expected for path in paths), 120)
            await settled(writer)
    for path in paths:
        assert overtaken(taken[path]) == []
        bytes_of = defaultdict(set)
        for one in taken[path]:
            bytes_of[one.id].add(one.body)
        assert len(bytes_of) == expected
        assert all(len(bodies) == 1 for bodies in bytes_of.values()), "the same bytes every time"
    rows = await writer.fetch("SELECT state, count(*) AS n FROM webhook_message GROUP BY state")
    assert {row["state"]: row["n"] for row in rows} == {"delivered": expected * len(paths)}
    unrecorded = len(receiver.received) - await writer.fetchval("SELECT count(*) FROM webhook_attempt")
    assert 0 <= unrecorded <= 4 * len(paths) * KILLS, "no more than was on its way at each kill"
    print(
        f"{KILLS} kills, {len(receiver.received)} requests, {expected * len(paths)} messages, {unrecorded} sent again because of a kill"
    )


def overtaken(received: list[Received]) -> list[tuple[str, int, int]]:
    had: Counter[str] = Counter()
    found = []
    for one in received:
        alert, sequence = one.data["alert"], one.data["sequence"]
        if sequence > had[alert] + 1:
            found.append((alert, had[alert], sequence))
        had[alert] = max(had[alert], sequence)
    return found


async def settled(conn: asyncpg.Connection) -> None:
    async with asyncio.timeout(60):
        while await conn.fetchval("SELECT count(*) FROM webhook_message WHERE state IN ('waiting', 'held')"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_ill_endpoints_do_not_slow_the_others(database_url: str, writer: asyncpg.Connection) -> None:
    """A black hole, a tarpit and a refuser beside the well ones, against three more well ones: p99 from commit to arrival."""
    delays: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS):
        for ill in (False, True):
            delays[ill] += await one_round(database_url, writer, f"alr_{number}_{ill}", ill=ill)
    figures = {ill: (p(delays[ill], 0.5), p(delays[ill], 0.99), len(delays[ill])) for ill in delays}
    print(
        f"{WELL} well endpoints: p50, p99 (s), deliveries: all well {figures[False]}, with three ill {figures[True]}"
    )
    assert figures[True][2] == figures[False][2] > 0
    assert figures[True][1] <= RATIO * figures[False][1], figures


def p(values: list[float], part: float) -> float:
    return round(sorted(values)[int(part * (len(values) - 1))], 4)


async def one_round(database_url: str, writer: asyncpg.Connection, prefix: str, *, ill: bool) -> list[float]:
    await writer.execute("DELETE FROM webhook_endpoint")
    await allow_loopback(writer)
    doing = {"/hole": "hang", "/tar": "drip"} if ill else {}
    committed: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(
            listening(Receiver(reply=lambda one: doing.get(one.path, 200)))
        )
        for number in range(WELL):
            await endpoint(writer, receiver.url("/well"), f"whe_{number}")
        await endpoint(writer, receiver.url("/hole"), "whe_hole")
        await endpoint(writer, receiver.url("/tar"), "whe_tar")
        await endpoint(writer, "http://127.0.0.1:9/" if ill else receiver.url("/other"), "whe_refuser")
        await stack.enter_async_context(process(database_url))
        await put(writer, [event(f"{prefix}_warm_{n}") for n in range(6)])
        await until(lambda: len(receiver.of("/well")) == 6 * WELL)
        for number in range(2 * ROUND_S):
            name = f"{prefix}_{number}"
            await put(writer, [event(name)])
            committed[name] = monotonic_s()
            await asyncio.sleep(0.5)
        await until(lambda: len(receiver.of("/well")) == (6 + len(committed)) * WELL)
    return [
        one.at_s - committed[one.data["alert"]]
        for one in receiver.of("/well")
        if one.data["alert"] in committed
    ]
