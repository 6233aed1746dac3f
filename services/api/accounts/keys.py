"""API keys: of any account for its administrators, one's own for everybody. A key is shown once; two of one name may live, for rotation."""

from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Path, Query, Request, Response

from services.api.accounts import changes
from services.api.accounts.bodies import KeyLimits, NewKey
from services.api.accounts.routes import ALWAYS, CHANGING, AccountId, key_shown, respond
from services.api.cursors import Cursors, age_of
from services.api.idempotency import IdempotentRoute
from services.api.identity import Principal, principal_of
from services.api.parameters import Nothing, Paging, time_ms
from services.api.problems import Problem, answers
from services.api.schemas_people import Key, KeyPage, NewKeyShown
from services.api.state import state_of
from services.runtime.clock import now_ms
from services.store import administration, scope

router = APIRouter(tags=["accounts"], route_class=IdempotentRoute)
KeyId = Annotated[str, Path(max_length=64, description="密钥编号 · the key's id")]
KEY_LIMITS = ("scopes", "networks", "expires")
OWN_ALWAYS = ["session-required", "database-away"]
PAGED = ["invalid-parameter", "unknown-parameter", "invalid-cursor", "cursor-mismatch"]
GONE: dict[int | str, dict[str, Any]] = {204: {"description": "revoked: it is refused from now on"}}


def in_session(request: Request) -> Principal:
    """Who asks, signed in, with a password of their own choosing.

    Raises:
        Problem: `session-required`, `password-change-required`.
    """
    principal = principal_of(request)
    if principal.credential != "session":
        raise Problem("session-required")
    if principal.must_change:
        raise Problem("password-change-required")
    return principal


def _wanted(body: NewKey, at_ms: int) -> changes.WantedKey:
    expires_ms = time_ms(body.expires)
    return changes.WantedKey(
        name=body.name, scopes=body.scopes, networks=body.networks,
        expires_ms=at_ms + changes.KEY_DAYS * changes.DAY_MS if expires_ms is None else expires_ms,
    )  # fmt: skip


async def _made(request: Request, account_id: str, body: NewKey) -> Response:
    state, at_ms = state_of(request), now_ms()
    async with state.database.writing(scope.EVERYTHING) as conn:
        row, key = await changes.add_key(
            conn, account_id, _wanted(body, at_ms), at_ms, by=principal_of(request).id
        )
        detail = {"account": account_id, "name": row["name"], "scopes": row["scopes"]}
        await state.audit(conn, request, "key.create", row["id"], detail=detail)
    mine = principal_of(request).id == account_id
    location = f"/v1/me/keys/{row['id']}" if mine else f"/v1/keys/{row['id']}"
    return respond({**key_shown(row), "key": key}, 201, location=location)


async def _page(request: Request, account_id: str, parameters: Paging) -> Response:
    state = state_of(request)
    cursors = Cursors(state.settings.token, "keys")
    after = cursors.read_age(parameters.cursor, account_id)
    async with state.database.reading(scope.EVERYTHING) as conn:
        rows = await administration.keys(conn, account_id, after, parameters.limit + 1)
    items, following = cursors.cut(rows, parameters.limit, age_of, account_id)
    return respond({"items": [key_shown(row) for row in items], "next": following})


async def _one(request: Request, key_id: str, owner: str | None) -> Response:
    async with state_of(request).database.reading(scope.EVERYTHING) as conn:
        row = await administration.key(conn, key_id, owner) if "\0" not in key_id else None
    if row is None:
        raise Problem("key-not-found", {"id": key_id})
    return respond(key_shown(row))


async def _revoked(request: Request, key_id: str, owner: str | None) -> Response:
    state = state_of(request)
    async with state.database.writing(scope.EVERYTHING) as conn:
        row: asyncpg.Record | None = None
        if "\0" not in key_id:
            row = await administration.revoke_key(conn, key_id, now_ms(), owner)
        if row is None:
            raise Problem("key-not-found", {"id": key_id})
        await state.audit(conn, request, "key.revoke", key_id, detail={"account": row["account"]})
    state.authenticator.forget()
    return Response(status_code=204)


@router.get(
    "/v1/accounts/{account_id}/keys",
    response_class=Response,
    responses={200: {"model": KeyPage}, **answers([*PAGED, "account-not-found", *ALWAYS])},
    summary="账号的密钥 · an account's keys",
)
async def list_keys(
    request: Request, account_id: AccountId, parameters: Annotated[Paging, Query()]
) -> Response:
    """Keys, newest first, revoked ones too, with when they were last used."""
    async with state_of(request).database.reading(scope.EVERYTHING) as conn:
        await changes.one(conn, account_id)
    return await _page(request, account_id, parameters)


@router.post(
    "/v1/accounts/{account_id}/keys",
    status_code=201,
    response_class=Response,
    responses={
        201: {"model": NewKeyShown},
        **answers(["account-not-found", "two-keys-live", "own-account", "keys-by-owner", *CHANGING]),
    },
    summary="为账号创建密钥 · make a key for an account",
)
async def create_key(
    request: Request, account_id: AccountId, body: NewKey, _: Annotated[Nothing, Query()]
) -> Response:
    """Gives the key once, for an account of role `partner`: people make their own. Its scopes are a part of what the account may do; it sees the rows that the account sees."""
    if principal_of(request).id == account_id:
        raise Problem("own-account")  # one's own keys are made in a session, at /v1/me/keys
    return await _made(request, account_id, body)


@router.get(
    "/v1/keys/{key_id}",
    response_class=Response,
    responses={200: {"model": Key}, **answers(["key-not-found", *ALWAYS])},
    summary="单个密钥 · one key",
)
async def get_key(request: Request, key_id: KeyId) -> Response:
    """A key of any account, revoked or not, without its secret."""
    return await _one(request, key_id, None)


@router.patch(
    "/v1/keys/{key_id}",
    response_class=Response,
    responses={200: {"model": Key}, **answers(["key-not-found", *CHANGING])},
    summary="收紧密钥 · set a key limits",
)
async def change_key(
    request: Request, key_id: KeyId, body: KeyLimits, _: Annotated[Nothing, Query()]
) -> Response:
    """Sets narrower limits: fewer permissions, networks within those it has, an earlier end. In force within 5 seconds. Nothing is widened: that takes a new key."""
    state = state_of(request)
    given: dict[str, Any] = {
        name: getattr(body, name) for name in ("scopes", "networks") if getattr(body, name) is not None
    }
    if body.expires is not None:
        given["expires_ms"] = time_ms(body.expires)
    async with state.database.writing(scope.EVERYTHING) as conn:
        before, after = await changes.narrow_key(conn, key_id, given, now_ms())
        was, now = key_shown(before), key_shown(after)
        changed = {name: {"was": was[name], "is": now[name]} for name in KEY_LIMITS if was[name] != now[name]}
        await state.audit(
            conn, request, "key.change", key_id, detail={"account": after["account"], **changed}
        )
    state.authenticator.forget()
    return respond(now)


@router.delete(
    "/v1/keys/{key_id}",
    status_code=204,
    responses={**GONE, **answers(["key-not-found", "unknown-parameter", "cross-site", *ALWAYS])},
    summary="停用密钥 · revoke a key",
)
async def revoke_key(request: Request, key_id: KeyId, _: Annotated[Nothing, Query()]) -> Response:
    """Refused from now on, its streams end within 5 seconds."""
    return await _revoked(request, key_id, None)


@router.get(
    "/v1/me/keys",
    response_class=Response,
    responses={200: {"model": KeyPage}, **answers([*PAGED, *OWN_ALWAYS])},
    summary="我的密钥 · my keys",
)
async def list_my_keys(request: Request, parameters: Annotated[Paging, Query()]) -> Response:
    """One's own keys, newest first."""
    return await _page(request, in_session(request).id, parameters)


@router.post(
    "/v1/me/keys",
    status_code=201,
    response_class=Response,
    responses={
        201: {"model": NewKeyShown},
        **answers(["two-keys-live", "invalid-body", "unknown-parameter", "cross-site", *OWN_ALWAYS]),
    },
    summary="创建我的密钥 · make a key of mine",
)
async def create_my_key(request: Request, body: NewKey, _: Annotated[Nothing, Query()]) -> Response:
    """Gives the key once; a key cannot make keys."""
    return await _made(request, in_session(request).id, body)


@router.get(
    "/v1/me/keys/{key_id}",
    response_class=Response,
    responses={200: {"model": Key}, **answers(["key-not-found", *OWN_ALWAYS])},
    summary="我的单个密钥 · one key of mine",
)
async def get_my_key(request: Request, key_id: KeyId) -> Response:
    """A key of one's own, revoked or not, without its secret."""
    return await _one(request, key_id, in_session(request).id)


@router.delete(
    "/v1/me/keys/{key_id}",
    status_code=204,
    responses={**GONE, **answers(["key-not-found", "unknown-parameter", "cross-site", *OWN_ALWAYS])},
    summary="停用我的密钥 · revoke a key of mine",
)
async def revoke_my_key(request: Request, key_id: KeyId, _: Annotated[Nothing, Query()]) -> Response:
    """Refused from now on."""
    return await _revoked(request, key_id, in_session(request).id)
