"""What an attempt rests on, looked at once more when its connection stands: the endpoint and its account as they were read, the networks allowed.

Between reading an endpoint and writing to it lie a name server, a connection and a handshake, each as slow as a stranger likes. So the last look
is taken when all that is done, and it holds the rows: whoever changes the endpoint or its account's scope waits until the request is written, and
every request written after a change was committed is that of the endpoint as it was changed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.api.database import Database
from services.api.webhooks.endpoint import Endpoint
from services.store import webhook_queue
from services.store.scope import EVERYTHING


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint as an attempt read it: its stamp, and the networks that were allowed."""

    database: Database
    endpoint: str
    stamp: tuple[int, int]
    networks: tuple[str, ...]

    @asynccontextmanager
    async def held(self) -> AsyncIterator[bool]:
        """Whether it still stands; if so nobody changes it within.

        Raises:
            DatabaseAway: it cannot be known.
        """
        async with self.database.writing(EVERYTHING) as conn:
            row = (await webhook_queue.look(conn, [self.endpoint])).get(self.endpoint)
            yield row is not None and (
                ((row["version"], row["epoch"]), tuple(row["networks"])) == (self.stamp, self.networks)
            )


def standing(database: Database, endpoint: Endpoint, networks: tuple[str, ...]) -> Standing:
    """What an attempt that begins now rests on."""
    return Standing(database, endpoint.id, endpoint.stamp, networks)
