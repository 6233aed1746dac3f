"""A connection to the module's migrated database, as services open theirs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.store.connect import connection, pool


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await connection(database_url)
    yield made
    await made.close()


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    async with await pool(database_url, max_size=8) as made:
        yield made
