"""Zones of the registry as areas: forbidden areas, hazard sections, schools, parking, dead zones, depots."""

from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.api.map.features import collection, etag_of, feature, unchanged
from services.api.map.shapes import ZoneCollection
from services.api.parameters import BoxText, ZoneKinds, box_of
from services.api.parameters import Query as QueryModel
from services.api.problems import answers
from services.api.state import state_of
from services.contracts.alert import iso
from services.contracts.registry import DAYS
from services.store import map_layers
from services.store.scope import EVERYTHING
from services.store.times import to_ms

MOST_ZONES = 2000

router = APIRouter(tags=["map"])


class ZoneParameters(QueryModel):
    """Where, and of which kinds."""

    bbox: BoxText | None = Field(
        default=None,
        description="西,南,东,北,缺省为全部 · west,south,east,north in WGS-84; default: everywhere",
    )
    kind: ZoneKinds = Field(default=[], description="区域类型 · kinds of zones; none: all")


@router.get(
    "/v1/map/zones",
    response_class=Response,
    responses={
        200: {
            "content": {"application/geo+json": {"schema": ZoneCollection.reference()}},
            "description": "zones",
        },
        304: {"description": "unchanged since the ETag in If-None-Match"},
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized", "database-away"]),
    },
    summary="区域 · zones",
)
async def list_zones(request: Request, parameters: Annotated[ZoneParameters, Query()]) -> Response:
    """Zones as areas, at most 2000; one that was given as a line is the area within `buffer_m` of it (`drawn` says `line`).

    `hours` are times of day in China (Asia/Shanghai); a period that ends before it begins crosses midnight; none: always.
    `days`, `dates` and `except_dates` ask the local date; a zone holds on no day of `except_dates`.
    """
    async with state_of(request).database.reading(EVERYTHING) as conn:
        etag = etag_of(await map_layers.version(conn), EVERYTHING, request)
        if (kept := unchanged(request, etag)) is not None:
            return kept
        rows = await map_layers.zones(conn, box_of(parameters.bbox), parameters.kind or None, MOST_ZONES + 1)
    return collection([_zone(row) for row in rows], MOST_ZONES, etag)


def _zone(row: asyncpg.Record) -> dict[str, Any]:
    properties = {
        "zone": row["zone"],
        "name": row["name"],
        "kind": row["kind"],
        "drawn": "line" if row["is_line"] else "area",
        "buffer_m": row["buffer_m"],
        "classes": row["classes"],
        "limit_kmh": row["limit_kmh"],
        "hours": [[_clock(start), _clock(end)] for start, end in row["hours"]],
        "days": [DAYS[day] for day in row["days"]],
        "dates": row["dates"],
        "except_dates": row["except_dates"],
        "from": None if row["from_at"] is None else iso(to_ms(row["from_at"])),
        "to": None if row["to_at"] is None else iso(to_ms(row["to_at"])),
        "reason": row["reason"],
    }
    return feature(row["geometry"], properties)


def _clock(seconds: int) -> str:
    """Seconds of the day as HH:MM."""
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"
