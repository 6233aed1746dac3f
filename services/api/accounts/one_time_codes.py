"""One-time codes (RFC 6238): turned on in two steps, so that nobody is locked out by a code that their authenticator never had."""

from typing import Annotated
from urllib.parse import quote

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from services.api import passwords
from services.api.accounts.bodies import Code, Password
from services.api.accounts.keys import OWN_ALWAYS, in_session
from services.api.accounts.routes import respond
from services.api.idempotency import IdempotentRoute
from services.api.parameters import Nothing
from services.api.problems import Problem, answers
from services.api.schemas_people import Enrolment
from services.api.state import state_of
from services.runtime.clock import now_ms
from services.store import administration, scope
from services.store.connect import Conn

PENDING_MS = 10 * 60_000
CHANGING = ["invalid-body", "unknown-parameter", "wrong-credentials", "cross-site", *OWN_ALWAYS]

router = APIRouter(tags=["accounts"], route_class=IdempotentRoute)


def uri(secret: str, login: str) -> str:
    """What an authenticator reads as a QR code (Google's Key Uri Format; SHA-1, six digits, 30 s are its defaults)."""
    return f"otpauth://totp/{quote(f'Roadwatch:{login}')}?secret={secret}&issuer=Roadwatch"


@router.post(
    "/v1/me/totp",
    response_class=Response,
    responses={200: {"model": Enrolment}, **answers(["no-password", *CHANGING])},
    summary="绑定验证器 · begin with one-time codes",
)
async def begin_totp(request: Request, body: Password, _: Annotated[Nothing, Query()]) -> Response:
    """Gives a secret for an authenticator; nothing changes until `PUT` confirms it with a code, within ten minutes."""
    state, principal = state_of(request), in_session(request)
    async with state.database.writing(scope.EVERYTHING) as conn:
        row = await _own(conn, principal.id)
        if row["password_hash"] is None:
            raise Problem("no-password")
        if not passwords.right(body.password, row["password_hash"]):
            raise Problem("wrong-credentials")
        secret = passwords.new_totp_secret()
        await administration.pend_totp(conn, principal.id, secret, now_ms() + PENDING_MS)
    return respond({"secret": secret, "uri": uri(secret, row["login"]), "minutes": PENDING_MS // 60_000})


@router.put(
    "/v1/me/totp",
    status_code=204,
    responses={
        204: {"description": "a code is asked for at every sign-in from now on"},
        **answers(["totp-not-begun", *CHANGING]),
    },
    summary="确认验证器 · confirm one-time codes",
)
async def confirm_totp(request: Request, body: Code, _: Annotated[Nothing, Query()]) -> Response:
    """The code shows that the authenticator has the secret; it is not good again for signing in."""
    state, principal, at_ms = state_of(request), in_session(request), now_ms()
    async with state.database.writing(scope.EVERYTHING) as conn:
        row = await _own(conn, principal.id)
        pending = await administration.pending_totp(conn, principal.id, at_ms)
        if pending is None:
            raise Problem("totp-not-begun")
        step = passwords.totp_step(pending, body.code, at_ms // 1000, row["totp_step"])
        if step is None:
            raise Problem("wrong-credentials")
        await administration.set_totp(conn, principal.id, pending, step)
        await state.audit(conn, request, "totp.begin", principal.id)
    state.authenticator.forget()
    return Response(status_code=204)


@router.delete(
    "/v1/me/totp",
    status_code=204,
    responses={204: {"description": "the password alone is asked for"}, **answers(CHANGING)},
    summary="解除验证器 · end one-time codes",
)
async def end_totp(request: Request, body: Code, _: Annotated[Nothing, Query()]) -> Response:
    """Asks for a code, so that a session left open is not enough. Whoever lost the authenticator has the password reset instead."""
    state, principal, at_ms = state_of(request), in_session(request), now_ms()
    async with state.database.writing(scope.EVERYTHING) as conn:
        row = await _own(conn, principal.id)
        secret = row["totp_secret"]
        if secret is not None:
            if passwords.totp_step(secret, body.code, at_ms // 1000, row["totp_step"]) is None:
                raise Problem("wrong-credentials")
            await administration.set_totp(conn, principal.id, None, 0)
            await state.audit(conn, request, "totp.end", principal.id)
    state.authenticator.forget()
    return Response(status_code=204)


async def _own(conn: Conn, account_id: str) -> asyncpg.Record:
    row = await administration.secrets_of(conn, account_id)
    if row is None:
        raise Problem("login-required")
    return row
