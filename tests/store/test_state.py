"""Snapshots, config versions and driver numbers: what is kept for the next owner is exactly what was put there."""

import asyncio

import asyncpg
import pytest

from services.contracts.registry import Config, RuleSet
from services.store import configs, drivers, snapshots


async def test_a_claim_loads_the_newest_full_snapshot_and_what_came_after_it(
    conn: asyncpg.Connection,
) -> None:
    for offset, is_full in ((10, True), (20, False), (30, False), (40, True), (50, False), (60, False)):
        await snapshots.save(conn, 1, offset, 7, is_full, str(offset).encode())
    await snapshots.save(conn, 2, 45, 7, True, b"of another partition")
    assert [(s.offset, s.is_full, s.body) for s in await snapshots.load(conn, 1, 55)] == [
        (40, True, b"40"),
        (50, False, b"50"),
    ]
    assert [s.offset for s in await snapshots.load(conn, 1, 1000)] == [40, 50, 60]
    assert await snapshots.load(conn, 1, 39) == [], "what a full one made superfluous is gone"
    assert await snapshots.load(conn, 3, 1000) == []


async def test_a_version_is_in_force_only_when_published_and_the_older_one_never_again(
    conn: asyncpg.Connection,
) -> None:
    saved = [
        await configs.save(
            conn, Config(version=number, rules=(RuleSet(parameters={"speeding": {"x": number}}),))
        )
        for number in (1, 2, 3)
    ]
    assert await configs.latest(conn) == saved[2]
    assert await configs.published(conn) is None
    assert await configs.unpublished(conn) == saved
    assert await configs.unpublished(conn, older_than_s=60) == []
    await configs.mark_published(conn, 2)
    assert await configs.published(conn) == saved[1]
    assert await configs.unpublished(conn) == [saved[2]], (
        "1 is overtaken: publishing it now would put it back in force"
    )
    assert (await configs.document(conn, saved[0].document)).version == 1
    with pytest.raises(configs.NoSuchDocument):
        await configs.document(conn, "0" * 64)


async def test_publishers_take_turns(connections: asyncpg.Pool) -> None:
    order = []

    async def publish(name: str) -> None:
        async with connections.acquire() as conn, configs.publishing(conn):
            order.append(f"{name} begins")
            await asyncio.sleep(0.02)
            order.append(f"{name} ends")

    await asyncio.gather(publish("a"), publish("b"))
    assert [step.split()[1] for step in order] == ["begins", "ends"] * 2


async def test_a_driver_code_gets_one_number_whoever_asks_at_once(connections: asyncpg.Pool) -> None:
    codes = [f"640100-{n:04d}" for n in range(200)] + ["'; DROP TABLE driver_code; --"]

    async def ask(start: int) -> dict[str, int]:
        async with connections.acquire() as conn:
            return await drivers.intern(conn, codes[start:] + codes[:start])

    answers = await asyncio.gather(*(ask(n * 40) for n in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0].values())) == len(codes)
    assert min(answers[0].values()) > 0
    async with connections.acquire() as conn:
        assert await drivers.all_codes(conn) == answers[0]
        assert await drivers.intern(conn, []) == {}
