"""Connections: a deadline on everything, and a server that cannot be written to is said to be one."""

import asyncio

import asyncpg
import pytest

from services.store.connect import ReadOnlyServer, connection, pool


async def test_a_session_carries_its_limits_and_its_name(conn: asyncpg.Connection, database_url: str) -> None:
    async with await pool(
        database_url, name="roadwatch-test", server_settings={"lock_timeout": "300"}
    ) as made:
        shown = {
            name: await made.fetchval("SELECT current_setting($1)", name)
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "timezone",
                "application_name",
            )
        }
    assert shown == {
        "statement_timeout": "10s", "lock_timeout": "300ms", "idle_in_transaction_session_timeout": "10s", "timezone": "UTC",
        "application_name": "roadwatch-test",
    }  # fmt: skip


async def test_a_server_that_does_not_answer_is_an_error_in_time_and_the_pool_goes_on(
    database_url: str,
) -> None:
    async with await pool(database_url, max_size=1, command_timeout_s=0.2) as made:
        with pytest.raises(TimeoutError):
            await made.execute("SELECT pg_sleep(5)")
        assert await made.fetchval("SELECT 1") == 1


async def test_a_frozen_writer_does_not_hold_its_row_for_ever(database_url: str) -> None:
    frozen = await connection(database_url, server_settings={"idle_in_transaction_session_timeout": "200"})
    other = await connection(database_url)
    await frozen.execute("BEGIN")
    await frozen.execute("UPDATE feed SET last = last")
    async with asyncio.timeout(3):
        await other.execute("UPDATE feed SET last = last")
    await other.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        await frozen.execute("COMMIT")
    frozen.terminate()


async def test_json_is_a_value_on_both_ways(conn: asyncpg.Connection) -> None:
    value = {"路": [1, 2.5, None, True], "x": {}}
    assert await conn.fetchval("SELECT $1::jsonb", value) == value


async def test_a_standby_is_refused_with_a_word_that_helps(fresh_database_url: str) -> None:
    owner = await connection(fresh_database_url)
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await owner.close()
    for connect in (connection, pool):
        with pytest.raises(ReadOnlyServer, match="ROADWATCH_DATABASE_URL"):
            await connect(fresh_database_url)
