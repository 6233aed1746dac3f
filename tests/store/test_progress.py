"""The fence: who claims last may write, and counts stand with the offsets they belong to."""

import asyncio

import asyncpg
import pytest

from services.store import progress


async def test_a_first_claim_begins_at_zero_and_a_second_fences_the_first(conn: asyncpg.Connection) -> None:
    first = await progress.claim(conn, "fence", 0, "one")
    assert (first.epoch, first.next_offset, first.had) == (1, 0, {})
    assert await progress.advance(conn, "fence", 0, first.epoch, 0, 10)
    second = await progress.claim(conn, "fence", 0, "two")
    assert (second.epoch, second.next_offset) == (2, 10)
    assert not await progress.advance(conn, "fence", 0, first.epoch, 10, 20)
    assert await progress.advance(conn, "fence", 0, second.epoch, 10, 20)


async def test_an_advance_must_begin_where_the_last_one_ended(conn: asyncpg.Connection) -> None:
    claim = await progress.claim(conn, "step", 3, "one")
    assert not await progress.advance(conn, "step", 3, claim.epoch, 1, 10)
    assert await progress.advance(conn, "step", 3, claim.epoch, 0, 10)
    assert not await progress.advance(conn, "step", 3, claim.epoch, 0, 10), (
        "a retried batch must not be written again"
    )


async def test_counts_add_up_and_sources_move_on(conn: asyncpg.Connection) -> None:
    claim = await progress.claim(conn, "count", 1, "one")
    assert await progress.advance(conn, "count", 1, claim.epoch, 0, 5, {"accepted": 4, "SYNTAX": 1}, {0: 17})
    assert await progress.advance(conn, "count", 1, claim.epoch, 5, 9, {"accepted": 2, "flagged": 2}, {2: 8})
    assert await progress.advance(conn, "count", 1, claim.epoch, 9, 10, None, {0: 20})
    assert not await progress.advance(conn, "count", 1, claim.epoch, 9, 10, {"accepted": 100})
    (row,) = await progress.read_all(conn, "count")
    assert row.counts == {"accepted": 6, "SYNTAX": 1, "flagged": 2}
    assert (row.had, row.next_offset, row.owner) == ({0: 20, 2: 8}, 10, "one")
    assert (await progress.claim(conn, "count", 1, "two")).had == {0: 20, 2: 8}


async def test_a_claim_waits_for_the_old_owners_transaction(connections: asyncpg.Pool) -> None:
    async with connections.acquire() as old, connections.acquire() as new:
        claim = await progress.claim(old, "wait", 0, "old")
        transaction = old.transaction()
        await transaction.start()
        assert await progress.advance(old, "wait", 0, claim.epoch, 0, 50)
        claiming = asyncio.create_task(progress.claim(new, "wait", 0, "new"))
        await asyncio.sleep(0.1)
        assert not claiming.done()
        await transaction.commit()
        assert (await claiming).next_offset == 50


async def test_a_claim_does_not_wait_for_ever(connections: asyncpg.Pool) -> None:
    async with connections.acquire() as old, connections.acquire() as new:
        await progress.claim(old, "stuck", 0, "old")
        await new.execute("SET lock_timeout = 100")
        async with old.transaction():
            assert await progress.advance(old, "stuck", 0, 1, 0, 50)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await progress.claim(new, "stuck", 0, "new")
        await new.execute("RESET lock_timeout")
