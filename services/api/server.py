"""The api as a process: its socket, uvicorn inside the frame that every service has, and an end that does not wait for streams.

uvicorn waits for open answers when it stops, and a stream is an answer that does not end; so the streams are told to end first.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from services.api.app import create_app, end_streams
from services.api.database import check_posture, connect
from services.api.health import readiness
from services.api.protocol import KEEP_ALIVE_S, Protocol
from services.api.state import State
from services.runtime import metrics
from services.runtime.service import Service, became_ready
from services.runtime.settings import LOOPBACK

GRACE_S = 2
LOOK_S = 0.2
BACKLOG = 2048
CLIENT_GONE_MS = 60_000
"""A client that takes nothing for so long, or whose machine has vanished, is cut off by the kernel."""


class PortTaken(RuntimeError):
    """The address to listen on is not to be had."""


class Server(uvicorn.Server):
    """The HTTP server, leaving the signals to the frame."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket; what it is set to, its connections inherit.

    Raises:
        PortTaken: somebody listens there, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, CLIENT_GONE_MS)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise PortTaken(f"{host}:{port}: {error.strerror}; set ROADWATCH_HTTP_PORT to a free one") from error
    return listening


def make_server(app: FastAPI) -> Server:
    """The server of the app, to be given a socket."""
    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="on", access_log=False, log_config=None, server_header=False,
        proxy_headers=False, backlog=BACKLOG, timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip
    return Server(config)


async def session(service: Service) -> None:
    """Serve until the stop.

    Raises:
        PortTaken: the address is not to be had.
        ValueError: there is no token.
        WeakRole: the database lets the api see more than it should.
    """
    settings = service.settings
    if not settings.token:
        raise ValueError("ROADWATCH_TOKEN is empty: set it to a random text of at least 32 characters")
    database = await connect(settings, name="roadwatch-api-start", connections=1)
    try:
        await check_posture(database, wait=False)
    finally:
        database.close()
    app = create_app(settings)
    listening = listening_socket(settings.http_host, settings.http_port)
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    service.detail["url"] = f"http://{host}:{listening.getsockname()[1]}"
    service.detail["loopback"] = settings.http_host in LOOPBACK
    server = make_server(app)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        while not (service.stopping.is_set() or serving.done()):
            _look(service, app)
            await service.pause(LOOK_S)
    finally:
        end_streams(app)
        server.should_exit = True
        await serving


def _look(service: Service, app: FastAPI) -> None:
    """Publish whether the api can do its work; what ended in the background ends the process, which is then started again."""
    state: State | None = getattr(app.state, "roadwatch", None)
    if state is None:
        return
    for task in app.state.background:
        if task.done():
            task.result()
    found = readiness(state)
    service.detail.update({name: found[name] for name in ("streams", "feed", "positions")})
    if found["ready"]:
        became_ready(service)
    else:
        service.ready = False
        metrics.READY.set(0)
        metrics.WAITING.labels("postgresql").set(1)
