"""The log of deliveries: what was sent to an endpoint, every attempt, and once more on request."""

from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.api.cursors import Cursors, age_of
from services.api.idempotency import IdempotentRoute
from services.api.parameters import Nothing
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.api.webhooks.endpoints import COMMON, FOR_ONE, Id, answer, taken_on
from services.api.webhooks.schemas import EVENT_TYPES, Asked, DeliveryDetail, DeliveryPage, DeliveryParameters
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import webhooks
from services.store.times import to_ms
from services.store.webhooks import Page

FOR_DELIVERY = ["delivery-not-found", "invalid-parameter", *COMMON]

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=IdempotentRoute)


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """A delivery as it is told."""
    ended = row["done_at"]
    return {
        "id": row["id"],
        "webhook": row["endpoint"],
        "type": row["type"],
        "event": row["event_id"],
        "seq": row["seq"],
        "number": row["number"],
        "alert": row["alert_id"] if row["seq"] and row["in_view"] else None,
        "test": not row["seq"] and row["type"] in EVENT_TYPES,
        "status": row["state"],
        "attempts": row["attempts"],
        "next_attempt": iso(to_ms(row["due_at"])) if row["state"] == "waiting" else None,
        "created": iso(to_ms(row["created_at"])),
        "ended": None if ended is None else iso(to_ms(ended)),
    }


@router.get(
    "/endpoints/{webhook_id}/deliveries",
    response_class=Response,
    responses={
        200: {"model": DeliveryPage},
        **answers(["unknown-parameter", "invalid-cursor", "cursor-mismatch", *FOR_ONE]),
    },
    summary="推送记录 · deliveries of an endpoint",
)
async def list_deliveries(
    request: Request, webhook_id: Id, parameters: Annotated[DeliveryParameters, Query()]
) -> Response:
    """The latest first.

    `waiting` is to be tried at `next_attempt`; `held` waits behind an earlier event of its alert; `exhausted` had its last attempt;
    `withheld` is of an alert that the account may no longer see, and is not sent; `again` was asked for and is about to be queued.
    """
    state = state_of(request)
    view = await state.view(request)
    cursors = Cursors(state.settings.token, "deliveries")
    conditions = f"{webhook_id} {sorted(parameters.status)}"
    after = cursors.read_age(parameters.cursor, conditions)
    page = Page(states=sorted(parameters.status) or None, after=after, limit=parameters.limit + 1)
    async with state.database.reading(view) as conn:
        if await webhooks.endpoint(conn, view, webhook_id) is None:
            raise Problem("webhook-not-found", {"id": webhook_id})
        rows = await webhooks.deliveries(conn, view, webhook_id, page)
    items, following = cursors.cut(rows, parameters.limit, age_of, conditions)
    return answer({"items": [shown(row) for row in items], "next": following})


@router.get(
    "/deliveries/{delivery_id}",
    response_class=Response,
    responses={200: {"model": DeliveryDetail}, **answers(["unknown-parameter", *FOR_DELIVERY])},
    summary="单次推送 · one delivery",
)
async def get_delivery(request: Request, delivery_id: Id, _: Annotated[Nothing, Query()]) -> Response:
    """What was sent, and every attempt with the first kilobyte of its answer.

    Of an alert that the account may no longer see: `alert`, `body` and the answers are null.
    """
    state = state_of(request)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        row = await webhooks.delivery(conn, view, delivery_id)
        tries = await webhooks.attempts(conn, view, delivery_id)
    if row is None:
        raise Problem("delivery-not-found", {"id": delivery_id})
    told = [{**dict(one), "at": iso(to_ms(one["at"]))} for one in tries]
    if not row["in_view"]:
        return answer({**shown(row), "body": None, "tries": [{**one, "response": None} for one in told]})
    return answer({**shown(row), "body": msgspec.Raw(row["body"]), "tries": told})


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_class=Response,
    responses={202: {"model": Asked}, **answers(["cross-site", "delivery-under-way", *FOR_DELIVERY])},
    summary="重新推送 · deliver once more",
)
async def redeliver(request: Request, delivery_id: Id) -> Response:
    """The same id and the same bytes, with the whole schedule before it again; behind whatever of its alert is under way."""
    state = state_of(request)
    view = await state.view(request)
    async with state.database.writing(view) as conn:
        row = await webhooks.delivery(conn, view, delivery_id)
        if row is None:
            raise Problem("delivery-not-found", {"id": delivery_id})
        if not await webhooks.redeliver(conn, view, delivery_id, now_ms()):
            raise Problem("delivery-under-way")
        await state.audit(conn, request, "webhook.redeliver", delivery_id)
    return taken_on(delivery_id)
