"""Who is near an incident now: from the live map, without asking the database; nearest first."""

from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from pydantic import Field

from services.api.history.shapes import NearPage
from services.api.identity import principal_of
from services.api.livemap import E7, LiveMap
from services.api.parameters import Classes
from services.api.parameters import Query as QueryModel
from services.api.problems import answers
from services.api.state import state_of
from services.runtime.clock import now_ms

EARTH_M = 6_371_008.8
MOST_RADIUS_M = 50_000

router = APIRouter(tags=["search"])
Floats = NDArray[np.float64]


class NearParameters(QueryModel):
    """The place, how far around, and which classes."""

    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] = Field(
        description="经度 · longitude, WGS-84"
    )
    lat: Annotated[float, Field(ge=-85, le=85, allow_inf_nan=False)] = Field(
        description="纬度 · latitude, WGS-84"
    )
    radius_m: Annotated[float, Field(gt=0, le=MOST_RADIUS_M, allow_inf_nan=False)] = Field(
        default=5000, description="半径(米),至多 50000 · radius in metres"
    )
    classes: Classes = Field(default=[], description="车辆类别 · vehicle classes; none: all")
    max_age_s: Annotated[int, Field(ge=1, le=7 * 86_400)] | None = Field(
        default=None, description="位置不早于(秒)· positions no older than this; default: any"
    )
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=100, description="条数,不超过 1000 · so many; 1000 at most"
    )


@router.get(
    "/v1/search/near",
    response_class=Response,
    responses={
        200: {"model": NearPage},
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized"]),
    },
    summary="谁在附近 · who is near now",
)
async def search_near(request: Request, parameters: Annotated[NearParameters, Query()]) -> Response:
    """Vehicles whose latest position lies within the radius, nearest first, in view only: distance, bearing, heading, class, age of the position.

    `hazmat` marks dangerous goods, whose subtype the registry knows. `total` counts all, `truncated` says when not all are listed.
    """
    livemap = state_of(request).livemap
    known = np.flatnonzero(livemap.inside(_box(parameters), principal_of(request).scope))
    latest = livemap.latest[known]
    at_ms = now_ms()
    away_m = distance_m(parameters.lon, parameters.lat, latest["lon_e7"] / E7, latest["lat_e7"] / E7)
    wanted = away_m <= parameters.radius_m
    if parameters.max_age_s is not None:
        wanted &= latest["time_ms"] >= at_ms - parameters.max_age_s * 1000
    if parameters.classes:
        wanted &= _of_classes(livemap, known, frozenset(parameters.classes))
    else:
        wanted &= np.array([int(vehicle) in livemap.names for vehicle in known], np.bool_)
    places = np.flatnonzero(wanted)
    nearest = places[np.argsort(away_m[places], kind="stable")][: parameters.limit]
    items = [
        _item(livemap, parameters, vehicle, away, at_ms)
        for vehicle, away in zip(known[nearest].tolist(), away_m[nearest].tolist(), strict=True)
    ]
    body = {"items": items, "next": None, "total": len(places), "truncated": len(places) > len(items)}
    return Response(msgspec.json.encode(body), media_type="application/json")


def _box(parameters: NearParameters) -> tuple[float, float, float, float]:
    tall = parameters.radius_m / 110_500
    wide = tall / np.cos(np.radians(min(abs(parameters.lat) + tall, 89.0)))
    return (
        max(parameters.lon - wide, -180.0),
        parameters.lat - tall,
        min(parameters.lon + wide, 180.0),
        parameters.lat + tall,
    )


def _of_classes(livemap: LiveMap, vehicles: NDArray[np.intp], classes: frozenset[str]) -> NDArray[np.bool_]:
    names = livemap.names
    return np.array(
        [
            (name := names.get(vehicle)) is not None and name.vehicle_class in classes
            for vehicle in vehicles.tolist()
        ],
        np.bool_,
    )


def distance_m(lon: float, lat: float, lons: Floats, lats: Floats) -> Floats:
    """Great-circle distances from a place, metres."""
    d_lat, d_lon = np.radians(lats - lat) / 2, np.radians(lons - lon) / 2
    square = np.sin(d_lat) ** 2 + np.cos(np.radians(lat)) * np.cos(np.radians(lats)) * np.sin(d_lon) ** 2
    found: Floats = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(square, 1.0)))
    return found


def bearing(lon: float, lat: float, to_lon: float, to_lat: float) -> int:
    """Initial direction from one place to another, degrees from north, clockwise, 0-359."""
    d_lon, here, there = np.radians(to_lon - lon), np.radians(lat), np.radians(to_lat)
    east = np.sin(d_lon) * np.cos(there)
    north = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(d_lon)
    return round(float(np.degrees(np.arctan2(east, north)))) % 360


def _item(
    livemap: LiveMap, parameters: NearParameters, vehicle: int, away_m: float, at_ms: int
) -> dict[str, Any]:
    (item,) = livemap.items(np.array([vehicle]))
    name = livemap.names[vehicle]
    return {
        **item,
        "distance_m": round(away_m),
        "bearing": bearing(parameters.lon, parameters.lat, item["lon"], item["lat"]),
        "subtype": name.subtype,
        "hazmat": name.vehicle_class == "hazmat",
        "age_s": round(max(at_ms - int(livemap.latest[vehicle]["time_ms"]), 0) / 1000, 1),
    }
