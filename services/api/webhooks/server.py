"""The deliverer as a process: sessions that last as long as the database does, and what it tells of itself."""

import asyncio

import structlog

from services.api.database import connect
from services.api.webhooks.addresses import Policy
from services.api.webhooks.deliverer import Deliverer
from services.api.webhooks.recovering import recover
from services.api.webhooks.sender import Sender
from services.runtime import metrics
from services.runtime.clock import now_ms
from services.runtime.service import Service, became_ready
from services.runtime.settings import Settings
from services.store import webhook_queue
from services.store.times import to_ms

CONNECTIONS = 5
"""One that holds the locks, four for the last looks of attempts."""
POLL_S, IDLE_S = 0.05, 0.25
SETTLE_S = 5.0
LOOK_AROUND_MS = 2000
PRUNED_AT_ONCE = 1000
DAY_MS = 86_400_000

log = structlog.get_logger()


def policy_of(settings: Settings) -> Policy:
    """What the settings allow; the allow-list of networks is in the database."""
    return Policy((), settings.webhook_ports, settings.webhook_http)


async def session(service: Service) -> None:
    """Deliver until the stop; ends with one of `services.runtime.service.AWAY` when the database is away."""
    settings = service.settings
    database = await connect(settings, name="roadwatch-webhooks", connections=CONNECTIONS)
    sender = Sender(settings.webhook_timeout_s)
    try:
        async with database.following() as conn:
            deliverer = Deliverer(conn, database, sender, policy_of(settings), settings.webhook_schedule_s)
            try:
                await _work(service, deliverer)
            finally:
                await deliverer.close()
    finally:
        await sender.close()
        database.close()


async def _work(service: Service, deliverer: Deliverer) -> None:
    looked_ms = 0
    while not service.stopping.is_set():
        deliverer.woken.clear()
        busy = await deliverer.round()
        at_ms = now_ms()
        if not 0 <= at_ms - looked_ms < LOOK_AROUND_MS:
            looked_ms = at_ms
            await look_around(deliverer, service.settings.webhook_keep_days, at_ms)
            service.detail["endpoints"] = len(deliverer.held)
        service.lag = deliverer.lag
        became_ready(service)
        await _pause(service, deliverer, POLL_S if busy or deliverer.flying else IDLE_S)
    await deliverer.settle(SETTLE_S)


async def _pause(service: Service, deliverer: Deliverer, seconds: float) -> None:
    """Until an attempt ends, the stop comes or the time is over."""
    waits = [asyncio.create_task(deliverer.woken.wait()), asyncio.create_task(service.stopping.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()


async def look_around(deliverer: Deliverer, keep_days: int, at_ms: int) -> None:
    """What need not be done at once: recoveries, the log's end, the figures."""
    await recover(deliverer, at_ms)
    await webhook_queue.prune(deliverer.conn, at_ms - keep_days * DAY_MS, PRUNED_AT_ONCE)
    waiting, oldest = await webhook_queue.queue(deliverer.conn)
    metrics.WEBHOOK_QUEUE.set(waiting)
    metrics.WEBHOOK_OLDEST.set(0 if oldest is None else max(0, at_ms - to_ms(oldest)) / 1000)
