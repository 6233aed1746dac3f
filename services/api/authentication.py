"""From a request's credentials to who asks: the system's token, an API key, or a session's cookie; and how long that stays true.

What was found is remembered for two seconds, so that a console's requests do not each ask the database, and a change is in force within five
(reliability.md L8). Open streams are looked at as often.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

import asyncpg
import structlog
from starlette.datastructures import Headers

from services.api.database import Database, DatabaseAway
from services.api.identity import PERMISSIONS, SYSTEM, Principal, Role, Scope, scope_of
from services.api.passwords import digest, key_id_of
from services.api.problems import Problem
from services.runtime.clock import monotonic_s, now_ms
from services.store import accounts, scope
from services.store.scope import View

COOKIE = "roadwatch_session"
IDLE_MS = 30 * 60_000  # 等保 2.0: a session left alone for half an hour is over
LONGEST_MS = 12 * 3_600_000  # a shift
REMEMBER_S = 2.0
TOUCH_EVERY_MS = 60_000
MOST_REMEMBERED = 10_000
DIVISIONS_S = 10.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A stream that ends when its principal is no longer what it was."""

    principal: Principal
    end: Callable[[], None]


class Authenticator:
    """Finds the principal of a request."""

    def __init__(self, database: Database, token: str) -> None:
        """`token` is the system's own."""
        self._database = database
        self._token = token.encode()
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self._changes = 0
        self._closures: dict[tuple[str, ...], tuple[float, list[str]]] = {}
        self._streams: dict[int, OpenStream] = {}

    async def principal(self, method: str, headers: Headers, ip: str | None) -> Principal:
        """Who asks.

        Raises:
            Problem: nobody we know (`unauthorized`), or a foreign page in a browser of somebody we know (`cross-site`).
            DatabaseAway: it cannot be found out.
        """
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            return await self._bearer(scheme, secret.strip(), ip)
        token = session_token(headers)
        if token is None:
            raise Problem("login-required")
        if method not in SAFE_METHODS and cross_site(headers):
            raise Problem("cross-site")
        return await self._session(token)

    async def _bearer(self, scheme: str, secret: str, ip: str | None) -> Principal:
        if scheme.lower() != "bearer":
            raise Problem("unauthorized")
        if self._token and hmac.compare_digest(secret.encode("utf-8", "surrogateescape"), self._token):
            return SYSTEM
        key_id = key_id_of(secret)
        if key_id is None:
            raise Problem("unauthorized")
        remembered = self._remembered(secret_hash := digest(secret + (ip or "")))
        if remembered is not None:
            return remembered
        at_ms, changes = now_ms(), self._changes
        async with self._database.writing(scope.EVERYTHING) as conn:
            row = await accounts.by_key(conn, key_id, at_ms)
            if (
                row is None
                or not hmac.compare_digest(row["key_hash"], digest(secret))
                or not allowed(row["networks"], ip)
            ):
                raise Problem("unauthorized")
            await accounts.used(conn, key_id, at_ms)
        found = principal_of_row(row, "key", key_id, frozenset(row["scopes"]))
        return self._remember(secret_hash, found, changes)

    async def _session(self, token: str) -> Principal:
        token_hash = digest(token)
        remembered = self._remembered(token_hash)
        if remembered is not None:
            return remembered
        at_ms, changes = now_ms(), self._changes
        async with self._database.writing(scope.EVERYTHING) as conn:
            row = await accounts.by_session(conn, token_hash, at_ms, IDLE_MS)
            if row is None:
                raise Problem("login-required")
            if at_ms - row["seen_at"].timestamp() * 1000 > TOUCH_EVERY_MS:
                await accounts.seen(conn, token_hash, at_ms)
        return self._remember(token_hash, principal_of_row(row, "session", token_hash.hex()), changes)

    def _remembered(self, key: bytes) -> Principal | None:
        found = self._known.get(key)
        return found[1] if found is not None and monotonic_s() - found[0] < REMEMBER_S else None

    def _remember(self, key: bytes, principal: Principal, changes: int) -> Principal:
        """Keep what was found, unless something changed here after it began to be looked for (`changes` as it was then)."""
        if changes != self._changes:
            return principal
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = monotonic_s(), principal
        return principal

    def forget(self) -> None:
        """Something changed here; what is remembered is asked anew, and what is being read at this moment is not remembered."""
        self._known.clear()
        self._changes += 1

    async def view(self, principal: Principal) -> View:
        """The rows a principal may see, its divisions' prefixes made whole codes."""
        seen = principal.scope
        account = None if principal is SYSTEM else principal.id
        divisions = None if seen.divisions is None else await self._closure(seen.divisions)
        return View(divisions, seen.operators, seen.classes, account)

    async def _closure(self, prefixes: tuple[str, ...]) -> list[str]:
        found = self._closures.get(prefixes)
        if found is None or monotonic_s() - found[0] > DIVISIONS_S:
            async with self._database.reading(scope.EVERYTHING) as conn:
                found = self._closures[prefixes] = monotonic_s(), await scope.closure(conn, prefixes)
        return found[1]

    def opened(self, principal: Principal, end: Callable[[], None]) -> int:
        """A stream has begun; `end` will be called when its principal is no longer what it was. Gives what `closed` takes."""
        stream = OpenStream(principal, end)
        self._streams[id(stream)] = stream
        return id(stream)

    def closed(self, number: int) -> None:
        """The stream is over."""
        self._streams.pop(number, None)

    async def run(self) -> None:
        """Look after the open streams until cancelled; while the database is away they stay."""
        while True:
            await asyncio.sleep(REMEMBER_S)
            streams = [stream for stream in self._streams.values() if stream.principal is not SYSTEM]
            if not streams:
                continue
            try:
                standing = await self._standing({stream.principal for stream in streams})
            except DatabaseAway:
                continue
            for stream in streams:
                if not standing.get(stream.principal):
                    log.info("stream_cut", reason="permission changed", account=stream.principal.id)
                    stream.end()

    async def _standing(self, principals: set[Principal]) -> dict[Principal, bool]:
        found = {}
        async with self._database.reading(scope.EVERYTHING) as conn:
            for principal in principals:
                session = (
                    bytes.fromhex(principal.credential_id) if principal.credential == "session" else None
                )
                key = principal.credential_id if principal.credential == "key" else None
                row = await accounts.standing(conn, principal.id, session, key, now_ms())
                found[principal] = row is not None and row["epoch"] == principal.epoch
        return found


def principal_of_row(
    row: asyncpg.Record, credential: str, credential_id: str, part: frozenset[str] | None = None
) -> Principal:
    """An account as the database has it; `part` bounds its permissions (a key's scopes)."""
    role = Role(row["role"])
    may = PERMISSIONS[role]
    found: Scope = scope_of(row["divisions"], row["operators"], row["classes"])
    must_change = row["must_change"] and credential == "session"
    return Principal(
        row["id"],
        row["name"],
        role,
        may if part is None else may & part,
        found,
        row["epoch"],
        credential,
        credential_id,
        must_change,
    )


def session_token(headers: Headers) -> str | None:
    """The session's token in the cookies."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie is not None and 20 <= len(cookie.value) <= 100 else None


def cross_site(headers: Headers) -> bool:
    """Whether a browser sends this for another site's page; the cookie is SameSite=Strict, this is the second lock."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


def allowed(networks: list[str], ip: str | None) -> bool:
    """Whether a key may be used from this address; no network named: from anywhere."""
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(ip or "")
        return any(address in ipaddress.ip_network(network) for network in networks)
    except ValueError:
        return False
