"""Accounts as security administrators see them: made, changed, unlocked, given a new first password; every change is audited."""

from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from services.api.accounts import changes
from services.api.accounts.bodies import AccountChange, NewAccountBody, Reset
from services.api.idempotency import IdempotentRoute
from services.api.identity import Role, principal_of
from services.api.parameters import DEFAULT_LIMIT, Cursor, Limit, Nothing
from services.api.parameters import Query as QueryModel
from services.api.problems import Problem, answers
from services.api.schemas_people import Account, AccountPage, FirstPassword, NewAccount
from services.api.state import state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import administration, scope
from services.store.times import to_ms

router = APIRouter(tags=["accounts"], route_class=IdempotentRoute)
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="读取账号时的 ETag,必须给出 · the ETag that the account was read with; must be given",
    ),
]
AccountId = Annotated[str, Path(max_length=64, description="账号编号 · the account's id")]
ALWAYS = ["database-away"]
CHANGING = ["invalid-body", "unknown-parameter", "cross-site", *ALWAYS]


class AccountParameters(QueryModel):
    """Filters and paging."""

    role: Role | None = Field(default=None, description="角色 · role")
    active: bool | None = Field(default=None, description="是否启用 · whether it may sign in")
    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


def respond(
    body: dict[str, Any], status: int = 200, version: int | None = None, location: str | None = None
) -> Response:
    """JSON; with a version also the ETag to change it by, with a location where what was made is found."""
    headers = {} if version is None else {"etag": f'"{version}"'}
    if location is not None:
        headers["location"] = location
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """An account without its secrets."""
    locked = row["locked_until"] is not None and to_ms(row["locked_until"]) > now_ms()
    return {
        **{name: row[name] for name in ("id", "login", "name", "role", "active")},
        "scope": {name: row[name] for name in changes.SCOPE},
        "password": row["password"],
        "must_change_password": row["must_change"],
        "totp": row["totp"],
        "oidc_subject": row["oidc_subject"],
        "locked_until": iso(to_ms(row["locked_until"])) if locked else None,
        "created": iso(to_ms(row["created_at"])),
        "version": row["epoch"],
    }


@router.get(
    "/v1/accounts",
    response_class=Response,
    responses={
        200: {"model": AccountPage},
        **answers(["invalid-parameter", "unknown-parameter", "invalid-cursor", "cursor-mismatch", *ALWAYS]),
    },
    summary="账号列表 · accounts",
)
async def list_accounts(request: Request, parameters: Annotated[AccountParameters, Query()]) -> Response:
    """Accounts by login."""
    state = state_of(request)
    conditions = repr((parameters.role, parameters.active))
    after = (
        str(state.account_cursors.read(parameters.cursor, conditions)[0])
        if parameters.cursor is not None
        else ""
    )
    async with state.database.reading(scope.EVERYTHING) as conn:
        rows = await administration.page(
            conn, after=after, role=parameters.role, active=parameters.active, limit=parameters.limit + 1
        )
    items, following = state.account_cursors.cut(
        rows, parameters.limit, lambda row: (row["login"],), conditions
    )
    return respond({"items": [shown(row) for row in items], "next": following})


@router.post(
    "/v1/accounts",
    status_code=201,
    response_class=Response,
    responses={201: {"model": NewAccount}, **answers(["login-taken", "subject-taken", *CHANGING])},
    summary="创建账号 · make an account",
)
async def create_account(request: Request, body: NewAccountBody, _: Annotated[Nothing, Query()]) -> Response:
    """Gives the first password once; it must be changed at the first sign-in. An account with `oidc_subject` signs in there and has none."""
    state = state_of(request)
    wanted = changes.Wanted(
        login=body.login, name=body.name, role=body.role, oidc_subject=body.oidc_subject, **body.scope.model_dump()
    )  # fmt: skip
    async with state.database.writing(scope.EVERYTHING) as conn:
        made = await changes.create(conn, wanted)
        detail = {"login": body.login, "role": body.role, "scope": body.scope.model_dump()}
        await state.audit(conn, request, "account.create", made.row["id"], detail=detail)
    answer = {**shown(made.row), "first_password": made.first_password}
    return respond(answer, 201, made.row["epoch"], f"/v1/accounts/{made.row['id']}")


@router.get(
    "/v1/accounts/{account_id}",
    response_class=Response,
    responses={
        200: {"model": Account},
        **answers(["unknown-parameter", "account-not-found", *ALWAYS]),
    },
    summary="单个账号 · one account",
)
async def get_account(request: Request, account_id: AccountId, _: Annotated[Nothing, Query()]) -> Response:
    """One account; its `ETag` is what a change names in `If-Match`."""
    async with state_of(request).database.reading(scope.EVERYTHING) as conn:
        row = await changes.one(conn, account_id)
    return respond(shown(row), version=row["epoch"])


@router.patch(
    "/v1/accounts/{account_id}",
    response_class=Response,
    responses={
        200: {"model": Account},
        **answers(
            [
                "account-not-found", "own-account", "administrators-apart", "last-administrator", "another-administrator", "subject-taken",
                "account-changed", "if-match-required", *CHANGING,
            ]
        ),
    },
    summary="修改账号 · change an account",
)  # fmt: skip
async def change_account(
    request: Request,
    account_id: AccountId,
    body: AccountChange,
    _: Annotated[Nothing, Query()],
    if_match: IfMatch = None,
) -> Response:
    """Changes what is given; in force within 5 seconds, open streams end. `If-Match` names the version that was read.

    With another role the account's keys are revoked. A new `oidc_subject` ends the password and one-time codes; either change of it signs the account out.
    """
    state, by = state_of(request), principal_of(request).id
    given = given_of(body)
    version = version_of(if_match)
    async with state.database.writing(scope.EVERYTHING) as conn:
        before, after = await changes.change(conn, account_id, given, by=by, version=version, now_ms=now_ms())
        changed = {
            name: {"was": before[name], "is": after[name]} for name in given if before[name] != after[name]
        }
        await state.audit(conn, request, "account.change", account_id, detail=changed)
    state.authenticator.forget()
    return respond(shown(after), version=after["epoch"])


def given_of(body: AccountChange) -> dict[str, Any]:
    """What a change names; null means something for the subject alone."""
    given = {name: getattr(body, name) for name in body.model_fields_set - {"scope"}}
    if body.scope is not None:
        given |= body.scope.model_dump()
    return {name: value for name, value in given.items() if value is not None or name in _CLEARABLE}


_CLEARABLE = frozenset({"oidc_subject", *changes.SCOPE})


def version_of(if_match: str | None) -> int | None:
    """The version in `If-Match`; None for `*`.

    Raises:
        Problem: there is none (`if-match-required`).
    """
    given = (if_match or "").strip()
    if not given:
        raise Problem("if-match-required")
    if given == "*":
        return None
    number = given.removeprefix("W/").strip('"')
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1


@router.post(
    "/v1/accounts/{account_id}/reset-password",
    response_class=Response,
    responses={
        200: {"model": FirstPassword},
        **answers(
            ["account-not-found", "own-account", "another-administrator", "signs-in-elsewhere", *CHANGING]
        ),
    },
    summary="重置密码 · give a new first password",
)
async def reset_password(
    request: Request, account_id: AccountId, _: Annotated[Nothing, Query()], body: Reset | None = None
) -> Response:
    """Gives a first password once, ends every session of the account and its one-time codes, and with `revoke_keys` its keys."""
    state = state_of(request)
    async with state.database.writing(scope.EVERYTHING) as conn:
        row, password = await changes.reset_password(conn, account_id, by=principal_of(request).id)
        revoked: list[str] = []
        if body is not None and body.revoke_keys:
            revoked = await administration.revoke_keys(conn, account_id, now_ms())
        detail = {"keys_revoked": revoked} if revoked else {}
        await state.audit(conn, request, "account.reset-password", account_id, detail=detail)
    state.authenticator.forget()
    told = {"id": row["id"], "login": row["login"], "first_password": password, "keys_revoked": len(revoked)}
    return respond(told)


@router.post(
    "/v1/accounts/{account_id}/unlock",
    response_class=Response,
    responses={
        200: {"model": Account},
        **answers(["account-not-found", "unknown-parameter", "cross-site", *ALWAYS]),
    },
    summary="解锁账号 · unlock",
)
async def unlock_account(request: Request, account_id: AccountId, _: Annotated[Nothing, Query()]) -> Response:
    """Lifts the lock of five wrong tries."""
    state = state_of(request)
    async with state.database.writing(scope.EVERYTHING) as conn:
        row = await changes.unlock(conn, account_id)
        await state.audit(conn, request, "account.unlock", account_id)
    state.authenticator.forget()
    return respond(shown(row), version=row["epoch"])


def key_shown(row: asyncpg.Record) -> dict[str, Any]:
    """A key without its secret."""
    times = {
        name: None if row[column] is None else iso(to_ms(row[column]))
        for name, column in (
            ("created", "created_at"), ("expires", "expires_at"), ("used", "used_at"), ("revoked", "revoked_at"),
        )
    }  # fmt: skip
    return {**{name: row[name] for name in ("id", "account", "name", "scopes", "networks")}, **times}
