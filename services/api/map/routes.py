"""Routes that vehicles in view are assigned to: all of them coarsely, and one exactly, with its corridor and stops."""

from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from services.api.map.features import (
    GEOJSON,
    MOST_ZOOM,
    collection,
    etag_of,
    feature,
    headers_of,
    tolerance_deg,
    unchanged,
)
from services.api.map.shapes import RouteCollection, RouteFeature
from services.api.parameters import BoxText, Nothing, box_of
from services.api.parameters import Query as QueryModel
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.store import map_layers

MOST_ROUTES = 2000

router = APIRouter(tags=["map"])


class RouteParameters(QueryModel):
    """What the screen shows."""

    bbox: BoxText | None = Field(
        default=None,
        description="西,南,东,北,缺省为全部 · west,south,east,north in WGS-84; default: everywhere",
    )
    zoom: Annotated[float, Field(ge=0, le=MOST_ZOOM, allow_inf_nan=False)] = Field(
        default=10.0, description="地图缩放级别 · zoom of the map: lines are simplified to half a pixel"
    )


@router.get(
    "/v1/map/routes",
    response_class=Response,
    responses={
        200: {
            "content": {"application/geo+json": {"schema": RouteCollection.reference()}},
            "description": "routes",
        },
        304: {"description": "unchanged since the ETag in If-None-Match"},
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized", "database-away"]),
    },
    summary="路线 · routes",
)
async def list_routes(request: Request, parameters: Annotated[RouteParameters, Query()]) -> Response:
    """Routes to which a vehicle in view is or was assigned (all of them where nothing is kept from view), at most 2000, lines simplified."""
    state = state_of(request)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        etag = etag_of(await map_layers.version(conn), view, request)
        if (kept := unchanged(request, etag)) is not None:
            return kept
        rows = await map_layers.routes(
            conn, view, box_of(parameters.bbox), tolerance_deg(parameters.zoom), MOST_ROUTES + 1
        )
    features = [feature(row["geometry"], {**_head(row), "stops": row["stops"]}) for row in rows]
    return collection(features, MOST_ROUTES, etag)


@router.get(
    "/v1/routes/{route_id}",
    response_class=Response,
    responses={
        200: {
            "content": {"application/geo+json": {"schema": RouteFeature.reference()}},
            "description": "the route",
        },
        304: {"description": "unchanged since the ETag in If-None-Match"},
        **answers(["unknown-parameter", "route-not-found", "unauthorized", "database-away"]),
    },
    summary="单条路线 · one route",
)
async def get_route(
    request: Request,
    route_id: Annotated[str, Path(max_length=200, description="路线编号 · the route's id")],
    _: Annotated[Nothing, Query()],
) -> Response:
    """The line as judged, the half width of every leg, the stops, and `corridor`: the area within which a vehicle is on the route."""
    state = state_of(request)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        etag = etag_of(await map_layers.version(conn), view, request)
        row = await map_layers.route(conn, view, route_id) if "\0" not in route_id else None
        if row is None:
            raise Problem("route-not-found", {"id": route_id})
        if (kept := unchanged(request, etag)) is not None:
            return kept
        corridor = await map_layers.corridor(conn, row["line"], row["leg_half_widths_m"])
    properties = {
        **_head(row),
        "leg_half_widths_m": row["leg_half_widths_m"],
        "stops": row["stops"],
        "corridor": msgspec.Raw(corridor.encode()),
    }
    body = msgspec.json.encode(feature(row["geometry"], properties))
    return Response(body, media_type=GEOJSON, headers=headers_of(etag))


def _head(row: asyncpg.Record) -> dict[str, Any]:
    widths = row["leg_half_widths_m"]
    return {
        "route": row["route"],
        "name": row["name"],
        "length_m": round(row["length_m"]),
        "half_width_m": [min(widths), max(widths)],
    }
