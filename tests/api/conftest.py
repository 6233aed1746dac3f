"""An api on a database of the module's own, emptied for each test, and a connection to write with."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.runtime.settings import Settings
from services.store.connect import connection
from tests.api.support import TOKEN, Api, start

EMPTY = """
ALTER TABLE audit DISABLE TRIGGER USER; ALTER TABLE alert_action DISABLE TRIGGER USER;
TRUNCATE alert_action, audit, account, sign_in_failure, driver_seen, idempotency, webhook_endpoint, webhook_network, job, alert_event, alert, registration, vehicle, operator, terminal, fix RESTART IDENTITY CASCADE;
ALTER TABLE audit ENABLE TRIGGER USER; ALTER TABLE alert_action ENABLE TRIGGER USER;
UPDATE feed SET last = 0;
UPDATE audit_head SET seq = 0, row_hash = decode(repeat('00', 32), 'hex');
"""


@pytest.fixture
def api_settings(database_url: str) -> Settings:
    """Settings of an api whose Kafka is away, which only the live map minds."""
    return Settings(database_url=database_url, kafka_bootstrap="127.0.0.1:9", token=TOKEN, deadline_s=5)


@pytest.fixture
async def writer(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to put alerts in; the database is empty."""
    made = await connection(database_url)
    await made.execute(EMPTY)
    yield made
    await made.close()


@pytest.fixture
async def api(api_settings: Settings, writer: asyncpg.Connection) -> AsyncIterator[Api]:
    """An api, listening."""
    made = await start(api_settings)
    yield made
    await made.stop()


@pytest.fixture
async def conn(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of the test's own."""
    made = await connection(fresh_database_url)
    yield made
    await made.close()
