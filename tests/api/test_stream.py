"""The stream of alert events: in order, each once, resumed exactly, never held up by a slow client."""

import asyncio
import random

import asyncpg
import pytest

from services.api import hub
from services.api.filters import Wanted
from services.store.alerts import NewEvent
from tests.api.support import Api, Stream, event, open_stream, put, until


async def test_without_a_cursor_it_begins_with_what_comes_next(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("a"), event("b")])
    async with open_stream(api.port) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-cache, no-transform"
        first, position = await stream.block(), await stream.block()
        assert first is not None
        assert position is not None
        assert 2000 <= (first.retry or 0) <= 5000
        assert position.id == "2", "a client cut before its first event resumes from here"
        await put(writer, [event("c")])
        (message,) = await stream.events(1)
    assert (message.id, message.event) == ("3", "alert.opened")
    body = message.body
    assert list(body) == ["id", "seq", "type", "time", "alert", "sequence", "data"]
    assert (body["seq"], body["alert"], body["sequence"], body["data"]["vehicle"]["plate"]) == (
        3,
        "c",
        1,
        "宁A12345",
    )
    assert "宁A12345" in (message.data or ""), "Chinese travels as it is written"


async def test_it_resumes_by_after_and_by_last_event_id_which_wins(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event(f"a{n}") for n in range(10)])
    async with open_stream(api.port, "/v1/alerts/stream?after=4") as stream:
        assert await stream.seqs(6) == [5, 6, 7, 8, 9, 10]
        await put(writer, [event("b")])
        assert await stream.seqs(1) == [11]
    async with open_stream(api.port, "/v1/alerts/stream?after=4", {"Last-Event-ID": "9"}) as stream:
        assert await stream.seqs(2) == [10, 11]


async def test_a_stream_of_the_whole_feed_reads_it_by_pages(api: Api, writer: asyncpg.Connection) -> None:
    count = hub.RING + 700
    await put(writer, [event(f"a{n}") for n in range(count)])
    async with open_stream(api.port, "/v1/alerts/stream?after=0") as stream:
        assert await stream.seqs(count) == list(range(1, count + 1))


@pytest.mark.parametrize("after", ["abc", "-1", "1.5", "99", "", "9" * 30])
async def test_a_wrong_after_is_refused(api: Api, writer: asyncpg.Connection, after: str) -> None:
    await put(writer, [event("a")])
    answer = await api.get("/v1/alerts/stream", after=after)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("last_event_id", ["abc", "99", "-1"])
async def test_a_wrong_last_event_id_is_reset_and_goes_on_from_the_end(
    api: Api, writer: asyncpg.Connection, last_event_id: str
) -> None:
    await put(writer, [event("a"), event("b")])
    async with open_stream(api.port, headers={"Last-Event-ID": last_event_id}) as stream:
        (reset,) = await stream.events(1)
        assert (reset.event, reset.id, reset.body) == ("reset", "2", {"last": 2, "first_page": "/v1/alerts"})
        await put(writer, [event("c")])
        assert await stream.seqs(1) == [3]


async def test_a_position_older_than_what_is_kept_is_reset(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event(f"a{n}") for n in range(5)])
    await writer.execute("DELETE FROM alert_event WHERE seq <= 3")
    async with open_stream(api.port, "/v1/alerts/stream?after=1") as stream:
        (reset,) = await stream.events(1)
        assert (reset.event, reset.id) == ("reset", "5")


async def test_a_feed_that_was_set_back_resets_its_clients(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event(f"a{n}") for n in range(5)])
    async with open_stream(api.port, "/v1/alerts/stream?after=5") as stream:
        await until(lambda: api.state.hub.listeners)
        await writer.execute("DELETE FROM alert_event; DELETE FROM alert; UPDATE feed SET last = 2")
        (reset,) = await stream.events(1)
        assert (reset.event, reset.id) == ("reset", "2")
        await put(writer, [event("n")])
        assert await stream.seqs(1) == [3]


async def test_a_client_ahead_of_the_reader_is_reset_too(api: Api, writer: asyncpg.Connection) -> None:
    """It knows a number that the reader has not come to when the feed is set back before it."""
    await put(writer, [event(f"a{n}") for n in range(5)])
    await until(lambda: api.state.hub.position == 5)
    api.state.hub.position = 0
    listener = api.state.hub.listener(Wanted())
    assert api.state.hub.join(listener, 5) == []
    api.state.hub._look_back(2, 5)
    assert b"event: reset" in await listener.take()
    api.state.hub.leave(listener)


async def test_filters_of_the_list_hold_for_the_stream(api: Api, writer: asyncpg.Connection) -> None:
    query = "rule=speeding,fatigue&class=coach&division=6401&severity=major&bbox=106,38,107,39"
    async with open_stream(api.port, f"/v1/alerts/stream?after=0&{query}") as stream:
        await put(
            writer,
            [
                event("rule", rule="route_deviation", kind="off_route"),
                event("yes1"),
                event("class", vehicle_class="hazmat"),
                event("division", division="640200"),
                event("severity", severity="info"),
                event("place", lon=100.0),
                event("yes2", rule="fatigue", kind="night"),
            ],
        )
        assert [message.body["alert"] for message in await stream.events(2)] == ["yes1", "yes2"]


async def test_a_slow_client_is_told_closed_and_resumes_exactly(api: Api, writer: asyncpg.Connection) -> None:
    """The slow one reads nothing while 20 MB go by; the quick one is not held up."""
    payload = {"text": "x" * 20_000}
    total = 1000
    async with (
        open_stream(api.port, "/v1/alerts/stream?after=0", limit=1024) as slow,
        open_stream(api.port, "/v1/alerts/stream?after=0", limit=2**24) as quick,
    ):
        reading = asyncio.create_task(quick.seqs(total))
        for start in range(0, total, 20):
            await put(writer, [event(f"a{n}", why=payload) for n in range(start, start + 20)])
        assert await reading == list(range(1, total + 1))
        got: list[int] = []
        last = None
        while (message := await slow.event()) is not None:
            last = message
            if message.event != "lagged":
                got.append(message.body["seq"])
    assert last is not None
    assert last.event == "lagged"
    assert last.id is None, "it must not move the client's position"
    assert got == list(range(1, len(got) + 1))
    assert len(got) < total
    assert last.body == {"after": got[-1]}
    async with open_stream(api.port, headers={"Last-Event-ID": str(got[-1])}) as again:
        assert await again.seqs(total - len(got)) == list(range(len(got) + 1, total + 1))


async def test_clients_cut_at_random_get_every_event_once(api: Api, writer: asyncpg.Connection) -> None:
    """Ten clients, two with a filter, cut and resumed all the time while events are written in bursts and some writers roll back."""
    writing = True
    chance = random.Random(4)

    async def write() -> int:
        number = 0
        for _ in range(120):
            events = [
                event(f"w{number + n}", rule=chance.choice(("speeding", "fatigue")))
                for n in range(chance.randint(1, 9))
            ]
            number += len(events)
            await put(writer, events)
            await asyncio.sleep(chance.random() * 0.02)
        return number

    async def follow(client: int, query: str) -> list[int]:
        own, got, resume = random.Random(client), [], "0"
        while True:
            async with open_stream(
                api.port, f"/v1/alerts/stream?after=0{query}", {"Last-Event-ID": resume}
            ) as stream:
                until = own.randint(1, 60)
                while until and (message := await next_within(stream, 0.5)) is not None:
                    got.append(message)
                    resume = str(message)
                    until -= 1
                if until and not writing:
                    return got

    clients = [follow(number, "") for number in range(8)] + [
        follow(number, "&rule=fatigue") for number in (8, 9)
    ]
    following = [asyncio.create_task(client) for client in clients]
    total = await write()
    writing = False
    everything = list(range(1, total + 1))
    fatigue = [
        row["seq"]
        for row in await writer.fetch("SELECT seq FROM alert_event WHERE data LIKE '%fatigue%' ORDER BY seq")
    ]
    assert 0 < len(fatigue) < total
    results = await asyncio.gather(*following)
    assert results == [everything] * 8 + [fatigue] * 2


async def next_within(stream: Stream, seconds: float) -> int | None:
    try:
        async with asyncio.timeout(seconds):
            message = await stream.event()
    except TimeoutError:
        return None
    return None if message is None else int(message.body["seq"])


async def test_the_first_page_and_the_stream_fit_together(api: Api, writer: asyncpg.Connection) -> None:
    """Whatever is written between them: page plus stream from its `feed` is every alert in its last version."""
    await put(writer, [event(f"a{n}") for n in range(30)])
    chance = random.Random(5)
    for turn in range(15):
        writes = [[event(f"t{turn}-{n}", began_ms=1000 * turn + n)] for n in range(chance.randint(0, 5))]
        writing = asyncio.create_task(write_all(writer, writes))
        page = (await api.get("/v1/alerts", limit=1000)).json()
        await writing
        last: int = await writer.fetchval("SELECT last FROM feed")
        shown = {item["id"] for item in page["items"]}
        assert len(shown) == page["feed"], (
            "one event an alert here, so the page holds exactly those up to its position"
        )
        async with open_stream(api.port, f"/v1/alerts/stream?after={page['feed']}") as stream:
            for message in await stream.events(last - page["feed"]):
                assert message.body["alert"] not in shown
                shown.add(message.body["alert"])
        assert len(shown) == last


async def write_all(writer: asyncpg.Connection, writes: list[list[NewEvent]]) -> None:
    for events in writes:
        await put(writer, events)
        await asyncio.sleep(0.001)


async def test_a_thousand_disconnects_leave_nothing_behind(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("a")])
    for _ in range(5):
        await asyncio.gather(*(visit(api.port, n) for n in range(20)))
    await settle(api)
    before = len(asyncio.all_tasks())
    for _ in range(10):
        await asyncio.gather(*(visit(api.port, n) for n in range(100)))
    await settle(api)
    assert len(asyncio.all_tasks()) <= before
    assert not api.server.server_state.connections


async def visit(port: int, number: int) -> None:
    async with open_stream(port, f"/v1/alerts/stream?after={number % 2}") as stream:
        if number % 3:
            await stream.block()


async def settle(api: Api) -> None:
    await until(
        lambda: (
            not (
                api.state.hub.listeners
                or api.server.server_state.connections
                or api.server.server_state.tasks
            )
        )
    )


async def test_silence_is_filled_with_comments_that_move_a_filtered_client_on(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT_S", 0.2)
    async with (
        open_stream(api.port, "/v1/alerts/stream?after=0") as plain,
        open_stream(api.port, "/v1/alerts/stream?after=0&rule=fatigue") as filtered,
    ):
        for stream in (plain, filtered):
            assert (await stream.block() or hub).__class__.__name__ == "Message"
        await put(writer, [event("a"), event("b")])
        assert await plain.seqs(2) == [1, 2]
        heartbeat = await plain.block()
        assert heartbeat is not None
        assert (heartbeat.comments, heartbeat.id, heartbeat.data) == (["heartbeat", "through 2"], None, None)
        moved = await filtered.block()
        while moved is not None and moved.id is None:
            moved = await filtered.block()
        assert moved is not None
        assert (moved.comments, moved.id, moved.data) == (["heartbeat", "through 2"], "2", None)


async def test_stopping_ends_streams_with_a_farewell_at_once(api: Api) -> None:
    async with open_stream(api.port) as stream:
        await until(lambda: api.state.hub.listeners)
        begun = asyncio.get_running_loop().time()
        await api.stop()
        farewell = await stream.event()
        assert farewell is not None
        assert farewell.event == "bye"
        assert await stream.event() is None
        assert asyncio.get_running_loop().time() - begun < 2
