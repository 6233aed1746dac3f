"""The recorder on a real PostGIS: every fix once, whatever comes twice, dies, or belongs to somebody else by now."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg
import numpy as np
import pytest

from services.contracts.batch import ConfigRecord, pack_config, pack_fixes, pack_tick
from services.contracts.fix import Fixes, fix_columns
from services.ingest.recorder import CONSUMER, Recorder, Waiting
from services.runtime.interruptions import FenceLost, OutOfStep
from services.runtime.kafka import Batch
from services.store import connect, progress
from services.store.partition_worker import PartitionWorker
from services.store.queries import status_counts

DAY_MS = 86_400_000
MIDNIGHT_MS = 1_795_478_400_000  # 2026-11-24T00:00:00Z


@dataclass(frozen=True)
class Record:
    """What the recorder asks of a record."""

    offset: int
    value: bytes
    timestamp: int = 0


Worker = PartitionWorker[Waiting]


def a_recorder(pool: asyncpg.Pool, owner: str) -> Worker:
    return PartitionWorker(pool, owner, Recorder())


async def take(worker: Worker, number: int, offsets: Sequence[int], values: Sequence[bytes]) -> None:
    """Messages at these offsets, asked for at the first."""
    records = [Record(offset, value) for offset, value in zip(offsets, values, strict=True)]
    await worker.apply({number: Batch(number, offsets[0], offsets[-1] + 1, records)})


async def commit(worker: Worker) -> int:
    """Commit; gives how many rows that wrote."""
    before = await worker.pool.fetchval("SELECT count(*) FROM fix")
    await worker.commit()
    return int(await worker.pool.fetchval("SELECT count(*) FROM fix") - before)


@pytest.fixture
async def pool(fresh_database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await connect.pool(fresh_database_url) as made:
        yield made


def fixes(first: int, count: int, *, start_ms: int = MIDNIGHT_MS - 30_000) -> Fixes:
    """Fixes whose places in gps.raw are first, first + 1, ...; a second apart."""
    made = fix_columns(count)
    made["raw_offset"] = np.arange(first, first + count)
    made["vehicle"] = 1 + made["raw_offset"] % 7
    made["time_ms"] = start_ms + made["raw_offset"] * 1000
    made["lon_e7"], made["lat_e7"] = 1_062_000_000, 384_000_000
    return made


async def places(pool: asyncpg.Pool) -> list[tuple[int, int]]:
    rows = await pool.fetch("SELECT source_partition, raw_offset FROM fix ORDER BY 1, 2")
    return [(row[0], row[1]) for row in rows]


async def counted(pool: asyncpg.Pool) -> dict[str, int]:
    total: dict[str, int] = {}
    async with pool.acquire() as conn:
        for row in await progress.read_all(conn, CONSUMER):
            for name, count in row.counts.items():
                total[name] = total.get(name, 0) + count
    return total


async def test_fixes_are_written_once_and_counted_ticks_and_configs_passed_over(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    assert await recorder.claim([0, 1]) == {0: 0, 1: 0}
    await take(
        recorder, 0, [0, 1, 2], [pack_fixes(0, fixes(0, 50)), pack_tick(5), pack_fixes(1, fixes(0, 10))]
    )
    await take(
        recorder,
        1,
        [0, 1],
        [pack_config(ConfigRecord(version=1, document="0" * 64)), pack_fixes(0, fixes(50, 5))],
    )
    assert await commit(recorder) == 65
    assert await commit(recorder) == 0
    assert await places(pool) == [(0, n) for n in range(55)] + [(1, n) for n in range(10)]
    assert await counted(pool) == {"fixes": 65, "repeated": 0}
    async with pool.acquire() as conn:
        assert (await status_counts(conn))["history"] == {"fixes": 65}
        assert [(row.partition, row.next_offset) for row in await progress.read_all(conn, CONSUMER)] == [
            (0, 3),
            (1, 2),
        ]


async def test_what_ingest_sent_twice_is_dropped_wholly_and_in_part_also_by_the_next_owner(
    pool: asyncpg.Pool,
) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    await take(
        recorder,
        0,
        [0, 1, 2],
        [pack_fixes(4, fixes(0, 10)), pack_fixes(4, fixes(0, 10)), pack_fixes(4, fixes(5, 10))],
    )
    await commit(recorder)
    heir = a_recorder(pool, "two")
    assert await heir.claim([0]) == {0: 3}
    await take(heir, 0, [3, 4], [pack_fixes(4, fixes(12, 4)), pack_fixes(5, fixes(0, 3))])
    await commit(heir)
    assert await places(pool) == [(4, n) for n in range(16)] + [(5, n) for n in range(3)]
    assert await counted(pool) == {"fixes": 19, "repeated": 18}


async def test_a_recorder_that_lost_its_partition_writes_nothing(pool: asyncpg.Pool) -> None:
    old = a_recorder(pool, "old")
    await old.claim([0, 1])
    await take(old, 0, [0], [pack_fixes(0, fixes(0, 10))])
    await take(old, 1, [0], [pack_fixes(1, fixes(0, 10))])
    new = a_recorder(pool, "new")
    await new.claim([1])
    with pytest.raises(FenceLost):
        await commit(old)
    assert await places(pool) == []
    await take(new, 1, [0], [pack_fixes(1, fixes(0, 10))])
    await commit(new)
    assert await places(pool) == [(1, n) for n in range(10)]


async def test_an_old_owner_that_holds_on_is_no_absent_server(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    async with pool.acquire() as frozen, frozen.transaction():
        await frozen.execute("UPDATE progress SET owner = owner WHERE consumer = $1", CONSUMER)
        with pytest.raises(FenceLost, match="still open"):
            await a_recorder(pool, "two").claim([0])


async def test_messages_asked_for_elsewhere_are_refused_and_holes_passed_over(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    message = pack_fixes(0, fixes(0, 1))
    await take(recorder, 0, [0, 1], [message, pack_tick(1)])
    for first in (0, 1, 3):
        with pytest.raises(OutOfStep):
            await take(recorder, 0, [first], [pack_fixes(0, fixes(7, 1))])
    behind_a_hole = [Record(4, pack_fixes(0, fixes(1, 1))), Record(6, pack_fixes(0, fixes(2, 1)))]
    await recorder.apply({0: Batch(0, 2, 9, behind_a_hole)})
    await recorder.apply({0: Batch(0, 9, 12, [])})
    await take(recorder, 9, [7], [message])  # not held: its owner's business
    assert await commit(recorder) == 3
    async with pool.acquire() as conn:
        assert [row.next_offset for row in await progress.read_all(conn, CONSUMER)] == [12]


async def test_a_malformed_message_is_passed_over_and_its_neighbours_written(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    good = pack_fixes(0, fixes(0, 3))
    await take(recorder, 0, [0, 1, 2, 3], [b"", good[:-1], good, b"x" * 40])
    assert await commit(recorder) == 3


async def test_a_revoked_partition_is_forgotten_and_the_others_committed(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0, 1])
    await take(recorder, 0, [0], [pack_fixes(0, fixes(0, 10))])
    await take(recorder, 1, [0], [pack_fixes(1, fixes(0, 10))])
    await recorder.release([1])
    assert await commit(recorder) == 10
    assert await places(pool) == [(0, n) for n in range(10)]


async def test_a_batch_over_midnight_and_a_day_long_past(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    late = fixes(60, 2, start_ms=MIDNIGHT_MS - 700 * DAY_MS)
    await take(recorder, 0, [0, 1], [pack_fixes(0, fixes(0, 60)), pack_fixes(0, late)])
    await commit(recorder)
    by_day = await pool.fetch("SELECT at::date AS day, count(*) FROM fix GROUP BY 1 ORDER BY 1")
    assert [(str(row[0]), row[1]) for row in by_day] == [
        ("2024-12-24", 2),
        ("2026-11-23", 30),
        ("2026-11-24", 30),
    ]


async def test_tomorrows_table_is_there_before_midnight(pool: asyncpg.Pool) -> None:
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    await take(recorder, 0, [0], [pack_tick(1)])
    await commit(recorder)
    assert await pool.fetchval(
        "SELECT to_regclass('fix_' || to_char(now() AT TIME ZONE 'UTC' + '1 day', 'YYYYMMDD'))"
    )


async def test_cards_are_noted_with_the_fixes_once_an_hour(pool: asyncpg.Pool) -> None:
    """Of vehicle 3 the card 5 at 0, 7 and 4200 s: one row, written when the vehicle is new and when the hour is, in the fixes' transaction."""
    made = fixes(2, 4201, start_ms=MIDNIGHT_MS - 2000)
    made["vehicle"], made["driver"] = 3, 0
    made["driver"][[0, 7, 4200]] = 5
    made["driver"][[1, 8]] = -1  # card removed
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    stood = []
    for offset, (first, end) in enumerate([(0, 2), (2, 100), (100, 4201)]):
        await take(recorder, 0, [offset], [pack_fixes(0, made[first:end])])
        await commit(recorder)
        for vehicle, card, *times in await pool.fetch(
            "SELECT vehicle, driver, first_at, last_at FROM driver_seen"
        ):
            stood.append((vehicle, card, *(at.timestamp() * 1000 - MIDNIGHT_MS for at in times)))
    assert stood == [(3, 5, 0, 0), (3, 5, 0, 0), (3, 5, 0, 4_200_000)]
    await a_recorder(pool, "other").claim([0])
    made["driver"], made["vehicle"] = 6, 4
    made["raw_offset"] += 10_000
    await take(recorder, 0, [3], [pack_fixes(0, made)])
    with pytest.raises(FenceLost):
        await commit(recorder)
    assert await pool.fetchval("SELECT count(*) FROM driver_seen") == 1


async def test_cards_not_seen_for_400_days_are_forgotten(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO driver_seen VALUES (1, 1, now() - interval '500 days', now() - interval '401 days'),"
        " (2, 1, now() - interval '500 days', now() - interval '399 days')"
    )
    recorder = a_recorder(pool, "one")
    await recorder.claim([0])
    await take(recorder, 0, [0], [pack_fixes(0, fixes(0, 1))])
    await commit(recorder)
    assert await pool.fetchval("SELECT array_agg(vehicle) FROM driver_seen") == [2]


async def test_connections_cut_at_any_moment_leave_every_fix_once(pool: asyncpg.Pool) -> None:
    """The log is read by recorders whose connections die, before, in and after their transactions, until it is all in history."""
    chance = random.Random(3)
    log, first = [], 0
    for _ in range(60):
        count = chance.randint(1, 40)
        again = chance.randint(0, min(first, 15))
        log.append(pack_fixes(0, fixes(first - again, count + again)))
        first += count
    deaths, done = 0, False
    while not done:
        recorder = a_recorder(pool, f"life {deaths}")
        try:
            position = (await recorder.claim([0]))[0]
            while position < len(log):
                upto = min(len(log), position + chance.randint(1, 4))
                await take(recorder, 0, range(position, upto), log[position:upto])
                if chance.random() < 0.3:
                    await _cut(pool)
                await commit(recorder)
                position = upto
            done = True
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            deaths += 1
    assert deaths > 3
    assert await places(pool) == [(0, n) for n in range(first)]
    assert (await counted(pool))["fixes"] == first


async def _cut(pool: asyncpg.Pool) -> None:
    """End every other session of this database, as a crash of the server would."""
    async with pool.acquire() as conn:
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
