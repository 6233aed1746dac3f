"""gzip for answers that are text: JSON and the text formats of a track, from a kilobyte on, where `Accept-Encoding` takes it.

Left alone: event streams (a compressor holds back what should go out now), what is compressed already (Parquet, ZIP), small answers, and answers that
hold a secret (`SECRET_ANSWERS`). That last one is why BREACH finds nothing here: the attack reads a secret out of the length of compressed answers
that hold it beside text of the attacker's own choosing; a session's cookie and a key stand in headers, which are not compressed, a browser
sends the cookie for none but this site's own pages (SameSite=Strict), and no answer that is compressed holds a credential.

An `ETag` stays as it is: it stands for the version of what is told (`If-Match`, `If-None-Match`), not for the bytes on the way, and the console
changes by it what it has read compressed.
"""

import asyncio
import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.idempotency import SECRET_ANSWERS

LEAST_BYTES = 1024
LEVEL = 5
IN_A_THREAD_FROM = 65_536
"""Bytes; below them handing over costs more than compressing."""
TEXT_TYPES = frozenset({"text/csv", "application/gpx+xml", "application/vnd.google-earth.kml+xml"})
GZIP = 16 + zlib.MAX_WBITS


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip; named beats `*`, and `q=0` is a refusal."""
    taken: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, value = parameter.replace(" ", "").partition("=")
        taken[coding.strip()] = name != "q" or value.strip("0.") != ""
    return taken.get("gzip", taken.get("x-gzip", taken.get("*", False)))


def is_text(headers: Headers) -> bool:
    """Whether an answer of these headers is worth compressing, if it is long enough."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    told_not_to = "content-encoding" in headers or "no-transform" in headers.get("cache-control", "")
    json = media_type == "application/json" or media_type.endswith("+json")
    return (json or media_type in TEXT_TYPES) and not told_not_to


class Compressing:
    """A layer around the app."""

    def __init__(self, app: ASGIApp) -> None:
        """Compresses what `app` answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            send = Answer(scope, send).send
        await self._app(scope, receive, send)


class Answer:
    """One answer on its way: its head waits for the first of its body, which decides."""

    def __init__(self, scope: Scope, send: Send) -> None:
        """Nothing has been sent."""
        self._scope, self._send = scope, send
        self._taken = takes_gzip(Headers(scope=scope).get("accept-encoding", ""))
        self._head: Message | None = None
        self._deflating: zlib._Compress | None = None
        self._announced: int | None = None
        self._read = 0

    async def send(self, message: Message) -> None:
        """What the app sends."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body" and (self._head or self._deflating):
            await self._body(message)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(raw=message.setdefault("headers", []))
        route = self._scope.get("route")
        if message["status"] == 304:
            headers.add_vary_header("Accept-Encoding")  # as the answer that it stands for
        if is_text(headers) and getattr(route, "name", None) not in SECRET_ANSWERS:
            self._head = message
        else:
            await self._send(message)

    async def _body(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._head is not None:
            head, self._head = self._head, None
            headers = MutableHeaders(raw=head["headers"])
            if not more and len(body) < LEAST_BYTES:
                await self._send(head)
                await self._send(message)
                return
            headers.add_vary_header("Accept-Encoding")
            if not self._taken:
                await self._send(head)
                await self._send(message)
                return
            await self._compressed(head, headers, body, more=more)
            return
        await self._send({**message, "body": await self._piece(body, more=more)})

    async def _compressed(self, head: Message, headers: MutableHeaders, body: bytes, *, more: bool) -> None:
        """The head and the first piece."""
        self._deflating = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        if more and "content-length" in headers:
            self._announced = int(headers["content-length"])
        piece = await self._piece(body, more=more)
        headers["content-encoding"] = "gzip"
        if more:
            del headers["content-length"]
        else:
            headers["content-length"] = str(len(piece))
        await self._send(head)
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def _piece(self, body: bytes, *, more: bool) -> bytes:
        """A piece of the body, compressed; the last one ends it.

        Raises:
            RuntimeError: the body is shorter than was announced: the answer breaks off, as it would have uncompressed, and its reader sees it.
        """
        deflating = self._deflating
        assert deflating is not None  # noqa: S101 - begun by the head
        self._read += len(body)
        if not more and self._announced not in (None, self._read):
            raise RuntimeError(f"the answer has {self._read} bytes, not {self._announced}")

        def work() -> bytes:
            return deflating.compress(body) + (b"" if more else deflating.flush())

        return await asyncio.to_thread(work) if len(body) >= IN_A_THREAD_FROM else work()
