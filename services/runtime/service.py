"""The frame of every long-running process: signals, status file, metrics port, and waiting visibly for servers that are away.

A service is an async session that runs until it is told to stop. Three things end a session and begin another, told apart in log and metrics
(runtime/interruptions.py): a server it needs goes away (one of AWAY: not ready, `waiting` at once and every 10 s, until it holds), its fence is lost
(`fence_lost`), or what it reads is out of step (`out_of_step`; too often in a row, it is a fault like any other).
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
from services.runtime.interruptions import FenceLost, KafkaAway, OutOfStep
from services.runtime.settings import Settings
from services.runtime.status import write_status

DATABASE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the database's driver says; the last of a session that the server has just ended, when it is used once more."""
AWAY = (OSError, TimeoutError, *DATABASE)
"""What a session ends with when Kafka (always a KafkaAway, see runtime/kafka) or PostgreSQL is away."""
OURS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What the database says of what it was given; waiting mends nothing, and the process ends with it."""
REPEATED: dict[type[BaseException], str] = {FenceLost: "fence_lost", OutOfStep: "out_of_step"}
"""What is no server's absence and begins a new session all the same: how the log and the metrics name it."""
SERVER_AWAY = "server_away"
POSTGRESQL, KAFKA = "postgresql", "kafka"
MOST_OUT_OF_STEP = 10
"""Sessions in a row that end out of step within `SAY_EVERY_S` of their beginning: claiming again does not mend it."""
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


@dataclass(slots=True)
class _Patience:
    """How long to pause before the next session, what has been said of a server that is away, and how often in a row we were out of step."""

    pause_s: float = FIRST_PAUSE_S
    away_since_s: float = 0.0
    said_s: float = 0.0
    out_of_step: int = 0

    def afresh(self) -> None:
        """The session held for a while: what ends it is a new story."""
        self.pause_s, self.away_since_s, self.said_s, self.out_of_step = FIRST_PAUSE_S, 0.0, 0.0, 0


async def _sessions(service: Service, session: Session) -> None:
    patience = _Patience()
    for cause in (*REPEATED.values(), SERVER_AWAY):
        metrics.SESSIONS_ENDED.labels(cause)  # a counter that begins at 0 shows its first step
    while not service.stopping.is_set():
        begun_s = monotonic_s()
        try:
            await session(service)
        except OURS:
            raise
        except tuple(REPEATED) as error:
            if monotonic_s() - begun_s > SAY_EVERY_S:
                patience.afresh()
            _begins_again(service, error, patience)
        except AWAY as error:
            if service.ready or monotonic_s() - begun_s > SAY_EVERY_S:
                patience.afresh()
            _waits(service, error, patience)
        else:
            if service.stopping.is_set():
                return
        await service.pause(patience.pause_s)
        patience.pause_s = min(2 * patience.pause_s, LONGEST_PAUSE_S)


def _begins_again(service: Service, error: BaseException, patience: _Patience) -> None:
    """Say that the partitions changed hands, or that what came was not what is next.

    Raises:
        OutOfStep: that was so too often in a row.
    """
    cause = REPEATED[type(error)]
    _ended(service, cause)
    log.warning(cause, error=str(error))
    patience.out_of_step = patience.out_of_step + 1 if isinstance(error, OutOfStep) else 0
    if patience.out_of_step >= MOST_OUT_OF_STEP:
        raise error


def _waits(service: Service, error: BaseException, patience: _Patience) -> None:
    now_s = monotonic_s()
    patience.away_since_s = patience.away_since_s or now_s
    _ended(service, SERVER_AWAY)
    metrics.WAITING.labels(_server(error)).set(1)
    if now_s - patience.said_s >= SAY_EVERY_S:
        patience.said_s = now_s
        log.warning("waiting", server=_server(error), error=f"{type(error).__name__}: {error}",
                    since_s=round(now_s - patience.away_since_s, 1))  # fmt: skip


def _ended(service: Service, cause: str) -> None:
    service.ready = False
    metrics.READY.set(0)
    metrics.SESSIONS_ENDED.labels(cause).inc()


def _server(error: BaseException) -> str:
    """What runtime/kafka raises is a KafkaAway; a broken socket or a deadline that is none was the database's."""
    return KAFKA if isinstance(error, KafkaAway) else POSTGRESQL


def became_ready(service: Service) -> None:
    """Called by the session when it does its work."""
    if not service.ready:
        log.info("ready", service=service.name)
    service.ready = True
    metrics.READY.set(1)
    for server in (POSTGRESQL, KAFKA):
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
