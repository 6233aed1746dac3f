"""Who else is looking at an alert, so that two dispatchers do not telephone the same driver; says nothing about who handles it."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.api.alerts import found
from services.api.handling.actions import AlertId
from services.api.identity import principal_of
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.schemas_people import Viewers
from services.api.state import state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import viewing
from services.store.times import to_ms

LASTS_S = 15
REFUSALS = [
    "unknown-parameter",
    "alert-not-found",
    "unauthorized",
    "forbidden",
    "cross-site",
    "database-away",
]

router = APIRouter(tags=["handling"])


@router.put(
    "/v1/alerts/{alert_id}/viewing",
    response_class=Response,
    responses={200: {"model": Viewers}, **answers(REFUSALS)},
    summary="正在查看 · say that you look at it",
)
async def view_alert(request: Request, alert_id: AlertId, _: Annotated[Nothing, Query()]) -> Response:
    """Say that you are looking at the alert, for 15 s, and see who else is. Not an action: no event, nothing is written down."""
    state, principal, at_ms = state_of(request), principal_of(request), now_ms()
    view = await state.view(request)
    await found(state, view, alert_id)
    async with state.database.writing(view) as conn:
        rows = await viewing.look(conn, alert_id, principal.id, principal.name, at_ms, at_ms + LASTS_S * 1000)
    others = [{"id": row["account"], "name": row["name"], "since": iso(to_ms(row["since"]))} for row in rows]
    body = msgspec.json.encode({"others": others, "lasts_s": LASTS_S})
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


@router.delete(
    "/v1/alerts/{alert_id}/viewing",
    status_code=204,
    response_class=Response,
    responses=answers(REFUSALS),
    summary="不再查看 · say that you look no more",
)
async def leave_alert(request: Request, alert_id: AlertId, _: Annotated[Nothing, Query()]) -> Response:
    """Look no more; without it the others see you for 15 s more."""
    state = state_of(request)
    view = await state.view(request)
    await found(state, view, alert_id)
    async with state.database.writing(view) as conn:
        await viewing.leave(conn, alert_id, principal_of(request).id)
    return Response(status_code=204)
