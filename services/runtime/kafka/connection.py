"""What every client of Kafka shares: starting, answering and stopping within the deadline, and the error of its absence."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from services.runtime.interruptions import KafkaAway
from services.runtime.settings import Settings

READ_COMMITTED = "read_committed"
"""Of every consumer and of every question after the end of a log: what a producer has aborted, or not yet committed, was not said. The end is the last stable offset."""

log = structlog.get_logger()


@asynccontextmanager
async def in_time(settings: Settings, what: str) -> AsyncIterator[None]:
    """The block must be done within the deadline; `what` begins the message if it is not.

    Raises:
        KafkaAway: it took too long, or the client found fault.
    """
    try:
        async with asyncio.timeout(settings.deadline_s):
            yield
    except (KafkaError, TimeoutError, OSError) as error:
        if isinstance(error, KafkaAway):
            raise
        raise KafkaAway(f"{what}: {error!r}") from error


@asynccontextmanager
async def starting(client: Any, settings: Settings) -> AsyncIterator[None]:
    """Starts a client; the block belongs to the start. Whatever goes wrong, the client is stopped.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    try:
        async with in_time(settings, settings.kafka_bootstrap):
            await client.start()
            yield
    except BaseException:
        await stop(client, settings)
        raise


async def stop(client: Any, settings: Settings) -> None:
    """Stop a client within the deadline; that it went uncleanly is worth a line, not an error, and its connections are closed all the same.

    A consumer awaits the fetches that it has just cancelled, and one that slept between two tries, the broker being away, passes the
    cancellation on, as though the caller had been cancelled.
    """
    try:
        async with asyncio.timeout(settings.deadline_s):
            await client.stop()
    except (KafkaError, TimeoutError, OSError, asyncio.CancelledError) as error:
        log.warning("kafka_left_unclean", client=type(client).__name__, error=repr(error))
        with contextlib.suppress(KafkaError, TimeoutError, OSError):
            async with asyncio.timeout(settings.deadline_s):
                await (client.client if hasattr(client, "client") else client._client).close()  # noqa: SLF001
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
