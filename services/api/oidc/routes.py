"""The two steps of signing in at the provider: away to it, and back with a code.

What must come back (state, nonce, the verifier of PKCE) travels in a signed cookie of the browser that began, good for ten minutes; so
that a link with somebody else's code signs nobody in.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.api import passwords
from services.api.cursors import Cursors
from services.api.oidc import tokens
from services.api.oidc.provider import CodeRefused, Provider, ProviderAway
from services.api.parameters import Nothing
from services.api.parameters import Query as QueryModel
from services.api.problems import Problem, answers
from services.api.schemas_people import ProviderList
from services.api.sessions import SECURE_HOSTS, begin_session
from services.api.state import State, state_of
from services.runtime.clock import now_ms
from services.runtime.settings import LOOPBACK
from services.store import administration, scope

COOKIE = "roadwatch_oidc"
PATH = "/v1/session/oidc"
CALLBACK = PATH + "/callback"
GOOD_S = 600

log = structlog.get_logger()
router = APIRouter(tags=["session"])


class Returned(QueryModel):
    """What the provider sends back by the browser; what else it adds is not looked at."""

    model_config = QueryModel.model_config | {"extra": "ignore"}

    code: str | None = Field(default=None, max_length=4096, description="授权码 · the code")
    state: str | None = Field(default=None, max_length=512, description="往返标识 · what was sent along")
    error: str | None = Field(default=None, max_length=512, description="错误 · why there is no code")
    iss: str | None = Field(default=None, max_length=2048, description="签发者 · the issuer (RFC 9207)")


def _provider(state: State) -> Provider:
    if not state.provider.on:
        raise Problem("oidc-off")
    return state.provider


def _redirect_uri(state: State, request: Request) -> str:
    base = state.settings.public_url
    if not base:
        if request.url.hostname not in LOOPBACK:  # whoever asks may say any host
            raise Problem("foreign-host")
        base = f"{request.url.scheme}://{request.url.netloc}"
    return base.rstrip("/") + CALLBACK


def _secure(request: Request) -> bool:
    return request.url.scheme == "https" or request.url.hostname not in SECURE_HOSTS


@router.get(
    "/v1/session/providers",
    response_class=Response,
    responses={200: {"model": ProviderList}},
    summary="可用的统一身份登录 · identity providers to sign in at",
)
async def list_providers(request: Request) -> Response:
    """Where one may sign in besides by login and password: one provider at most; an empty list where none is set up."""
    found = [{"name": "oidc", "url": PATH}] if state_of(request).provider.on else []
    return Response(msgspec.json.encode({"items": found}), media_type="application/json")


@router.get(
    PATH,
    status_code=303,
    responses={
        303: {"description": "to the identity provider"},
        **answers(["unknown-parameter", "foreign-host", "oidc-off", "provider-away", "quota-exceeded"]),
    },
    summary="统一身份登录 · sign in at the identity provider",
)
async def begin_oidc(request: Request, _: Annotated[Nothing, Query()]) -> Response:
    """Sends the browser to the identity provider, which sends it back to the callback."""
    state = state_of(request)
    provider = _provider(state)
    try:
        description = await provider.description()
    except ProviderAway as error:
        raise _away(error) from error
    secret, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode(
        {
            "response_type": "code", "client_id": provider.client_id, "redirect_uri": _redirect_uri(state, request), "scope": "openid",
            "state": secret, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }
    )  # fmt: skip
    joint = "&" if "?" in description.authorization_endpoint else "?"
    answer = Response(
        status_code=303, headers={"location": f"{description.authorization_endpoint}{joint}{query}"}
    )
    kept = _cookies(state).write((secret, nonce, verifier, now_ms() // 1000))
    answer.set_cookie(
        COOKIE, kept, max_age=GOOD_S, httponly=True, samesite="lax", secure=_secure(request), path=PATH
    )
    return answer


@router.get(
    CALLBACK,
    status_code=303,
    responses={
        303: {"description": "signed in: the session's cookie, and to the first page"},
        **answers(
            ["invalid-parameter", "oidc-off", "oidc-refused", "unknown-subject", "provider-away", "database-away", "quota-exceeded"]
        ),
    },
    summary="统一身份登录返回 · back from the identity provider",
)  # fmt: skip
async def end_oidc(request: Request, returned: Annotated[Returned, Query()]) -> Response:
    """Takes the provider's code, asks it who that is, and begins a session for the account that is linked to this `sub`."""
    state, at_ms = state_of(request), now_ms()
    provider = _provider(state)
    nonce, verifier = _begun(state, request, returned, at_ms // 1000)
    if returned.code is None or returned.iss not in {None, provider.issuer}:
        raise _refused(f"error {returned.error!r}, iss {returned.iss!r}")
    expected = tokens.Expected(
        issuer=provider.issuer, client_id=provider.client_id, algorithm=provider.algorithm, nonce=nonce, now_s=at_ms // 1000
    )  # fmt: skip
    try:
        token = await provider.exchange(returned.code, verifier, _redirect_uri(state, request))
        subject = await provider.subject(token, expected)
    except (CodeRefused, tokens.BadToken) as error:
        raise _refused(f"{type(error).__name__}: {error}") from error
    except ProviderAway as error:
        raise _away(error) from error
    answer = Response(status_code=303, headers={"location": "/"})
    await _signed_in(state, request, subject, answer, at_ms)
    answer.delete_cookie(COOKIE, path=PATH)
    return answer


async def _signed_in(state: State, request: Request, subject: str, answer: Response, at_ms: int) -> None:
    """Begin the session, or write down who was refused."""
    async with state.database.writing(scope.EVERYTHING) as conn:
        row = await administration.by_subject(conn, subject)
        known = row is not None and row["active"]
        if row is not None and known:
            await begin_session(
                state, conn, request, (row["id"], row["name"]), answer, passwords.new_token(), at_ms
            )
        else:
            await state.audit(
                conn, request, "session.begin", row["id"] if row else "", outcome="unknown-subject", actor=("", subject[:64])
            )  # fmt: skip
    if not known:
        raise Problem("unknown-subject", {"subject": subject})


def _begun(state: State, request: Request, returned: Returned, now_s: int) -> tuple[str, str]:
    """Nonce and verifier of the browser that began; it must be this one, not long ago."""
    try:
        secret, nonce, verifier, began_s = _cookies(state).read(request.cookies.get(COOKIE, ""))
    except (Problem, ValueError) as error:
        raise _refused("the cookie is missing or not ours") from error
    same = hmac.compare_digest(
        str(secret).encode(), (returned.state or "").encode("utf-8", "surrogateescape")
    )
    if not same or not 0 <= now_s - int(began_s) <= GOOD_S:
        raise _refused("state, or too late")
    return str(nonce), str(verifier)


def _cookies(state: State) -> Cursors:
    return Cursors(state.settings.token, "oidc")


def _refused(why: str) -> Problem:
    log.warning("oidc_refused", reason=why)
    return Problem("oidc-refused")


def _away(error: ProviderAway) -> Problem:
    log.warning("oidc_provider_away", error=str(error))
    return Problem("provider-away")
