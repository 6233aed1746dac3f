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


async def test_anything_else_ends_the_process() -> None:
    async def session(_service: Service) -> None:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        await _sessions(Service("test", Settings()), session)
