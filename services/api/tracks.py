"""A vehicle's track as GeoJSON, streamed page by page: a day of one-second fixes is 86,400 positions and is never held as objects.

Coordinates go out as they are read; times, speeds and headings, which come after them in the document, wait as bytes. The first page is read
before anything is sent, so that what can fail fails as a problem; a failure later cuts the answer short, which a client sees.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.api.database import Database
from services.api.parameters import Query as QueryModel
from services.api.parameters import Time, time_ms
from services.api.problems import Problem, answers, invalid
from services.api.state import state_of
from services.api.vehicles import VehicleId
from services.contracts.alert import iso
from services.contracts.reasons import FLAGS
from services.runtime.clock import now_ms
from services.store import api_queries
from services.store.scope import View
from services.store.times import to_ms, to_time

DAY_MS = 24 * 3600 * 1000
MOST_DAYS = 31
FIRST_PAGE, PAGE = 1000, 5000

router = APIRouter(tags=["vehicles"])


class TrackParameters(QueryModel):
    """Period and format."""

    from_: Time | None = Field(
        default=None,
        alias="from",
        description="起(含),缺省为 to 之前 24 小时 · from, inclusive; default: 24 h before to",
    )
    to: Time | None = Field(default=None, description="止(不含),缺省为现在 · until, exclusive; default: now")
    format: Literal["geojson"] = Field(default="geojson", description="格式 · format")


@router.get(
    "/v1/vehicles/{vehicle_id}/track",
    response_class=Response,
    responses={
        200: {
            "description": "GeoJSON feature",
            "content": {"application/geo+json": {"schema": {"$ref": "#/components/schemas/Track"}}},
        },
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "period-too-long",
                "vehicle-not-found",
                "unauthorized",
                "database-away",
            ]
        ),
    },
    summary="车辆轨迹 · a vehicle's track",
)
async def get_track(
    request: Request, vehicle_id: VehicleId, parameters: Annotated[TrackParameters, Query()]
) -> Response:
    """Positions in event-time order, `from` ≤ time < `to`, at most 31 days, the first received of two at one moment."""
    until_ms = now_ms() if parameters.to is None else time_ms(parameters.to) or 0
    from_ms = until_ms - DAY_MS if parameters.from_ is None else time_ms(parameters.from_) or 0
    if from_ms >= until_ms:
        raise invalid("from", "from 应早于 to", "from must be before to")
    if until_ms - from_ms > MOST_DAYS * DAY_MS:
        raise Problem("period-too-long", {"days": MOST_DAYS})
    state = state_of(request)
    database, view = state.database, await state.view(request)
    async with database.reading(view) as conn:
        rows = await api_queries.track_page(conn, view, vehicle_id, from_ms - 1, until_ms, FIRST_PAGE)
        if not rows and not await api_queries.vehicle(conn, view, vehicle_id, to_time(until_ms)):
            raise Problem("vehicle-not-found", {"id": vehicle_id})
    pages = _pages(database, view, vehicle_id, rows, until_ms)
    return StreamingResponse(_feature(vehicle_id, len(rows), pages), media_type="application/geo+json")


async def _pages(
    database: Database, view: View, vehicle_id: int, first: list[asyncpg.Record], until_ms: int
) -> AsyncIterator[list[asyncpg.Record]]:
    """The first page and those after it; no connection is held while a page is being sent."""
    rows, asked = first, FIRST_PAGE
    while rows:
        yield rows
        if len(rows) < asked:
            return
        asked = PAGE
        async with database.reading(view) as conn:
            rows = await api_queries.track_page(
                conn, view, vehicle_id, to_ms(rows[-1]["at"]), until_ms, asked
            )


async def _feature(
    vehicle_id: int, first_count: int, pages: AsyncIterator[list[asyncpg.Record]]
) -> AsyncIterator[bytes]:
    """The document in pieces."""
    columns = Columns()
    if first_count == 0:
        yield b'{"type":"Feature","geometry":null'
    else:
        kind, opening, closing = (b"Point", b"", b"") if first_count == 1 else (b"LineString", b"[", b"]")
        yield b'{"type":"Feature","geometry":{"type":"%s","coordinates":%s' % (kind, opening)
        separator = b""
        async for rows in pages:
            yield separator + _coordinates(rows)
            columns.add(rows)
            separator = b","
        yield closing + b"}"
    for piece in columns.properties(vehicle_id):
        yield piece


def _coordinates(rows: Sequence[asyncpg.Record]) -> bytes:
    return ",".join(f"[{round(row['lon'], 7):.10g},{round(row['lat'], 7):.10g}]" for row in rows).encode()


class Columns:
    """What stands beside the coordinates, kept as text until they are all out."""

    def __init__(self) -> None:
        """Empty."""
        self.count = 0
        self._columns: dict[str, list[str]] = {
            "datetimes": [],
            "speeds_kmh": [],
            "recorder_speeds_kmh": [],
            "headings": [],
        }
        self._flags: dict[str, list[int]] = {}

    def add(self, rows: Sequence[asyncpg.Record]) -> None:
        """A page."""
        columns = self._columns
        columns["datetimes"].append(",".join(f'"{iso(to_ms(row["at"]))}"' for row in rows))
        columns["speeds_kmh"].append(",".join(_tenths(row["speed"]) for row in rows))
        columns["recorder_speeds_kmh"].append(",".join(_tenths(row["recorder_speed"]) for row in rows))
        columns["headings"].append(
            ",".join("null" if row["heading"] is None else str(row["heading"]) for row in rows)
        )
        for place, row in enumerate(rows, self.count):
            if row["flags"]:
                self._flag(place, row["flags"])
        self.count += len(rows)

    def _flag(self, place: int, flags: int) -> None:
        for bit, code in enumerate(FLAGS):
            if flags >> bit & 1:
                self._flags.setdefault(code, []).append(place)

    def properties(self, vehicle_id: int) -> list[bytes]:
        """The rest of the document."""
        pieces = [b',"properties":{"vehicle":%d' % vehicle_id]
        pieces += [f',"{name}":[{",".join(parts)}]'.encode() for name, parts in self._columns.items()]
        flags = ",".join(f'"{code}":{places}' for code, places in self._flags.items())
        return [*pieces, f',"flags":{{{flags}}}'.encode(), b"}}"]


def _tenths(value: int | None) -> str:
    return "null" if value is None else f"{value / 10:.1f}"
