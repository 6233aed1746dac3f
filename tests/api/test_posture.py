"""The api does not start where its role could pass by the policies; that the database is away keeps it from nothing."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.api.database import Database, check_posture, connect
from services.runtime.settings import Settings
from services.store.connect import connection
from services.store.scope import ROLE, WeakRole, assert_posture
from tests.api.support import TOKEN


@pytest.fixture
async def database(api_settings: Settings) -> AsyncIterator[Database]:
    made = await connect(api_settings, connections=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("weaken", "mend"),
    [
        (f"ALTER ROLE {ROLE} BYPASSRLS", f"ALTER ROLE {ROLE} NOBYPASSRLS"),
        (f"ALTER ROLE {ROLE} SUPERUSER", f"ALTER ROLE {ROLE} NOSUPERUSER"),
        (f"ALTER ROLE {ROLE} LOGIN", f"ALTER ROLE {ROLE} NOLOGIN"),
        (f"ALTER TABLE operator OWNER TO {ROLE}", "ALTER TABLE operator OWNER TO CURRENT_USER"),
    ],
)
async def test_a_role_that_is_too_strong_is_refused(
    database: Database, database_url: str, weaken: str, mend: str
) -> None:
    await check_posture(database, wait=False)
    owner = await connection(database_url)
    try:
        await owner.execute(weaken)
        with pytest.raises(WeakRole, match="roadwatch migrate"):
            await check_posture(database, wait=True)
    finally:
        await owner.execute(mend)
        await owner.close()
    await check_posture(database, wait=True)


async def test_a_database_that_is_away_is_not_waited_for_at_the_start() -> None:
    away = await connect(
        Settings(database_url="postgresql://x@127.0.0.1:9/x", token=TOKEN, deadline_s=2), connections=1
    )
    await check_posture(away, wait=False)
    away.close()


async def test_the_owner_of_the_tables_is_refused(database_url: str) -> None:
    owner: asyncpg.Connection = await connection(database_url)
    with pytest.raises(WeakRole):
        await assert_posture(owner)
    await owner.close()
