"""The frame of a service: what counts as a server that is away, and is waited for."""

import asyncpg
import pytest

from services.runtime.kafka import KafkaAway
from services.runtime.service import Service, _sessions, became_ready
from services.runtime.settings import Settings


@pytest.mark.parametrize(
    "error",
    [
        KafkaAway("no answer"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.InterfaceError("the connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    ],
)
async def test_a_server_that_is_away_is_waited_for(error: Exception) -> None:
    service = Service("test", Settings())
    seen: list[bool] = []

    async def session(service: Service) -> None:
        seen.append(service.ready)
        if len(seen) == 1:
            became_ready(service)
            raise error
        service.stopping.set()

    await _sessions(service, session)
    assert seen == [False, False]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a mistake"),
        asyncpg.UniqueViolationError("an event is there already"),
        asyncpg.CheckViolationError("a row that may not be"),
        asyncpg.NumericValueOutOfRangeError("a number too large for its column"),
    ],
)
async def test_anything_else_ends_the_process(error: Exception) -> None:
    """What the database refuses it refuses again: waiting for it would be for ever, and look like an outage."""

    async def session(_service: Service) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        await _sessions(Service("test", Settings()), session)
