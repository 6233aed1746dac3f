"""The one place that sends to strangers: every address is checked when it is resolved and again when its socket is made, nothing is followed.

A name is resolved once an attempt and the connection goes to an address that was checked (`socket_factory` sees the very address), so that a name
that changes its mind between the two (DNS rebinding) finds nothing. No proxy from the environment, no redirects, no cookies, no decompression,
no connection kept for another attempt; 64 kB of an answer are read at most and 1 kB is kept. When a connection stands, and before a byte of the
request is written, the attempt's guard is asked whether what it was begun with still holds.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import structlog
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from services.api.database import DatabaseAway
from services.api.webhooks.addresses import REASONS, Policy, Refused, check_addresses, check_url
from services.api.webhooks.deciding import Answer, Fault
from services.runtime.clock import monotonic_s, now_ms
from services.store.times import to_ms

TIMEOUT_S = 15.0
BODY_S = 2.0
"""How long an answer's body is waited for once its status is known: the status decides, the body is only for the record."""
READ_BYTES, KEPT_BYTES = 65_536, 1024
RESOLVERS = 64
"""Threads that ask name servers: a name whose server hangs holds four of them at most, its endpoint's share."""
AGENT = "Roadwatch-Webhooks/1"

Guard = Callable[[], AbstractAsyncContextManager[bool]]
"""Says whether an attempt may be written, and keeps it so while it is entered."""
GUARD: ContextVar[Guard | None] = ContextVar("guard", default=None)
"""The guard of the attempt that this task makes."""

log = structlog.get_logger()


class Changed(Exception):
    """What the attempt was begun with does not hold any more; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an attempt: `error` is a fault with what is known of it, `response` the beginning of the answer's body."""

    answer: Answer
    at_ms: int
    milliseconds: int
    error: str | None = None
    response: str | None = None


class Resolver(AbstractResolver):
    """The system's resolver in threads of its own, giving only addresses that were checked."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self.policy = Policy()
        self._threads = ThreadPoolExecutor(RESOLVERS, "resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of a name.

        Raises:
            OSError: the name server does not know it.
            Refused: one of them is forbidden.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        check_addresses([str(address[0]) for *_, address in found], self.policy)
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=socket.AI_NUMERICHOST
            )
            for kind, _, proto, _, address in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Wait for nothing: a thread that hangs in a name server ends with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Connector(aiohttp.TCPConnector):
    """Asks the task's guard when a connection stands, and gives the connection to be written to only if it agrees."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's name
    ) -> Connection:
        """A connection that may be written to.

        Raises:
            Changed: the guard refused.
        """
        made = await super().connect(req, traces, timeout)
        guard, entered = GUARD.get(), AsyncExitStack()
        try:
            if guard is not None and not await entered.enter_async_context(guard()):
                raise Changed  # noqa: TRY301 - what was entered is left in one place
        except BaseException:
            made.close()
            await entered.aclose()
            raise
        leaving = asyncio.create_task(_leave(entered))
        LEAVING.add(leaving)
        leaving.add_done_callback(LEAVING.discard)
        return made


LEAVING: set[asyncio.Task[None]] = set()


async def _leave(entered: AsyncExitStack) -> None:
    """Let a guard go once the request is written.

    A request fits a socket's buffer, so the task that connected writes it without a pause, or in the task that it makes for this; the event
    loop runs both before this one goes on a second time.
    """
    for _ in range(3):
        await asyncio.sleep(0)
    with contextlib.suppress(DatabaseAway):
        await entered.aclose()


class Sender:
    """Makes attempts; as many at once as its callers begin."""

    def __init__(self, timeout_s: float = TIMEOUT_S, tls: ssl.SSLContext | None = None) -> None:
        """To be made inside the loop; `tls` is how receivers prove who they are, by default as the system's store says."""
        self._resolver = Resolver()
        connector = Connector(
            resolver=self._resolver, use_dns_cache=False, limit=0, limit_per_host=0, force_close=True,
            socket_factory=self._socket, ssl=tls or ssl.create_default_context(),
        )  # fmt: skip
        self._session = aiohttp.ClientSession(
            connector=connector, trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        )  # fmt: skip

    def allow(self, policy: Policy) -> None:
        """What holds from now on, for every attempt that has no connection yet."""
        self._resolver.policy = policy

    def _socket(self, found: AddrInfoType) -> socket.socket:
        """A socket for an address, the last look before the first packet."""
        family, kind, proto, _, address = found
        check_addresses([str(address[0])], self._resolver.policy)
        made = socket.socket(family, kind, proto)
        made.setblocking(False)
        return made

    async def send(
        self, url: str, headers: dict[str, str], body: bytes, guard: Guard | None = None
    ) -> Sent | None:
        """One attempt; whatever happens is an answer. None: the guard refused, or could not say, and nothing was sent."""
        at_ms, begun_s = now_ms(), monotonic_s()
        GUARD.set(guard)
        try:
            check_url(url, self._resolver.policy)
            answer, response = await self._post(url, headers, body)
            error = None
        except (Changed, DatabaseAway) as failure:
            log.debug("attempt_abandoned", reason=type(failure).__name__)
            return None
        except Exception as failure:  # noqa: BLE001 - whatever a stranger's server makes a library raise harms nobody else
            fault, response = fault_of(failure), None
            answer = Answer(fault=fault)
            error = f"{fault}: {said(fault, reason_of(failure))}"
            log.debug("attempt_failed", fault=str(fault), detail=str(reason_of(failure))[:200])
        return Sent(answer, at_ms, round((monotonic_s() - begun_s) * 1000), error, response)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[Answer, str]:
        own = {
            "content-type": "application/json",
            "user-agent": AGENT,
            "accept-encoding": "identity",
            **headers,
        }
        async with self._session.post(url, data=body, headers=own, allow_redirects=False) as response:
            begun = b""
            with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
                async with asyncio.timeout(BODY_S):
                    begun = await _beginning(response.content)
            after_s = retry_after_s(response.headers.get("retry-after"), now_ms())
            response.close()
            return Answer(response.status, retry_after_s=after_s), printable(begun)

    async def close(self) -> None:
        """Cut what is open."""
        await self._session.close()
        await self._resolver.close()


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    kept, read = b"", 0
    while read < READ_BYTES and (chunk := await content.read(min(8192, READ_BYTES - read))):
        kept = (kept + chunk)[:KEPT_BYTES]
        read += len(chunk)
    return kept


def reason_of(failure: BaseException) -> BaseException:
    """What a client's error is about: the guard's refusal inside it, if there is one."""
    seen: BaseException | None = failure
    while seen is not None:
        if isinstance(seen, Refused):
            return seen
        if isinstance(seen, BaseExceptionGroup):
            seen = seen.exceptions[0]
            continue
        seen = seen.__cause__ or seen.__context__
    return failure


SAID: dict[Fault, str] = {
    Fault.TIMEOUT: "未在时限内应答 · no answer in time",
    Fault.CONNECTION: "无法连接,或连接中断 · no connection, or it was cut",
    Fault.TLS: "TLS 握手失败,请检查证书与协议版本 · the TLS handshake failed; check certificate and protocol versions",
    Fault.NAME: "主机名无法解析 · the host's name is not known",
    Fault.BLOCKED: "此地址不对外开放 · this address is not open to deliveries",
    Fault.PROTOCOL: "应答不是有效的 HTTP · the answer was not valid HTTP",
}
"""What a receiver's owner is told of a fault: nothing of addresses, which names of others may stand for."""


def said(fault: Fault, reason: BaseException) -> str:
    """A fault for whoever reads deliveries; of a URL that is refused as it stands, also why."""
    if isinstance(reason, Refused) and reason.reason != "address":
        return " · ".join(REASONS[reason.reason])
    return SAID[fault]


def fault_of(failure: BaseException) -> Fault:
    """The kind of an error."""
    if isinstance(reason_of(failure), Refused):
        return Fault.BLOCKED
    for kinds, fault in (
        (TimeoutError, Fault.TIMEOUT),
        ((aiohttp.ClientSSLError, ssl.SSLError), Fault.TLS),
        ((aiohttp.ClientConnectorDNSError, socket.gaierror), Fault.NAME),
        ((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, OSError), Fault.CONNECTION),
    ):
        if isinstance(failure, kinds):
            return fault
    return Fault.PROTOCOL


def retry_after_s(text: str | None, at_ms: int) -> float | None:
    """Seconds that an answer asks to wait: a number, or an HTTP date; None: nothing of either kind."""
    if text is None or len(text) > 64:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return max(0.0, (to_ms(until) - at_ms) / 1000)


def printable(raw: bytes) -> str:
    """An answer's beginning as text that a database and a page take."""
    text = raw.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)
