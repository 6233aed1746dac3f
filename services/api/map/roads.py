"""Roads of the registry around what a screen shows: coarse and few when it is far away, all of them when it is near."""

from typing import Annotated

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.api.map.features import (
    MOST_ZOOM,
    collection,
    etag_of,
    feature,
    pixel_deg,
    tolerance_deg,
    unchanged,
)
from services.api.map.shapes import RoadCollection
from services.api.parameters import Box, BoxText, parse_box
from services.api.parameters import Query as QueryModel
from services.api.problems import answers, invalid
from services.api.state import state_of
from services.contracts.registry import ROAD_CLASSES
from services.store import map_layers
from services.store.scope import EVERYTHING

MOST_ROADS = 4000
MOST_PX = 8192
"""A box may be as wide as two screens of 4K at its zoom."""
SHOWN_FROM = {
    "expressway": 0.0, "highway": 7.0, "urban_expressway": 8.0, "mountain": 9.0, "rural": 10.0, "urban": 11.0,
}  # fmt: skip
"""Zoom from which a class of road is drawn."""

router = APIRouter(tags=["map"])


class RoadParameters(QueryModel):
    """What the screen shows."""

    bbox: BoxText = Field(description="西,南,东,北 · west,south,east,north in WGS-84")
    zoom: Annotated[float, Field(ge=0, le=MOST_ZOOM, allow_inf_nan=False)] = Field(
        default=14.0,
        description="地图缩放级别(512 像素瓦片)· zoom of the map, tiles of 512 px; coarser lines, fewer classes below",
    )


@router.get(
    "/v1/map/roads",
    response_class=Response,
    responses={
        200: {
            "content": {"application/geo+json": {"schema": RoadCollection.reference()}},
            "description": "roads",
        },
        304: {"description": "unchanged since the ETag in If-None-Match"},
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized", "database-away"]),
    },
    summary="道路与限速 · roads and their limits",
)
async def list_roads(request: Request, parameters: Annotated[RoadParameters, Query()]) -> Response:
    """Road segments of the registry that touch the box, with their posted limits, at most 4000; `truncated` says when there are more, smaller ones.

    What is below the zoom's worth is left out: expressways always, highways from zoom 7, then urban expressways 8, mountain roads 9, rural 10, urban 11.
    """
    box = parse_box(parameters.bbox)
    _fits(box, parameters.zoom)
    async with state_of(request).database.reading(EVERYTHING) as conn:
        etag = etag_of(await map_layers.version(conn), EVERYTHING, request)
        if (kept := unchanged(request, etag)) is not None:
            return kept
        rows = await map_layers.roads(
            conn, box, classes_at(parameters.zoom), tolerance_deg(parameters.zoom), MOST_ROADS + 1
        )
    return collection([_road(row) for row in rows], MOST_ROADS, etag)


def classes_at(zoom: float) -> list[str]:
    """Classes that are drawn at a zoom, the greatest first."""
    return [str(name) for name in ROAD_CLASSES if zoom >= SHOWN_FROM[name]]


def _fits(box: Box, zoom: float) -> None:
    """Raises invalid-parameter where the box is far wider than a screen at its zoom: then the zoom is not the map's."""
    widest = pixel_deg(zoom) * MOST_PX
    if box[2] - box[0] > widest or box[3] - box[1] > widest:
        raise invalid(
            "bbox",
            f"缩放级别 {zoom:g} 下范围不得超过 {widest:.3g} 度",
            f"at zoom {zoom:g} the box must not be wider or taller than {widest:.3g} degrees",
        )


def _road(row: asyncpg.Record) -> dict[str, object]:
    names = ("name", "ref", "limit_kmh", "night_limit_kmh", "class_limits_kmh", "oneway", "tunnel", "bridge")
    properties = {"id": row["id"], "class": row["road_class"], **{name: row[name] for name in names}}
    return feature(row["geometry"], properties)
