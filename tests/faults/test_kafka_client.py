"""Leaving a broker that is away: the client's own cancellations must not look like the caller's."""

import asyncio
from collections.abc import Sequence

from services.contracts.topics import FIXES
from services.runtime.kafka import Consumer
from services.runtime.servers import LocalServers
from services.runtime.settings import Settings


async def from_the_beginning(partitions: Sequence[int]) -> dict[int, int]:
    return dict.fromkeys(partitions, 0)


async def forget(partitions: Sequence[int]) -> None:
    """Nothing is kept of them."""


async def test_a_consumer_leaves_a_broker_that_is_away(
    settings: Settings, topics: list[str], servers: LocalServers
) -> None:
    quick = settings.model_copy(update={"deadline_s": 3.0})
    async with Consumer(quick, "leaver", FIXES, from_the_beginning, forget) as consumer:
        async with asyncio.timeout(30):
            while not consumer.assigned():
                await consumer.poll(0.1)
        try:
            servers.kafka.stop()
            await asyncio.sleep(0.5)  # its fetches fail now, and it sleeps between them
            await asyncio.wait_for(consumer.__aexit__(None, None, None), 20)
        finally:
            servers.start()
