"""The stretch around an alert, for its charts: speed and the limit it was judged by, or the distance off the route.

Whoever may see the alert and tracks may see this stretch without being asked why: the alert is the reason, and stands in the audit as such.
"""

from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from services.api import alerts
from services.api.history.purpose import looked
from services.api.parameters import Query as QueryModel
from services.api.parameters import parse_time
from services.api.problems import answers
from services.api.schemas_track import AlertTrack
from services.api.state import state_of
from services.contracts.alert import Alert, iso
from services.contracts.reasons import FLAG_BITS
from services.runtime.clock import now_ms
from services.store import api_queries, map_layers
from services.store.times import to_ms

MOST_READ, MOST_SHOWN = 40_000, 4000
MOST_MARGIN_S = 3600

router = APIRouter(tags=["alerts"])


class AlertTrackParameters(QueryModel):
    """How much around."""

    margin_s: Annotated[int, Field(ge=0, le=MOST_MARGIN_S)] = Field(
        default=300, description="前后各多少秒 · seconds before its beginning and after its end"
    )


@router.get(
    "/v1/alerts/{alert_id}/track",
    response_class=Response,
    responses={
        200: {"model": AlertTrack},
        **answers(
            ["invalid-parameter", "unknown-parameter", "alert-not-found", "unauthorized", "database-away"]
        ),
    },
    summary="告警路段 · the stretch around an alert",
)
async def get_alert_track(
    request: Request,
    alert_id: Annotated[str, Path(max_length=64)],
    parameters: Annotated[AlertTrackParameters, Query()],
) -> Response:
    """The vehicle's positions from `margin_s` before the alert to `margin_s` after its end (now, while it is open), as columns of one length.

    `limits_kmh` is the limit that a speeding alert was judged by at its peak, told for the fixes of the episode; the limit of each single fix is not
    kept. `off_route_m` is told of a route deviation, as long as its route is in the registry. Of more than 4000 positions every `stride`-th is shown.
    """
    state = state_of(request)
    view = await state.view(request)
    row = await alerts.found(state, view, alert_id)
    alert = msgspec.json.decode(row["data"], type=Alert)
    began_ms = to_ms(parse_time(alert.began))
    ended_ms = to_ms(parse_time(alert.ended)) if alert.ended else now_ms()
    from_ms, until_ms = began_ms - parameters.margin_s * 1000, ended_ms + parameters.margin_s * 1000
    await looked(
        request, "track.read", f"vehicle:{alert.vehicle.id}", f"告警 {alert.id}",
        detail={"from": iso(from_ms), "to": iso(until_ms), "alert": alert.id},
    )  # fmt: skip
    async with state.database.reading(view.during(from_ms, until_ms)) as conn:
        rows, more = await api_queries.track_page(
            conn, view, alert.vehicle.id, from_ms - 1, until_ms, MOST_READ + 1
        )
    stride = -(-min(len(rows), MOST_READ) // MOST_SHOWN) or 1
    shown = rows[:MOST_READ:stride]
    away = None
    if alert.rule == "route_deviation" and alert.why.get("route"):
        async with state.database.reading(view) as conn:
            away = await map_layers.distances(conn, view, str(alert.why["route"]), shown)
    body = {
        **head(alert, from_ms, until_ms),
        "stride": stride,
        "truncated": more,
        **columns(shown, alert, began_ms, ended_ms),
        "off_route_m": away,
    }
    return Response(
        msgspec.json.encode(body), media_type="application/json", headers={"cache-control": "no-store"}
    )


def head(alert: Alert, from_ms: int, until_ms: int) -> dict[str, Any]:
    """What of, and of which period."""
    return {
        "alert": alert.id,
        "vehicle": alert.vehicle.id,
        "rule": alert.rule,
        "from": iso(from_ms),
        "to": iso(until_ms),
        "began": alert.began,
        "ended": alert.ended,
        "limit": alert.limit,
        "unit": alert.unit,
    }


def columns(rows: list[asyncpg.Record], alert: Alert, began_ms: int, ended_ms: int) -> dict[str, list[Any]]:
    """Times, places, speeds, headings, flags, and whether each position belongs to the episode, in event-time order."""
    times = [to_ms(row["at"]) for row in rows]
    inside = [began_ms <= at <= ended_ms for at in times]
    limit = alert.limit if alert.rule == "speeding" else None
    return {
        "times": [iso(at) for at in times],
        "coordinates": [[row["lon"], row["lat"]] for row in rows],
        "speeds_kmh": [_kmh(row["speed"]) for row in rows],
        "recorder_speeds_kmh": [_kmh(row["recorder_speed"]) for row in rows],
        "headings": [row["heading"] for row in rows],
        "flags": [[code for code, bit in FLAG_BITS.items() if row["flags"] & bit] for row in rows],
        "in_episode": inside,
        "limits_kmh": [limit if within else None for within in inside],
    }


def _kmh(tenths: int | None) -> float | None:
    return None if tenths is None else tenths / 10
