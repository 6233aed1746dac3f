"""Webhook endpoints: made, seen, changed, pinged, enabled, paused, asked to recover. Secrets are shown once, when they are made.

An endpoint is `pending` until a signed ping is answered by 2xx, then `active`; `paused` by its owner or `disabled` by us (`reason`), it keeps its place
in the feed and goes on from there. The api sends nothing to anybody itself: what it asks for, the deliverer does.
"""

import secrets
import uuid
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response

from services.api.cursors import Cursors
from services.api.history import jobs
from services.api.history.period import DAY_MS, MOST_DAYS
from services.api.history.shapes import JobPage
from services.api.idempotency import IdempotentRoute
from services.api.identity import SYSTEM, principal_of
from services.api.parameters import Nothing, Paging, time_ms
from services.api.problems import Fault, Problem, answers
from services.api.state import State, state_of
from services.api.webhooks import names, payload, signing
from services.api.webhooks.addresses import REASONS, Policy, Refused, check_found, check_url, networks_of
from services.api.webhooks.schemas import (
    Asked,
    Enabling,
    NewWebhook,
    NewWebhookAnswer,
    Recovery,
    RecoveryAsked,
    Webhook,
    WebhookChange,
    WebhookPage,
)
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import webhooks
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_ms
from services.store.webhooks import SYSTEM_ACCOUNT, NewEndpoint

MOST = 200
COMMON = ["unauthorized", "login-required", "forbidden", "database-away"]
FOR_ONE = ["webhook-not-found", "invalid-parameter", *COMMON]
FOR_CHANGES = ["invalid-body", "cross-site", *FOR_ONE]
Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_]+$")]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="读取端点时的 ETag,可不给 · the ETag that it was read with; may be left out",
    ),
]

router = APIRouter(prefix="/v1/webhooks/endpoints", tags=["webhooks"], route_class=IdempotentRoute)


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """An endpoint as it is told, without its secrets."""
    return {
        **{name: row[name] for name in ("id", "url", "description", "types", "filters", "algorithm", "state", "reason", "failures", "after", "numbered", "version")},
        "secrets": [
            {"created": iso(s.created_ms), "until": _iso(s.until_ms), "public_key": signing.public_key(s.key)}
            for s in signing.secrets_of(row["secrets"])
        ],
        "failing_since": _iso(to_ms(row["failing_since"])),
        "resume_at": _iso(to_ms(row["resume_at"])),
        "created": iso(to_ms(row["created_at"])),
    }  # fmt: skip


def _iso(time_ms: int | None) -> str | None:
    return None if time_ms is None else iso(time_ms)


def answer(body: dict[str, Any], status: int = 200, location: str | None = None) -> Response:
    """JSON, with its ETag where it has one, and where to find what was made or taken on."""
    headers = {"etag": f'"{body["version"]}"'} if "version" in body else {}
    if location is not None:
        headers["location"] = location
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def taken_on(delivery: str) -> Response:
    """202 with the delivery that will tell what came of it."""
    return answer({"delivery": delivery}, 202, f"/v1/webhooks/deliveries/{delivery}")


async def policy(state: State, view: View) -> Policy:
    """Where deliveries may go."""
    async with state.database.reading(view) as conn:
        networks = networks_of(row["network"] for row in await webhooks.networks(conn))
    return Policy(networks, state.settings.webhook_ports, state.settings.webhook_http)


async def _check(url: str, allowed: Policy) -> None:
    """See that a URL may be delivered to, by what its name stands for at this moment.

    Raises:
        Problem: it may not.
    """
    try:
        host = check_url(url, allowed).hostname or ""
        check_found(host, await names.addresses(host), allowed)
    except Refused as refused:
        raise Problem("invalid-body", faults=(Fault("#/body/url", *REASONS[refused.reason]),)) from refused


async def found(
    state: State, request: Request, conn: Conn, webhook: str, *, lock: bool = False
) -> asyncpg.Record:
    """An endpoint of the asker's; `lock` keeps it as it is until the transaction ends.

    Raises:
        Problem: it has none of this id.
    """
    row = await webhooks.endpoint(conn, await state.view(request), webhook, lock=lock)
    if row is None:
        raise Problem("webhook-not-found", {"id": webhook})
    return row


def _owner(request: Request) -> str:
    principal = principal_of(request)
    return SYSTEM_ACCOUNT if principal is SYSTEM else principal.id


def _matched(row: asyncpg.Record, if_match: str | None) -> None:
    if if_match not in {None, "*", f'"{row["version"]}"'}:
        raise Problem("webhook-changed", {"version": row["version"]}, headers={"etag": f'"{row["version"]}"'})


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"model": WebhookPage},
        **answers(["invalid-parameter", "unknown-parameter", "invalid-cursor", *COMMON]),
    },
    summary="推送端点列表 · webhook endpoints",
)
async def list_webhooks(request: Request, parameters: Annotated[Paging, Query()]) -> Response:
    """One's own endpoints by id."""
    state = state_of(request)
    cursors = Cursors(state.settings.token, "webhooks")
    after = str(cursors.read(parameters.cursor)[0]) if parameters.cursor else None
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        rows = await webhooks.endpoints(conn, view, after, parameters.limit + 1)
    items, following = cursors.cut(rows, parameters.limit, lambda row: (row["id"],))
    return answer({"items": [shown(row) for row in items], "next": following})


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses={201: {"model": NewWebhookAnswer}, **answers(["invalid-body", "cross-site", "too-many-webhooks", *COMMON])},
    summary="新建推送端点 · make a webhook endpoint",
)  # fmt: skip
async def create_webhook(request: Request, body: NewWebhook) -> Response:
    """Pending until a ping is answered: keep the `secret`, which is shown this once, then `POST …/{id}/enable`. Begins with what comes from now on."""
    state, view, at_ms = state_of(request), await state_of(request).view(request), now_ms()
    key = signing.new_key(body.algorithm)
    new = NewEndpoint(
        id=f"whe_{secrets.token_hex(6)}", account=_owner(request), url=body.url, description=body.description, types=sorted(set(body.types)),
        filters=body.filters.model_dump(), algorithm=body.algorithm, secrets=[signing.Secret(key, at_ms).kept()], created_ms=at_ms,
    )  # fmt: skip
    await _check(body.url, await policy(state, view))
    async with state.database.writing(view) as conn:
        if not await webhooks.add(conn, new, MOST):
            raise Problem("too-many-webhooks", {"most": MOST})
        row = await found(state, request, conn, new.id)
        await state.audit(conn, request, "webhook.create", new.id, detail={"url": body.url})
    return answer({**shown(row), "secret": _secret(key)}, 201, f"/v1/webhooks/endpoints/{new.id}")


def _secret(key: str) -> str | None:
    return key if signing.public_key(key) is None else None


@router.get(
    "/{webhook_id}",
    response_class=Response,
    responses={200: {"model": Webhook}, **answers(["unknown-parameter", *FOR_ONE])},
    summary="单个推送端点 · one webhook endpoint",
)
async def get_webhook(request: Request, webhook_id: Id, _: Annotated[Nothing, Query()]) -> Response:
    """One endpoint, with how it does."""
    state = state_of(request)
    async with state.database.reading(await state.view(request)) as conn:
        return answer(shown(await found(state, request, conn, webhook_id)))


@router.patch(
    "/{webhook_id}",
    response_class=Response,
    responses={200: {"model": Webhook}, **answers(["webhook-changed", *FOR_CHANGES])},
    summary="修改推送端点 · change a webhook endpoint",
)
async def change_webhook(
    request: Request, webhook_id: Id, body: WebhookChange, if_match: IfMatch = None
) -> Response:
    """A new URL makes it pending again: enable it. What is queued already keeps the bytes it has."""
    state, view = state_of(request), await state_of(request).view(request)
    if body.url is not None:
        await _check(body.url, await policy(state, view))
    async with state.database.writing(view) as conn:
        row = await found(state, request, conn, webhook_id, lock=True)
        _matched(row, if_match)
        given = body.model_dump(exclude_none=True)
        new = {**dict(row), **given}
        if new["url"] != row["url"]:
            new |= {"state": "pending", "reason": "url"}
        await webhooks.change(conn, view, new)
        await state.audit(conn, request, "webhook.change", webhook_id, detail={"fields": sorted(given)})
        row = await found(state, request, conn, webhook_id)
    return answer(shown(row))


@router.delete(
    "/{webhook_id}",
    status_code=204,
    responses={204: {"description": "deleted, with its deliveries"}, **answers(["cross-site", *FOR_ONE])},
    summary="删除推送端点 · delete a webhook endpoint",
)
async def delete_webhook(request: Request, webhook_id: Id) -> Response:
    """What waits for it is not sent any more, and its log is gone."""
    state, view = state_of(request), await state_of(request).view(request)
    async with state.database.writing(view) as conn:
        if not await webhooks.delete(conn, view, webhook_id):
            raise Problem("webhook-not-found", {"id": webhook_id})
        await state.audit(conn, request, "webhook.delete", webhook_id)
    return Response(status_code=204)


@router.post(
    "/{webhook_id}/secret/rotate",
    response_class=Response,
    responses={200: {"model": NewWebhookAnswer}, **answers(["cross-site", *FOR_ONE])},
    summary="更换密钥 · a new secret",
)
async def rotate_webhook_secret(request: Request, webhook_id: Id) -> Response:
    """For 24 hours deliveries carry the signatures of both, the new one first; an even older one ends at once."""
    state, view, at_ms = state_of(request), await state_of(request).view(request), now_ms()
    async with state.database.writing(view) as conn:
        row = await found(state, request, conn, webhook_id, lock=True)
        key = signing.new_key(row["algorithm"])
        keys = signing.rotated(signing.secrets_of(row["secrets"]), key, at_ms)
        await webhooks.set_secrets(conn, view, webhook_id, [one.kept() for one in keys])
        await state.audit(conn, request, "webhook.rotate", webhook_id)
        row = await found(state, request, conn, webhook_id)
    return answer({**shown(row), "secret": _secret(key)})


@router.post(
    "/{webhook_id}/ping",
    status_code=202,
    response_class=Response,
    responses={202: {"model": Asked}, **answers(["cross-site", *FOR_ONE])},
    summary="发送测试事件 · send a ping",
)
async def ping_webhook(request: Request, webhook_id: Id) -> Response:
    """A signed `endpoint.ping`, tried once; `GET /v1/webhooks/deliveries/{delivery}` tells what came of it. 2xx makes a pending endpoint active."""
    state, view = state_of(request), await state_of(request).view(request)
    async with state.database.writing(view) as conn:
        row = await found(state, request, conn, webhook_id, lock=True)
        delivery = await _ping(conn, row)
        await state.audit(conn, request, "webhook.ping", webhook_id)
    return taken_on(delivery)


async def _ping(conn: Conn, row: asyncpg.Record) -> str:
    at_ms, event = now_ms(), f"png_{secrets.token_hex(13)}"
    delivery = payload.message_id(row["id"], event)
    body = payload.body(payload.PING, at_ms, {"id": event, "endpoint": row["id"]})
    await webhooks.add_eventless(conn, delivery, row["id"], event, payload.PING, body, at_ms)
    return delivery


@router.post(
    "/{webhook_id}/enable",
    status_code=202,
    response_class=Response,
    responses={202: {"model": Asked}, **answers(FOR_CHANGES)},
    summary="启用推送端点 · enable a webhook endpoint",
)
async def enable_webhook(request: Request, webhook_id: Id, body: Enabling | None = None) -> Response:
    """Sends a ping; the endpoint is active when it is answered by 2xx, and goes on with what has waited, or, as asked, from now on."""
    state, view = state_of(request), await state_of(request).view(request)
    async with state.database.writing(view) as conn:
        row = await found(state, request, conn, webhook_id, lock=True)
        if row["state"] != "active":
            await webhooks.set_state(conn, view, webhook_id, "pending", "enabling")
            if body is not None and body.begin == "now":
                await webhooks.skip(conn, view, webhook_id)
        delivery = await _ping(conn, row)
        await state.audit(conn, request, "webhook.enable", webhook_id)
    return taken_on(delivery)


@router.post(
    "/{webhook_id}/disable",
    response_class=Response,
    responses={200: {"model": Webhook}, **answers(["cross-site", *FOR_ONE])},
    summary="暂停推送端点 · pause a webhook endpoint",
)
async def disable_webhook(request: Request, webhook_id: Id) -> Response:
    """Nothing is sent until it is enabled again; what happens meanwhile waits in the feed."""
    state, view = state_of(request), await state_of(request).view(request)
    async with state.database.writing(view) as conn:
        await found(state, request, conn, webhook_id, lock=True)
        await webhooks.set_state(conn, view, webhook_id, "paused", "owner")
        await state.audit(conn, request, "webhook.disable", webhook_id)
        row = await found(state, request, conn, webhook_id)
    return answer(shown(row))


@router.post(
    "/{webhook_id}/recover",
    status_code=202,
    response_class=Response,
    responses={202: {"model": RecoveryAsked}, **answers(["period-too-long", *FOR_CHANGES])},
    summary="补发一段时间的事件 · deliver a time range again",
)
async def recover_webhook(request: Request, webhook_id: Id, body: Recovery) -> Response:
    """Events told from `since` until before `until`: those that never arrived, with their old ids and bytes, and those that were never queued for it.

    At most 31 days. How far it is: `GET …/recoveries`.
    """
    state, view, at_ms = state_of(request), await state_of(request).view(request), now_ms()
    since_ms, until_ms = time_ms(body.since) or 0, time_ms(body.until) or 0
    if since_ms >= until_ms:
        fault = Fault("#/body/since", "since 应早于 until", "since must be before until")
        raise Problem("invalid-body", faults=(fault,))
    if until_ms - since_ms > MOST_DAYS * DAY_MS:
        raise Problem("period-too-long", {"days": MOST_DAYS})
    job = f"job_{uuid.uuid4().hex}"
    asked = {"endpoint": webhook_id, "since_ms": since_ms, "until_ms": until_ms, "delivered": body.delivered}
    async with state.database.writing(view) as conn:
        row = await found(state, request, conn, webhook_id)
        await webhooks.add_recovery(conn, job, row["account"], asked, at_ms)
        await state.audit(conn, request, "webhook.recover", webhook_id, detail=asked)
    return answer({"job": job}, 202, f"/v1/jobs/{job}")


@router.get(
    "/{webhook_id}/recoveries",
    response_class=Response,
    responses={
        200: {"model": JobPage},
        **answers(["unknown-parameter", "invalid-cursor", "cursor-mismatch", *FOR_ONE]),
    },
    summary="补发进度 · recoveries of an endpoint",
)
async def list_recoveries(
    request: Request, webhook_id: Id, parameters: Annotated[Paging, Query()]
) -> Response:
    """How far each recovery of the last seven days is, newest first."""
    state = state_of(request)
    async with state.database.reading(await state.view(request)) as conn:
        await found(state, request, conn, webhook_id)
    return await jobs.page(request, parameters, webhook_id)
