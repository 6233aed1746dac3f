"""Vehicles as the registry has them: the list, and one by its surrogate id."""

import hashlib
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, Field

from services.api import labels
from services.api.identity import UNMASK, principal_of
from services.api.parameters import (
    DEFAULT_LIMIT,
    Classes,
    Cursor,
    Divisions,
    Limit,
    Names,
    Nothing,
    Text,
    following_path,
    parse_plate,
)
from services.api.parameters import Query as QueryModel
from services.api.problems import Problem, answers
from services.api.schemas import VehicleDetail, VehiclePage
from services.api.state import state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import api_queries
from services.store.times import to_ms, to_time

MOST_ID = 2**31 - 1
PERIODS = ("valid_from", "valid_to")
DATES = ("inspection_due", "permit_to", "scrapped_on")

router = APIRouter(tags=["vehicles"])
VehicleId = Annotated[int, Path(ge=1, le=MOST_ID, description="车辆编号 · the vehicle's id")]


def split_plate(text: str) -> tuple[str, str | None]:
    """`plate` or `plate/colour`.

    Raises:
        PydanticCustomError: neither.
    """
    plate, slash, color = text.rpartition("/")
    if slash and color in labels.codes(labels.PLATE_COLORS):
        return parse_plate(plate), color
    return parse_plate(text), None


def _checked_plate(text: str) -> str:
    split_plate(text)
    return text


class VehicleParameters(QueryModel):
    """Filters and paging."""

    vehicle_class: Classes = Field(default=[], alias="class", description="车辆类别 · vehicle classes")
    operator: Names = Field(
        default=[], description="企业名称(重复参数表示多个)· operators by name, repeat for several"
    )
    division: Divisions = Field(default=[], description="行政区划代码前缀 · prefixes of division codes")
    plate: Annotated[str, AfterValidator(_checked_plate)] | None = Field(
        default=None, max_length=40, description="车牌 或 车牌/颜色 · plate, or plate/colour"
    )
    q: Text | None = Field(
        default=None,
        description="车牌、企业或终端号的一部分;有 drivers:unmask 权限时也按当班驾驶员姓名 · part of a plate, an operator's name or a terminal's "
        "number; with drivers:unmask of the assigned driver's name, too",
    )
    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


@router.get(
    "/v1/vehicles",
    response_class=Response,
    responses={
        200: {"model": VehiclePage},
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
    summary="车辆列表 · vehicles",
)
async def list_vehicles(request: Request, parameters: Annotated[VehicleParameters, Query()]) -> Response:
    """Vehicles by ascending id, each with the registration that holds now, else its newest."""
    state = state_of(request)
    conditions = repr(parameters.model_dump(exclude={"cursor", "limit"}))
    after = int(state.vehicle_cursors.read(parameters.cursor, conditions)[0]) if parameters.cursor else 0
    plate, color = split_plate(parameters.plate) if parameters.plate is not None else (None, None)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        rows = await api_queries.vehicle_page(
            conn,
            view,
            now=to_time(now_ms()),
            after=after,
            classes=parameters.vehicle_class or None,
            operators=parameters.operator or None,
            divisions=parameters.division or None,
            plate=plate,
            plate_color=color,
            limit=parameters.limit + 1,
            text=parameters.q,
            drivers=principal_of(request).may(UNMASK),
        )
    shown, following = state.vehicle_cursors.cut(rows, parameters.limit, lambda row: (row["id"],), conditions)
    headers = {"link": f'<{following_path(request, following)}>; rel="next"'} if following else {}
    body = msgspec.json.encode({"items": [_vehicle(row) for row in shown], "next": following})
    return Response(body, media_type="application/json", headers=headers)


@router.get(
    "/v1/vehicles/{vehicle_id}",
    response_class=Response,
    responses={
        200: {"model": VehicleDetail},
        304: {"description": "unchanged since the ETag in If-None-Match"},
        **answers(
            ["invalid-parameter", "unknown-parameter", "vehicle-not-found", "unauthorized", "database-away"]
        ),
    },
    summary="单个车辆 · one vehicle",
)
async def get_vehicle(request: Request, vehicle_id: VehicleId, _: Annotated[Nothing, Query()]) -> Response:
    """One vehicle with all its registrations, the one that holds now first."""
    state = state_of(request)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        rows = await api_queries.vehicle(conn, view, vehicle_id, to_time(now_ms()))
    if not rows:
        raise Problem("vehicle-not-found", {"id": vehicle_id})
    body = msgspec.json.encode({**_vehicle(rows[0]), "registrations": [_registration(row) for row in rows]})
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _vehicle(row: asyncpg.Record) -> dict[str, Any]:
    return {"id": row["id"], "plate": row["plate"], "plate_color": row["plate_color"], **_registration(row)}


def _registration(row: asyncpg.Record) -> dict[str, Any]:
    found: dict[str, Any] = {
        "class": row["vehicle_class"],
        "terminal": row["terminal"],
        "operator": row["operator"],
        "division": row["division"],
        "vin": row["vin"],
        "status": row["status"],
    }
    found |= {name: None if row[name] is None else iso(to_ms(row[name])) for name in PERIODS}
    found |= {name: row[name] for name in ("permit", "subtype")}
    found |= {name: None if row[name] is None else row[name].isoformat() for name in DATES}
    return found
