"""Idempotency-Key on POSTs (draft-ietf-httpapi-idempotency-key-header): a request sent again is answered again, not done again.

A router with POSTs is made with `route_class=IdempotentRoute`; an operation whose work is one transaction calls `keep` in it, so that
work and answer are committed together or not at all. What others do is kept right after. Only what was done is kept: a problem changes nothing
and gives the key back. Never for answers that hold a secret (`SECRET_ANSWERS`), which would lie here for a day, readable, beside its own hash; nor
for looks that were answered at once, since a look is audited each time.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import structlog
from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.api.access import authorize
from services.api.database import DatabaseAway
from services.api.identity import principal_of
from services.api.problems import Problem
from services.api.state import State, state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import idempotency
from services.store.connect import Conn
from services.store.idempotency import Claim
from services.store.scope import EVERYTHING
from services.store.times import to_ms

HEADER = "idempotency-key"
EXPIRES = "idempotency-expires"
REPLAYED = "idempotency-replayed"
KEPT_HEADERS = ("content-type", "etag", "location", "link")
KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
PROBLEMS = ("invalid-idempotency-key", "idempotency-running", "idempotency-mismatch")
"""What every POST that keeps to it may answer besides its own."""
SECRET_ANSWERS = frozenset(
    {
        "login", "create_account", "reset_password", "create_key", "create_my_key", "begin_totp", "create_webhook", "rotate_webhook_secret",
    }
)  # fmt: skip
"""POSTs that take no key: sent again they make another secret, and the first one is of no use to who has not seen it."""
LOOKS = frozenset({"search_presence"})
"""POSTs that change nothing when answered by 200; only what they took on (202) is kept."""
PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "同一键的重复请求只执行一次,24 小时内返回同一结果 · a request sent again under the same key is done once; kept for 24 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

log = structlog.get_logger()
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose POST honours the key; others pass."""

    @property
    def takes_key(self) -> bool:
        """Whether it is such a POST."""
        return "POST" in (self.methods or ()) and self.name not in SECRET_ANSWERS

    def get_route_handler(self) -> Handle:
        """FastAPI's own, asked once a key."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            given = request.headers.get(HEADER)
            if not self.takes_key or given is None:
                return await handle(request)
            authorize(request)  # an answer is told again only to who may still ask
            return await _once(request, key_of(given), handle)

        return answer


def key_of(given: str) -> str:
    """The key, whether it came quoted (a structured-field string) or bare.

    Raises:
        Problem: `invalid-idempotency-key`.
    """
    text = given.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\([\\\"])", r"\1", text[1:-1])
    if not KEY.fullmatch(text):
        raise Problem("invalid-idempotency-key")
    return text


def digest_of(request: Request, body: bytes) -> bytes:
    """What makes two requests the same: method, path, query, body; not If-Match, which a client reads anew before it tries again."""
    head = f"{request.method}\n{request.url.path}\n{request.url.query}\n"
    return hashlib.sha256(head.encode() + body).digest()


async def _once(request: Request, key: str, handle: Handle) -> Response:
    state, at_ms = state_of(request), now_ms()
    digest = digest_of(request, await request.body())
    held = Claim(principal_of(request).id, key, at_ms)
    async with state.database.writing(EVERYTHING) as conn:
        if not await idempotency.claim(conn, held, digest):
            return _again(await idempotency.found(conn, held), digest)
    request.scope["idempotency"] = held
    try:
        answer = await handle(request)
        if request.scope["route"].name in LOOKS and answer.status_code == 200:
            await _release(state, held)
            return answer
        if request.scope["idempotency"] is not None:
            async with state.database.writing(EVERYTHING) as conn:
                await keep(conn, request, answer)
    except Exception:
        await _release(state, held)
        raise
    answer.headers[EXPIRES] = iso(held.expires_ms)
    return answer


def _again(row: asyncpg.Record | None, digest: bytes) -> Response:
    if row is not None and row["request_hash"] != digest:
        raise Problem("idempotency-mismatch")
    if row is None or row["status"] is None:
        raise Problem("idempotency-running", headers={"retry-after": "1"})
    headers = {**row["headers"], REPLAYED: "true", EXPIRES: iso(to_ms(row["expires_at"]))}
    return Response(row["body"], row["status"], headers)


async def _release(state: State, held: Claim) -> None:
    """Whatever became of it: if the work was committed its answer was, too, and stays; else the key is free."""
    try:
        async with state.database.writing(EVERYTHING) as conn:
            await idempotency.release(conn, held)
    except DatabaseAway as error:
        log.info("key_not_released", error=str(error))  # it is free again when its lease is over


async def keep(conn: Conn, request: Request, answer: Response) -> None:
    """Keep a request's answer in the transaction that does its work; without a key: nothing.

    Raises:
        Problem: `idempotency-running`: this took so long that another request has taken the key; the transaction must not be committed.
    """
    held: Claim | None = request.scope.get("idempotency")
    if held is None:
        return
    headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
    if not await idempotency.keep(conn, held, answer.status_code, headers, bytes(answer.body)):
        raise Problem("idempotency-running", headers={"retry-after": "1"})
    request.scope["idempotency"] = None
