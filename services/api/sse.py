"""One server-sent event stream as an ASGI answer: bytes as they come from a feeder, until it ends, the client goes, or the process stops.

A bare answer rather than a library's, because here a frame is encoded once for all clients and everything else a library does per
event is paid a thousand times a second (measured beside sse-starlette: docs/decisions/0006). What a library is taken for is kept: headers and
first bytes at once, the client's going noticed while nothing is sent, and nothing left behind.
"""

import asyncio
import contextlib
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "text/event-stream"
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
RETRY_MS = (2000, 5000)
EVENT_STREAM = {"description": MEDIA_TYPE, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
"""The answer in OpenAPI."""


def retry_frame() -> bytes:
    """When to come back after a cut, varied so that a thousand clients do not come at once."""
    return b"retry: %d\n\n" % random.randint(*RETRY_MS)  # noqa: S311 - spreads load, keeps no secret


class EventStream(Response, ABC):
    """An answer that goes on; `chunks` says what is sent, `gone` ends it when the client has left."""

    media_type = MEDIA_TYPE

    def __init__(self) -> None:
        """Nothing is sent before the answer is called."""
        self.status_code = 200
        self.background = None

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes]:
        """What is sent, until the stream's end."""

    @abstractmethod
    def gone(self) -> None:
        """The client has left: `chunks` must come to its end now."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the stream; returns when it is over, whoever ended it."""
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        watching = asyncio.create_task(self._watch(receive))
        chunks = self.chunks()
        try:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await chunks.aclose()  # type: ignore[attr-defined] # an async generator in every subclass

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone()
