"""A time range asked for again: what never arrived is queued once more, what never was a message becomes one; page by page, as a job."""

import asyncpg

from services.api.webhooks.deliverer import Deliverer, message_of
from services.store import webhook_queue
from services.store.api_queries import rows_of

PAGE = 500
PAGES_AT_ONCE = 4


async def recover(deliverer: Deliverer, at_ms: int) -> None:
    """Go on with every recovery of an endpoint held here, a few pages of each."""
    for job in await webhook_queue.recoveries(deliverer.conn, list(deliverer.held)):
        for _ in range(PAGES_AT_ONCE):
            if await _page(deliverer, job, at_ms):
                break


async def _page(deliverer: Deliverer, job: asyncpg.Record, at_ms: int) -> bool:
    """The next page of a job; True: it was the last one for now."""
    conn, asked = deliverer.conn, job["request"]
    endpoint = deliverer.held[asked["endpoint"]]
    view = await deliverer.view(endpoint)
    async with conn.transaction():
        if not await deliverer.unchanged([endpoint]):
            return True  # read anew before it goes on
        after = await webhook_queue.recovered_to(conn, job["id"])
        rows = await webhook_queue.events_between(
            conn, rows_of(view), (after, endpoint.after), (asked["since_ms"], asked["until_ms"]), PAGE
        )
        messages = [message_of(endpoint, row) for row in rows if endpoint.wants(row["type"], row["data"])]
        await webhook_queue.ask_again(
            conn, [message.id for message in messages], at_ms, delivered=asked["delivered"]
        )
        await webhook_queue.insert(conn, messages, at_ms)
        done = len(rows) < PAGE
        position = rows[-1]["seq"] if rows else after
        part = 1.0 if done else position / max(endpoint.after, 1)
        await webhook_queue.recovered(conn, job["id"], after=position, part=part, done=done, at_ms=at_ms)
    return done
