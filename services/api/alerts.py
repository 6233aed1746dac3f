"""Alerts: the list by keyset, and one by its id."""

from typing import Annotated

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from services.api.filters import AlertConditions, Wanted
from services.api.identity import principal_of
from services.api.parameters import DEFAULT_LIMIT, Cursor, Limit, Nothing, following_path
from services.api.problems import Problem, answers
from services.api.schemas import Alert, AlertPage
from services.api.state import State, state_of
from services.contracts.alert import without_driver
from services.contracts.handling import Handling
from services.store import api_queries
from services.store.connect import Conn
from services.store.scope import View

router = APIRouter(tags=["alerts"])


class AlertParameters(AlertConditions):
    """Filters and paging."""

    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


@router.get(
    "/v1/alerts",
    response_class=Response,
    responses={
        200: {"model": AlertPage},
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "invalid-cursor",
                "cursor-mismatch",
                "unauthorized",
                "database-away",
            ]
        ),
    },
    summary="告警列表 · alerts",
)
async def list_alerts(request: Request, parameters: Annotated[AlertParameters, Query()]) -> Response:
    """Alerts, the latest begun first. `feed` is the position to follow the stream from (`?after=`) so that no change is missed or doubled."""
    state = state_of(request)
    wanted = parameters.wanted()
    after = None
    if parameters.cursor is not None:
        began_ms, alert_id = state.alert_cursors.read(parameters.cursor, wanted.text)
        after = int(began_ms), str(alert_id)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        page = await api_queries.alert_page(
            conn, view, await _filter(conn, wanted), after, parameters.limit + 1
        )
    shown = page.rows[: parameters.limit]
    following, headers = b"null", {}
    if len(page.rows) > len(shown):
        cursor = state.alert_cursors.write((shown[-1].began_ms, shown[-1].id), wanted.text)
        following = f'"{cursor}"'.encode()
        headers["link"] = f'<{following_path(request, cursor)}>; rel="next"'
    named = principal_of(request).sees_drivers
    items = b",".join(document(row.data, row.handling, row.handled, driver=named) for row in shown)
    body = b'{"items":[%s],"next":%s,"feed":%d}' % (items, following, page.feed)
    return Response(body, media_type="application/json", headers=headers)


async def _filter(conn: Conn, wanted: Wanted) -> api_queries.AlertFilter:
    vehicles = None
    if wanted.vehicle_ids or wanted.vehicle_keys:
        vehicles = sorted(wanted.vehicle_ids)
        if wanted.vehicle_keys:
            vehicles += await api_queries.vehicle_ids(conn, sorted(wanted.vehicle_keys))
    return api_queries.AlertFilter(
        rules=sorted(wanted.rules) or None,
        kinds=sorted(wanted.kinds) or None,
        classes=sorted(wanted.classes) or None,
        operators=sorted(wanted.operators) or None,
        divisions=wanted.divisions or None,
        states=sorted(wanted.states) or None,
        handlings=sorted(wanted.handlings) or None,
        severities=sorted(wanted.severities) or None,
        vehicles=vehicles,
        from_ms=wanted.from_ms,
        to_ms=wanted.to_ms,
        box=wanted.box,
    )


@router.get(
    "/v1/alerts/{alert_id}",
    response_class=Response,
    responses={
        200: {"model": Alert},
        **answers(["unknown-parameter", "alert-not-found", "unauthorized", "database-away"]),
    },
    summary="单个告警 · one alert",
)
async def get_alert(
    request: Request,
    alert_id: Annotated[str, Path(max_length=64)],
    _: Annotated[Nothing, Query()],
) -> Response:
    """One alert. The `ETag` is the version of its handling, for `If-Match`; judging does not change it, so there is no `304` here."""
    state = state_of(request)
    row = await found(state, await state.view(request), alert_id)
    return Response(
        document(row["data"], row["handling"], row["handled"], driver=principal_of(request).sees_drivers),
        media_type="application/json",
        headers={"etag": f'"{row["handling_version"]}"', "cache-control": "no-store"},
    )


async def found(state: State, view: View, alert_id: str) -> asyncpg.Record:
    """An alert's row, of those in view.

    Raises:
        Problem: `alert-not-found`.
    """
    async with state.database.reading(view) as conn:
        row = await api_queries.alert(conn, view, alert_id) if "\0" not in alert_id else None
    if row is None:
        raise Problem("alert-not-found", {"id": alert_id})
    return row


def document(data: str, handling: str, handled: str | None, *, driver: bool = True) -> bytes:
    """An alert's JSON with its handling as it is now, as judging wrote it while nobody has acted; `driver` False: without who was driving and who, by name, handled it."""
    body = data.encode()
    if handled is not None or handling != Handling.OPEN:
        found = {**msgspec.json.decode(body), "handling": handling}
        if handled is not None:
            found["handled"] = msgspec.Raw(handled.encode())
        body = msgspec.json.encode(found)
    return body if driver else without_driver(body)
