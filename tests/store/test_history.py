"""History: what is copied is what is read back, to the bit and the null; days are there before they are needed."""

import asyncio

import asyncpg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.fix import FIX, NO_I2, NO_U2, NO_U4, Fixes, fix_columns
from services.contracts.reasons import PLACE_UNUSABLE
from services.store import history
from services.store.fix_rows import SIGNATURE, TRAILER, copy_stream
from services.store.history import DAY_MS, Point, copy_fixes, make_days, track

NOON_MS = 1_795_435_200_000 - 12 * 3600 * 1000  # 2026-11-23T00:00:00Z + 12 h
MIDNIGHT_MS = 1_795_478_400_000


def some_fixes(count: int, *, vehicle: int = 1, start_ms: int = NOON_MS, seed: int = 1) -> Fixes:
    """Fixes a second apart, every optional value sometimes absent."""
    chance = np.random.default_rng(seed)
    fixes = fix_columns(count)
    fixes["vehicle"] = vehicle
    fixes["time_ms"] = start_ms + np.arange(count) * 1000 + chance.integers(0, 999, count)
    fixes["received_ms"] = fixes["time_ms"] + 250
    fixes["lon_e7"] = chance.integers(-1_800_000_000, 1_800_000_001, count)
    fixes["lat_e7"] = chance.integers(-900_000_000, 900_000_001, count)
    for name, most in (
        ("speed", 3000),
        ("recorder_speed", 3000),
        ("heading", 359),
        ("altitude_m", 9000),
        ("odometer_m", NO_U4 - 1),
    ):
        given_ = chance.random(count) < 0.6
        fixes[name][given_] = chance.integers(0, most, int(given_.sum()))
    fixes["driver"] = chance.integers(-1, 5, count)
    fixes["alarms"] = chance.integers(0, 2**32, count)
    fixes["status"] = chance.integers(0, 2**23, count)
    fixes["flags"] = chance.integers(0, 2**15, count)
    fixes["raw_offset"] = np.arange(count) + 2**40
    return fixes


def expected(fix: np.void, source_partition: int) -> Point:
    """A fix as a reader should see it, said field by field."""
    return Point(
        time_ms=int(fix["time_ms"]),
        received_ms=int(fix["received_ms"]) or None,
        lon=int(fix["lon_e7"]) / 1e7,
        lat=int(fix["lat_e7"]) / 1e7,
        speed=None if fix["speed"] == NO_U2 else int(fix["speed"]),
        recorder_speed=None if fix["recorder_speed"] == NO_U2 else int(fix["recorder_speed"]),
        heading=None if fix["heading"] == NO_U2 else int(fix["heading"]),
        altitude_m=None if fix["altitude_m"] == NO_I2 else int(fix["altitude_m"]),
        odometer_m=None if fix["odometer_m"] == NO_U4 else int(fix["odometer_m"]),
        driver=int(fix["driver"]),
        alarms=int(fix["alarms"]),
        status=int(fix["status"]),
        flags=int(fix["flags"]),
        source_partition=source_partition,
        raw_offset=int(fix["raw_offset"]),
    )


async def put(conn: asyncpg.Connection, fixes: Fixes, source_partition: int = 0) -> None:
    await make_days(conn, history.days_of(fixes))
    async with conn.transaction():
        assert await copy_fixes(conn, source_partition, fixes) == len(fixes)


async def read(conn: asyncpg.Connection, vehicle: int, from_ms: int = 0, to_ms: int = 2**42) -> list[Point]:
    return [point async for point in track(conn, vehicle, from_ms, to_ms)]


async def test_every_field_comes_back_as_it_was(conn: asyncpg.Connection) -> None:
    fixes = some_fixes(20_000, vehicle=101)  # several pieces
    fixes["received_ms"][::50] = 0
    await put(conn, fixes, 3)
    assert await read(conn, 101) == [expected(fix, 3) for fix in fixes]


@pytest.mark.parametrize(
    "absent", [(), ("speed",), ("speed", "recorder_speed", "heading", "altitude_m", "odometer_m")]
)
async def test_columns_absent_in_the_whole_batch_or_nowhere(
    conn: asyncpg.Connection, absent: tuple[str, ...]
) -> None:
    vehicle = 110 + len(absent)
    fixes = some_fixes(50, vehicle=vehicle)
    for name in ("speed", "recorder_speed", "heading", "altitude_m", "odometer_m"):
        fixes[name] = fix_columns(1)[name][0] if name in absent else 7
    await put(conn, fixes)
    assert await read(conn, vehicle) == [expected(fix, 0) for fix in fixes]


async def test_the_extremes_of_every_field_are_kept(conn: asyncpg.Connection) -> None:
    fixes = fix_columns(2)
    fixes["vehicle"] = 2**31 - 1
    fixes["time_ms"] = (1_104_537_600_000, 2_524_607_999_999)  # 2005 to 2049
    fixes["lon_e7"], fixes["lat_e7"] = (-1_800_000_000, 1_800_000_000), (-900_000_000, 900_000_000)
    fixes["speed"], fixes["altitude_m"], fixes["odometer_m"] = (0, 3000), (-500, 9000), (0, NO_U4 - 1)
    fixes["alarms"], fixes["status"], fixes["flags"] = (0, 2**32 - 1), (0, 2**31 - 1), (0, 2**31 - 1)
    fixes["raw_offset"] = (0, 2**62)
    await put(conn, fixes, 32_767)
    assert await read(conn, 2**31 - 1) == [expected(fix, 32_767) for fix in fixes]


async def test_a_batch_over_midnight_falls_into_both_days(conn: asyncpg.Connection) -> None:
    fixes = some_fixes(20, vehicle=120, start_ms=MIDNIGHT_MS - 10_000)
    fixes["time_ms"][9], fixes["time_ms"][10] = MIDNIGHT_MS - 1, MIDNIGHT_MS
    await put(conn, fixes)
    counts = {
        name: await conn.fetchval(f"SELECT count(*) FROM {name} WHERE vehicle = 120")
        for name in ("fix_20261123", "fix_20261124")
    }
    assert counts == {"fix_20261123": 10, "fix_20261124": 10}
    assert [point.time_ms for point in await read(conn, 120)] == fixes["time_ms"].tolist()


async def test_a_late_day_gets_its_table_when_it_comes(conn: asyncpg.Connection) -> None:
    fixes = some_fixes(4, vehicle=121)
    fixes["time_ms"] -= np.array([0, 400, 3, 4000]) * DAY_MS
    await put(conn, fixes)
    assert [point.time_ms for point in await read(conn, 121)] == sorted(fixes["time_ms"].tolist())
    assert len(await read(conn, 121, NOON_MS - 3 * DAY_MS, NOON_MS - 2 * DAY_MS)) == 1


async def test_a_track_is_half_open_and_of_two_reports_of_a_moment_takes_the_first_received(
    conn: asyncpg.Connection,
) -> None:
    fixes = some_fixes(6, vehicle=122)
    fixes["time_ms"] = NOON_MS + np.array([0, 1000, 1000, 1000, 2000, 3000])
    fixes["received_ms"] = NOON_MS + np.array([10, 3000, 1010, 1010, 2010, 3010])
    await put(conn, fixes)
    points = await read(conn, 122, NOON_MS, NOON_MS + 3000)
    assert [point.raw_offset - 2**40 for point in points] == [0, 2, 4]
    assert await conn.fetchval("SELECT count(*) FROM fix WHERE vehicle = 122") == 6


async def test_the_newest_position_of_each_vehicle(conn: asyncpg.Connection) -> None:
    for vehicle, start_ms in ((130, NOON_MS), (131, NOON_MS - 2 * DAY_MS)):
        placed = some_fixes(10, vehicle=vehicle, start_ms=start_ms)
        placed["flags"] &= ~np.uint32(PLACE_UNUSABLE)
        await put(conn, placed)
    rows = await history.latest_positions(conn, [130, 131, 132], NOON_MS - DAY_MS)
    assert [row["vehicle"] for row in rows] == [130]
    assert rows[0]["at"].timestamp() * 1000 > NOON_MS + 8_999


async def test_many_recorders_make_the_same_days_and_no_reader_waits(connections: asyncpg.Pool) -> None:
    days = [history.day_of(NOON_MS) + 50 + n for n in range(3)]
    async with connections.acquire() as reader, reader.transaction():
        await reader.fetch("SELECT count(*) FROM fix")  # holds its locks on the parent and on all days

        async def make() -> set[str]:
            async with connections.acquire() as conn:
                return await make_days(conn, days)

        made = await asyncio.wait_for(asyncio.gather(make(), make(), make()), 4)
    assert all({history.table_of(day) for day in days} <= names for names in made)


async def test_a_day_table_is_indexed_and_closed_to_other_days(conn: asyncpg.Connection) -> None:
    await make_days(conn, [history.day_of(NOON_MS) + 90])
    table = history.table_of(history.day_of(NOON_MS) + 90)
    indexes = await conn.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", table)
    assert {row["indexdef"].split(" USING ")[1] for row in indexes} == {
        "btree (vehicle, at)",
        "brin (at) WITH (pages_per_range='32', autosummarize='on')",
    }
    insert = f"INSERT INTO {table} SELECT * FROM fix LIMIT 1"
    await put(conn, some_fixes(1, vehicle=140))
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute(insert)


async def test_a_copy_that_fails_leaves_the_connection_usable_and_nothing_behind(
    conn: asyncpg.Connection,
) -> None:
    fixes = some_fixes(2000, vehicle=141)
    fixes["time_ms"][1999] += 3650 * DAY_MS  # no table for that day
    await make_days(conn, history.days_of(fixes)[:1])
    with pytest.raises(asyncpg.UndefinedTableError):
        async with conn.transaction():
            await copy_fixes(conn, 0, fixes)
    assert await read(conn, 141) == []


@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_a_stream_has_a_cell_count_for_every_row(count: int, seed: int) -> None:
    """Walks the stream as the server does: a cell count, then a length (or -1) and that many bytes for each cell."""
    stream = b"".join(copy_stream(some_fixes(count, seed=seed), np.zeros(count, np.int16)))
    at, rows = len(SIGNATURE), 0
    assert stream.startswith(SIGNATURE)
    while stream[at : at + 2] != TRAILER:
        cells = int.from_bytes(stream[at : at + 2], "big")
        at += 2
        for _ in range(cells):
            size = int.from_bytes(stream[at : at + 4], "big", signed=True)
            at += 4 + max(size, 0)
        assert cells == 15
        rows += 1
    assert (rows, at + 2) == (count, len(stream))


def test_a_row_has_a_place_for_every_field_of_a_fix() -> None:
    assert set(FIX.names or ()) == {
        "vehicle", "driver", "time_ms", "received_ms", "lon_e7", "lat_e7", "speed", "recorder_speed", "heading", "altitude_m",
        "odometer_m", "alarms", "status", "flags", "raw_offset",
    }  # fmt: skip
