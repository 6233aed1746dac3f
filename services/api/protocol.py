"""HTTP connections of the api: a request that does not become whole is cut off.

uvicorn waits without end for the rest of a request once its first byte has come, so that half-sent ones, which cost their sender nothing, fill
the process's sockets. Here a request has ten seconds from its first byte to its last; what is being answered, streams among it, and a
connection that waits for its next request are not touched (the latter by uvicorn's own limit, `KEEP_ALIVE_S`).
"""

import asyncio
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from services.runtime import metrics

WHOLE_S = 10.0
"""Seconds from a request's first byte to its last."""
KEEP_ALIVE_S = 30
"""Seconds that a connection may wait for its first or next request."""
CUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
SAID = (
    '{"type":"urn:roadwatch:problem:request-timeout","title":"请求未发完 · Request not finished","status":408,'
    '"detail":"请求须在 10 秒内发完。请重试。 · A request must be sent within 10 seconds; please send it again."}'
).encode()

log = structlog.get_logger()


class Protocol(HttpToolsProtocol):
    """A connection whose requests have `WHOLE_S` to become whole."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*given, **named)
        self._half: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Nothing has come yet."""
        super().connection_made(transport)
        self._wait(KEEP_ALIVE_S, begun=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes between requests, such as empty lines, count as a request's first."""
        if self._half is None or not self._begun:
            self._wait(WHOLE_S, begun=True)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request in the same packet as the end of the one before it has its own time."""
        if self._half is None:
            self._wait(WHOLE_S, begun=True)
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._stop()
        super().on_message_complete()

    def _wait(self, seconds: float, *, begun: bool) -> None:
        self._stop()
        self._begun = begun
        self._half = self.loop.call_later(seconds, self._cut)

    def _stop(self) -> None:
        if self._half is not None:
            self._half.cancel()
            self._half = None

    def _cut(self) -> None:
        self._half = None
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:  # a whole request is being answered; what came after it waits for that
                self._wait(WHOLE_S, begun=True)
                return
            cycle.disconnected = True
            cycle.message_event.set()
        answering = cycle is not None and cycle.response_started and not cycle.response_complete
        if self._begun and not answering:
            self.transport.write(CUT % (len(SAID), SAID))
        metrics.HTTP_CUT.inc()
        log.debug("half_sent_request_cut", client=self.client)
        self.transport.close()
