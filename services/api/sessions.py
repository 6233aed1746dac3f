"""Signing in and out, and who one is: local accounts with argon2id, lock-out, a first password that must be changed, and one-time codes."""

from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.api import passwords
from services.api.authentication import COOKIE, IDLE_MS, LONGEST_MS, principal_of_row, session_token
from services.api.idempotency import IdempotentRoute
from services.api.identity import SYSTEM, Principal, principal_of, session_name
from services.api.parameters import Text
from services.api.problems import Fault, Problem, answers
from services.api.schemas_people import Me
from services.api.state import State, state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import accounts, administration, scope, sign_in_tries
from services.store.connect import Conn

SECURE_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

router = APIRouter(tags=["session"], route_class=IdempotentRoute)


class Body(BaseModel):
    """A request's body: nothing unknown let through."""

    model_config = ConfigDict(extra="forbid", str_max_length=10_000)


class Login(Body):
    """Credentials."""

    login: Annotated[Text, Field(max_length=64, description="登录名 · login")]
    password: Annotated[str, Field(min_length=1, max_length=1000, description="密码 · password")]
    code: Annotated[str, Field(pattern=r"^\d{6}$", description="一次性验证码 · one-time code")] | None = None


class NewPassword(Body):
    """A change of password."""

    old: Annotated[str, Field(min_length=1, max_length=1000, description="现密码 · the present one")]
    new: Annotated[
        str, Field(min_length=1, max_length=1000, description="新密码 · the new one, 12 to 128 characters")
    ]
    revoke_keys: bool = Field(
        default=False,
        strict=True,
        description="同时停用本账号的全部密钥 · revoke all keys of the account, too",
    )


@router.post(
    "/v1/session",
    response_class=Response,
    responses={
        200: {"model": Me},
        **answers(["invalid-body", "wrong-credentials", "locked", "code-required", "database-away"]),
    },
    summary="登录 · sign in",
)
async def login(request: Request, body: Login) -> Response:
    """Sets the cookie of a session: 30 minutes idle, 12 hours at most. After five wrong tries in a row a login is locked for 15 minutes, whether there is such an account or not."""
    state, at_ms = state_of(request), now_ms()
    async with state.database.writing(scope.EVERYTHING) as conn:
        free = await sign_in_tries.count(conn, body.login, at_ms)
        row = await accounts.by_login(conn, body.login)
    refusal, step = _judged(row, body, at_ms, locked=not free)
    if row is None or refusal is not None:
        await _refused(state, request, row, body.login, refusal or "wrong-credentials")
        raise Problem(refusal or "wrong-credentials", {"minutes": sign_in_tries.LOCKED_MS // 60_000})
    token = passwords.new_token()
    answer = Response(msgspec.json.encode(_me(row, token[1], at_ms)), media_type="application/json")
    async with state.database.writing(scope.EVERYTHING) as conn:
        await accounts.signed_in(conn, row["id"], step)
        await sign_in_tries.forget(conn, body.login)
        await begin_session(state, conn, request, (row["id"], row["name"]), answer, token, at_ms)
    return answer


async def begin_session(
    state: State,
    conn: Conn,
    request: Request,
    who: tuple[str, str],
    answer: Response,
    drawn: tuple[str, bytes],
    at_ms: int,
) -> None:
    """Open a session for an account (id, name), write it into the audit, and give the answer its cookie; `drawn` is a new token and its hash."""
    token, token_hash = drawn
    agent = request.headers.get("user-agent", "")[:200] or None
    await accounts.open_session(
        conn, token_hash, who[0], at_ms, at_ms + LONGEST_MS, client_ip(request), agent
    )
    await state.audit(
        conn, request, "session.begin", who[0], actor=who, session=session_name(token_hash.hex())
    )
    secure = request.url.scheme == "https" or request.url.hostname not in SECURE_HOSTS
    answer.set_cookie(
        COOKIE, token, max_age=LONGEST_MS // 1000, httponly=True, samesite="strict", secure=secure, path="/"
    )


def _judged(row: asyncpg.Record | None, body: Login, at_ms: int, *, locked: bool) -> tuple[str | None, int]:
    """Why not, and the time step of the code that was used. Every way costs one comparison of a password."""
    right = passwords.right(body.password, row["password_hash"] if row else None)
    if locked:
        return "locked", 0
    if row is None or not row["active"] or not right:
        return "wrong-credentials", 0
    if row["totp_secret"] is None:
        return None, 0
    if body.code is None:
        return "code-required", 0
    step = passwords.totp_step(row["totp_secret"], body.code, at_ms // 1000, row["totp_step"])
    return ("wrong-credentials", 0) if step is None else (None, step)


async def _refused(
    state: State, request: Request, row: asyncpg.Record | None, login: str, reason: str
) -> None:
    async with state.database.writing(scope.EVERYTHING) as conn:
        if reason == "code-required":
            await sign_in_tries.take_back(conn, login)
        actor = (row["id"], row["name"]) if row else ("", login[:64])
        await state.audit(conn, request, "session.begin", actor[0], outcome=reason, actor=actor)


@router.delete(
    "/v1/session",
    status_code=204,
    responses={
        204: {"description": "signed out"},
        **answers(["login-required", "unauthorized", "cross-site", "database-away"]),
    },
    summary="退出 · sign out",
)
async def logout(request: Request) -> Response:
    """Ends the session, here and for whoever else holds its cookie."""
    state, token = state_of(request), session_token(request.headers)
    if token is not None:
        async with state.database.writing(scope.EVERYTHING) as conn:
            await accounts.end_session(conn, passwords.digest(token))
            await state.audit(conn, request, "session.end", principal_of(request).id)
        state.authenticator.forget()
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get(
    "/v1/me",
    response_class=Response,
    responses={200: {"model": Me}, **answers(["login-required", "unauthorized", "database-away"])},
    summary="当前账号 · who I am",
)
async def get_me(request: Request) -> Response:
    """The account, what it may do and what it sees."""
    return Response(msgspec.json.encode(shown(principal_of(request))), media_type="application/json")


@router.put(
    "/v1/me/password",
    status_code=204,
    responses={
        204: {"description": "changed; other sessions of the account are over"},
        **answers(
            [
                "invalid-body",
                "wrong-credentials",
                "login-required",
                "unauthorized",
                "cross-site",
                "no-password",
                "database-away",
            ]
        ),
    },
    summary="修改密码 · change one's password",
)
async def change_password(request: Request, body: NewPassword) -> Response:
    """The new password has 12 to 128 characters, at least six different ones, does not hold the login and is not the present one."""
    state, principal = state_of(request), principal_of(request)
    if principal.credential != "session":
        raise Problem("no-password")
    async with state.database.reading(scope.EVERYTHING) as conn:
        row = await conn.fetchrow("SELECT login, password_hash FROM account WHERE id = $1", principal.id)
    if row is None or not passwords.right(body.old, row["password_hash"]):
        raise Problem("wrong-credentials")
    check_password(body.new, row["login"], "#/body/new", present=body.old)
    async with state.database.writing(scope.EVERYTHING) as conn:
        keep = bytes.fromhex(principal.credential_id)
        await accounts.set_password(
            conn, principal.id, passwords.hashed(body.new), must_change=False, keep=keep
        )
        await sign_in_tries.unlock(conn, principal.id)
        detail = (
            {"keys_revoked": await administration.revoke_keys(conn, principal.id, now_ms())}
            if body.revoke_keys
            else {}
        )
        await state.audit(conn, request, "password.change", principal.id, detail=detail)
    state.authenticator.forget()
    return Response(status_code=204)


WEAK = {
    "short": ("至少 12 个字符", "at least 12 characters"),
    "long": ("至多 128 个字符", "at most 128 characters"),
    "login": ("不得包含登录名", "must not hold the login"),
    "same": ("不得与现密码相同", "must differ from the present one"),
    "plain": ("至少 6 个不同的字符", "at least six different characters"),
}


def check_password(password: str, login: str, pointer: str, *, present: str) -> None:
    """Refuse a weak password, and the present one, which a first password's holder must not keep.

    Raises:
        Problem: `invalid-body`, with what is wrong.
    """
    reason = "same" if password == present else passwords.weak(password, login)
    if reason is not None:
        raise Problem("invalid-body", faults=(Fault(pointer, *WEAK[reason]),))


def client_ip(request: Request) -> str | None:
    """The address of whoever is connected; a proxy in front must be told apart by the operator."""
    return request.client.host if request.client else None


def _me(row: asyncpg.Record, token_hash: bytes, at_ms: int) -> dict[str, Any]:
    return shown(principal_of_row(row, "session", token_hash.hex())) | {
        "expires": iso(at_ms + LONGEST_MS),
        "idle_minutes": IDLE_MS // 60_000,
    }


def shown(principal: Principal) -> dict[str, Any]:
    """A principal as it is told about itself."""
    seen = principal.scope
    return {
        "id": principal.id,
        "name": principal.name,
        "role": principal.role.value if principal.role else "system",
        "permissions": sorted(principal.permissions),
        "scope": {"divisions": seen.divisions, "operators": seen.operators, "classes": seen.classes},
        "credential": principal.credential,
        "credential_id": principal.credential_name,
        "must_change_password": principal.must_change,
        "system": principal is SYSTEM,
    }
