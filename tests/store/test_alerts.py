"""Alerts and events: numbered in commit order without a gap, whoever writes and whatever fails; handling is left alone."""

import asyncio
import random

import asyncpg
import msgspec
import pytest

from services.contracts.alert import (
    Alert,
    AlertVehicle,
    EpisodeState,
    Moment,
    Sentence,
    Severity,
    event_id,
    iso,
)
from services.store.alerts import NewEvent, UnknownAlert, append

BEGAN_MS = 1_795_363_200_123


def event(
    name: str, sequence: int, *, state: str = "open", peak: float = 118.0, event_type: str = "alert.updated"
) -> NewEvent:
    ended_ms = BEGAN_MS + 60_000 if state == "closed" else None
    alert = Alert(
        id=name, version=sequence, rule="speeding", rule_version=1, kind="monitoring",
        vehicle=AlertVehicle(id=7, plate="宁A12345", plate_color="yellow", vehicle_class="coach", operator="银川客运", division="640100"),
        terminal="13900000021", driver=None, began=iso(BEGAN_MS), ended=iso(ended_ms) if ended_ms else None, state=EpisodeState(state),
        severity=Severity.MAJOR, confidence=0.9, at=Moment(lon=106.23, lat=38.48, time=iso(BEGAN_MS)), limit=100, peak=peak, unit="km/h",
        why={}, late=False, handling="open", sentence=Sentence(zh="超速", en="speeding"),
    )  # fmt: skip
    return NewEvent(
        event_id=event_id(name, sequence), type=event_type, time_ms=BEGAN_MS, alert=alert, severity_rank=2,
        began_ms=BEGAN_MS, ended_ms=ended_ms, data=msgspec.json.encode(alert),
    )  # fmt: skip


async def put(conn: asyncpg.Connection, *events: NewEvent) -> int:
    async with conn.transaction():
        return await append(conn, events)


async def test_an_alert_is_what_its_last_event_says(conn: asyncpg.Connection) -> None:
    last = await put(conn, event("a1", 1), event("b1", 1), event("a1", 2, peak=121.5))
    assert await put(conn, event("a1", 3, state="closed", peak=130.0)) == last + 1
    row = await conn.fetchrow(
        "SELECT *, ST_X(place) AS lon, ST_SRID(place) AS srid FROM alert WHERE id = 'a1'"
    )
    assert row is not None
    assert (row["version"], row["state"], row["vehicle_key"], row["lon"], row["srid"]) == (
        3,
        "closed",
        "宁A12345/yellow",
        106.23,
        4326,
    )
    assert (row["ended"] - row["began"]).total_seconds() == 60
    assert row["began"].microsecond == 123_000
    assert msgspec.json.decode(row["data"], type=Alert).peak == 130.0
    events = await conn.fetch(
        "SELECT seq, alert_id, sequence, data FROM alert_event WHERE seq > $1 ORDER BY seq", last - 3
    )
    assert [(e["alert_id"], e["sequence"]) for e in events] == [("a1", 1), ("b1", 1), ("a1", 2), ("a1", 3)]
    assert [e["seq"] for e in events] == list(range(last - 2, last + 2))
    assert msgspec.json.decode(events[2]["data"], type=Alert).peak == 121.5


async def test_judging_leaves_the_operators_handling_alone(conn: asyncpg.Connection) -> None:
    await put(conn, event("h1", 1))
    await conn.execute("UPDATE alert SET handling = 'acknowledged', handling_version = 3 WHERE id = 'h1'")
    await put(conn, event("h1", 2, state="closed"))
    row = await conn.fetchrow("SELECT handling, handling_version, state FROM alert WHERE id = 'h1'")
    assert row is not None
    assert tuple(row) == ("acknowledged", 3, "closed")


async def test_a_second_writing_of_an_event_fails_loudly_and_leaves_no_trace(
    conn: asyncpg.Connection,
) -> None:
    last = await put(conn, event("d1", 1))
    for again in ([event("d1", 1)], [event("d2", 1), event("d1", 2), event("d1", 2)]):
        with pytest.raises(asyncpg.UniqueViolationError):
            await put(conn, *again)
    assert await conn.fetchval("SELECT last FROM feed") == last
    assert await conn.fetchval("SELECT count(*) FROM alert WHERE id = 'd2'") == 0


async def test_an_event_of_an_alert_that_is_not_there_fails(conn: asyncpg.Connection) -> None:
    with pytest.raises(UnknownAlert):
        await put(conn, event("nobody", 2))


async def test_a_reader_with_a_cursor_misses_nothing_while_many_write_and_some_fail(
    connections: asyncpg.Pool,
) -> None:
    start: int = await connections.fetchval("SELECT last FROM feed")
    seen: list[int] = []
    writing = True

    async def write(writer: int) -> int:
        chance, written = random.Random(writer), 0
        for turn in range(25):
            events = [event(f"w{writer}-{turn}-{n}", 1) for n in range(chance.randint(1, 4))]
            async with connections.acquire() as conn:
                transaction = conn.transaction()
                await transaction.start()
                await append(conn, events)
                await asyncio.sleep(chance.random() * 0.004)
                if chance.random() < 0.2:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    written += len(events)
        return written

    async def read() -> None:
        cursor = start
        while True:
            last_round = not writing
            rows = await connections.fetch("SELECT seq FROM alert_event WHERE seq > $1 ORDER BY seq", cursor)
            seen.extend(row["seq"] for row in rows)
            cursor = seen[-1] if seen else start
            if last_round:
                return
            await asyncio.sleep(0.001)

    reading = asyncio.create_task(read())
    written = sum(await asyncio.gather(*(write(number) for number in range(5))))
    writing = False
    await reading
    assert seen == list(range(start + 1, start + 1 + written))
    assert await connections.fetchval("SELECT last FROM feed") == start + written
