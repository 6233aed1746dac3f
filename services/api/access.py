"""What every request passes on its way: a request id, the token, one line in the log, the counters, the headers that protect a browser.

Plain ASGI: nothing between a stream and its socket but one function call. The log holds paths, never queries (a plate may stand there) and
never tokens. Nothing but health, the pages' shells and signing in is answered to nobody; on a loopback address what is must name this
machine, else a page from anywhere could speak to the api through the browser of whoever runs it (DNS rebinding).
"""

import re
import uuid
from typing import Any

import structlog
from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.database import DatabaseAway
from services.api.identity import ACCESS, NOBODY, SYSTEM, principal_of
from services.api.language import language_of
from services.api.pages import is_page, policy_of
from services.api.problems import Problem, respond
from services.api.quota import Policy, Quota
from services.api.state import State
from services.runtime import metrics
from services.runtime.clock import monotonic_s
from services.runtime.settings import LOOPBACK, Settings

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
SESSION = "/v1/session"
OIDC = frozenset({"/v1/session/oidc", "/v1/session/oidc/callback"})
PROVIDERS = "/v1/session/providers"
SIGNING_IN = OIDC | {SESSION}
SECRETS = frozenset({SESSION, "/v1/me/password", "/v1/me/totp"})
MOST_BODY = 1_000_000
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
STREAM = "text/event-stream"
IDENTITY = "identity"

log = structlog.get_logger()


def bare_host(host: str) -> str:
    """`Host` without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


class Headed(Exception):
    """A HEAD has been answered: what follows the head is not to be made."""


class Access:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """`settings.http_host` says whether only this machine is served."""
        self._app = app
        self._loopback = settings.http_host in LOOPBACK
        self._page_policy = policy_of(settings.tiles_url)
        self._requests = Quota(Policy("default", settings.requests_per_minute))
        self._secrets = Quota(Policy("login", settings.logins_per_minute))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it. HEAD is GET without the body; of a stream it does not wait for the first event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = scope["method"]
        if asked == "HEAD":
            scope = {**scope, "method": "GET"}
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["request_id"] = request_id
        begun_s = monotonic_s()
        answer: dict[str, Any] = {"status": 0, "type": ""}

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                policy = self._page_policy if is_page(scope["path"]) else DATA_POLICY
                dress(message, scope, request_id, answer, policy)
            await send(message)
            if asked == "HEAD" and message["type"] == "http.response.start":
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                raise Headed

        try:
            problem = await self._refusal(scope, headers)
            if problem is not None:
                await respond(problem, language_of(scope), request_id)(scope, receive, answered)
            else:
                await self._app(scope, bounded(receive), answered)
        except Headed:
            pass
        finally:
            _tell(scope, asked, answer, monotonic_s() - begun_s)

    async def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        """Why the request is not answered; None: it is, and the scope says to whom."""
        path = scope["path"]
        scope["principal"] = NOBODY
        if path in OPEN_PATHS:
            return None
        if (length := headers.get("content-length", "")).isdigit() and int(length) > MOST_BODY:
            return too_large()
        if (coding := headers.get("content-encoding", IDENTITY).strip().lower()) != IDENTITY:
            return Problem(
                "unsupported-encoding", {"given": coding[:100]}, headers={"accept-encoding": IDENTITY}
            )
        if open_to_all(path, scope["method"]):
            foreign = self._loopback and bare_host(headers.get("host", "")) not in LOOPBACK
            return Problem("foreign-host") if foreign else self._beyond(scope)
        return await self._unknown(scope, headers) or self._beyond(scope)

    async def _unknown(self, scope: Scope, headers: Headers) -> Problem | None:
        """Find out who asks; a problem if that is nobody we know."""
        state: State | None = getattr(scope["app"].state, "roadwatch", None)
        if state is None:
            return Problem("stopping")
        try:
            scope["principal"] = await state.authenticator.principal(
                scope["method"], headers, client_of(scope)
            )
        except Problem as problem:
            return problem
        except DatabaseAway:
            return Problem("database-away")
        return None

    def _beyond(self, scope: Scope) -> Problem | None:
        """Count the request; a problem if there were too many. Secrets are tried against a limit of their own."""
        principal, path = scope["principal"], scope["path"]
        if principal is SYSTEM or (principal is NOBODY and path not in SIGNING_IN):
            return None
        guessing = path in OIDC or (path in SECRETS and scope["method"] != "GET")
        quota = self._secrets if guessing else self._requests
        standing = quota.take(principal.id or client_of(scope) or "", monotonic_s())
        scope["quota"] = standing
        if standing is None or not standing.wait_s:
            return None
        words = {"quota": standing.policy.quota, "seconds": standing.wait_s}
        headers = {"retry-after": str(standing.wait_s)}
        return Problem("quota-exceeded", words, (), headers, {"violated-policies": [standing.policy.name]})


def client_of(scope: Scope) -> str | None:
    """The address of whoever is connected."""
    client = scope.get("client")
    return client[0] if client else None


def open_to_all(path: str, method: str) -> bool:
    """Whether a request is answered without asking who sends it."""
    if is_page(path):
        return True
    return (path == SESSION and method == "POST") or (path in {*OIDC, PROVIDERS} and method == "GET")


def too_large() -> Problem:
    """A body beyond what is read."""
    return Problem("body-too-large", {"bytes": MOST_BODY})


def bounded(receive: Receive) -> Receive:
    """The request's body, cut off by an error beyond what is read, whatever length was announced."""
    read = 0

    async def received() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BODY:
            raise HTTPException(413)
        return message

    return received


def authorize(request: Request) -> None:
    """Let an operation be asked only by who may (`identity.ACCESS`); a dependency of every route.

    Raises:
        Problem: `forbidden`, or `password-change-required`.
    """
    permission = ACCESS[request.scope["route"].name]
    principal = principal_of(request)
    if principal.may(permission):
        return
    raise Problem(
        "password-change-required" if principal.must_change else "forbidden", {"permission": permission}
    )


def dress(message: Message, scope: Scope, request_id: str, answer: dict[str, Any], policy: str) -> None:
    """Add what every answer carries."""
    standing = scope.get("quota")
    own = message["headers"] = list(message.get("headers", ()))
    names = {bytes(name).lower(): bytes(value) for name, value in own}
    answer["type"] = names.get(b"content-type", b"").decode("latin-1")
    own += [
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", policy.encode()),
    ]
    if standing is not None:
        own += [(name.encode(), value.encode()) for name, value in standing.headers().items()]
    if b"cache-control" not in names:
        own.append((b"cache-control", b"no-store"))


def _tell(scope: Scope, method: str, answer: dict[str, Any], seconds: float) -> None:
    route = scope.get("route")
    operation = getattr(route, "name", None) or "other"
    status = answer["status"] or 499  # the client left before there was an answer
    metrics.HTTP_REQUESTS.labels(operation, str(status)).inc()
    if not answer["type"].startswith(STREAM):
        metrics.HTTP_SECONDS.labels(operation).observe(seconds)
    say = log.debug if scope["path"] in QUIET_PATHS else log.info
    say(
        "request", method=method, path=scope["path"], operation=operation, status=status,
        ms=round(seconds * 1000, 1), client=client_of(scope), request_id=scope["request_id"],
    )  # fmt: skip
