"""The frame of every long-running process: signals, status file, metrics port, and waiting visibly for servers that are away.

A service is an async session that runs until it is told to stop. When a server it needs goes away the session ends with one of
AWAY; the frame says so (not ready, one log line at once and one every 10 s, a metric) and begins another session until it holds.
Anything else ends the process: the supervisor starts it again, and what was committed stands.
"""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.metadata import version

import asyncpg
import structlog
import uvloop
from prometheus_client import start_http_server

from services.runtime import logs, metrics
from services.runtime.clock import monotonic_s
from services.runtime.settings import Settings
from services.runtime.status import write_status

DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the database's driver says; the last of a session that the server has just ended, when it is used once more."""
AWAY = (OSError, TimeoutError, *DATABASE)
"""What a session ends with when Kafka (its errors are OSError here, see runtime/kafka) or PostgreSQL is away."""
OURS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What the database says of what it was given; waiting mends nothing, and the process ends with it."""
SAY_EVERY_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 3.0
STATUS_EVERY_S = 1.0
COLLECT_EVERY = 10
LONG_COLLECTION_S = 0.02
LOOPBACK = "127.0.0.1"

log = structlog.get_logger()


@dataclass(slots=True)
class Service:
    """What a process says of itself; the session sets it, the frame publishes it."""

    name: str
    settings: Settings
    ready: bool = False
    lag: int = 0
    detail: dict[str, object] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def owner(self) -> str:
        """Host and process, for progress rows."""
        return f"{socket.gethostname()}:{os.getpid()}"

    async def pause(self, seconds: float) -> None:
        """Sleep, but not longer than until the stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return


Session = Callable[[Service], Awaitable[None]]


def main(name: str, session: Session) -> None:
    """Run a service to its end; the exit code is 0 after a stop that was asked for."""
    settings = Settings()
    logs.configure(settings, name)
    metrics.BUILD.info({"version": version("roadwatch")})
    gc.collect()
    gc.freeze()
    gc.disable()  # the hot loops make no cycles; _tell collects what slow paths leave (docs/decisions/0004)
    if settings.metrics_port:
        start_http_server(settings.metrics_port, LOOPBACK)
    uvloop.run(_run(Service(name, settings), session))


async def _run(service: Service, session: Session) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stopping.set)
    telling = asyncio.create_task(_tell(service))
    try:
        await _sessions(service, session)
    finally:
        service.ready = False
        telling.cancel()
        _publish(service)
        log.info("stopped", service=service.name)


async def _sessions(service: Service, session: Session) -> None:
    pause_s, away_since_s, said_s = FIRST_PAUSE_S, 0.0, 0.0
    while not service.stopping.is_set():
        begun_s = monotonic_s()
        try:
            await session(service)
        except OURS:
            raise
        except AWAY as error:
            now_s = monotonic_s()
            if service.ready or now_s - begun_s > SAY_EVERY_S:
                pause_s, away_since_s, said_s = FIRST_PAUSE_S, now_s, 0.0
            away_since_s = away_since_s or now_s
            service.ready = False
            metrics.READY.set(0)
            metrics.WAITING.labels(_server(error)).set(1)
            if now_s - said_s >= SAY_EVERY_S:
                said_s = now_s
                log.warning("waiting", server=_server(error), error=f"{type(error).__name__}: {error}",
                            since_s=round(now_s - away_since_s, 1))  # fmt: skip
            await service.pause(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            if service.stopping.is_set():
                return


def _server(error: BaseException) -> str:
    return "postgresql" if isinstance(error, DATABASE) else "kafka or postgresql"


def became_ready(service: Service) -> None:
    """Called by the session when it does its work."""
    if not service.ready:
        log.info("ready", service=service.name)
    service.ready = True
    metrics.READY.set(1)
    for server in ("postgresql", "kafka or postgresql"):
        metrics.WAITING.labels(server).set(0)


async def _tell(service: Service) -> None:
    rounds = 0
    while True:
        _publish(service)
        await asyncio.sleep(STATUS_EVERY_S)
        rounds += 1
        if rounds % COLLECT_EVERY == 0:
            _collect()


def _collect() -> None:
    """Collect cycles; where that took long, what it looked at in vain (a fleet's registry, say) is not looked at again."""
    begun_s = monotonic_s()
    gc.collect()
    if monotonic_s() - begun_s > LONG_COLLECTION_S:
        gc.freeze()


def _publish(service: Service) -> None:
    if service.settings.status_file:
        write_status(
            service.settings.status_file,
            service.name,
            ready=service.ready,
            lag=service.lag,
            detail=service.detail,
        )
