"""A vehicle's track in six formats, streamed page by page: a day of one-second fixes is 86,400 positions and is never held as objects.

The first page is read, and the look written into the audit, before anything is sent, so that what can fail fails as a problem; a failure later
cuts the answer short without its last chunk, which a client sees as an error of the connection, never as a shorter track.
"""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.api.history.formats import FORMATS, Format, Head, Pages, accepted
from services.api.history.period import PeriodParameters
from services.api.history.purpose import Purpose, looked
from services.api.history.tracking import First, first_page, pages, simplified
from services.api.problems import Problem, answers, invalid
from services.api.state import state_of
from services.api.vehicles import VehicleId
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import api_queries
from services.store.times import to_time

MOST_SIMPLIFY_M = 10_000
JSON_WITHOUT_A_STANDARD = "application/json"

CONTENT = {
    FORMATS["parquet"].media_type: {"schema": {"type": "string", "format": "binary"}},
    **{FORMATS[name].media_type: {"schema": {"type": "string"}} for name in ("csv", "gpx", "kml")},
    FORMATS["geojson"].media_type: {"schema": {"$ref": "#/components/schemas/Track"}},
    FORMATS["mfjson"].media_type: {"schema": {"type": "object"}},
}
"""The answers in OpenAPI. A generator that keeps one media type of an answer keeps the first that it knows: bytes or text first, which every format
is, so that its client can fetch them all; one that began with GeoJSON would try to parse the others as such."""

router = APIRouter(tags=["vehicles"])
log = structlog.get_logger()


class TrackParameters(PeriodParameters):
    """Period, format, and what is to be done to the positions."""

    format: Literal["geojson", "mfjson", "csv", "gpx", "kml", "parquet"] | None = Field(
        default=None,
        description="格式,优先于 Accept,缺省 geojson · format, wins over Accept; default: geojson",
    )
    simplify_m: Annotated[float, Field(gt=0, le=MOST_SIMPLIFY_M, allow_inf_nan=False)] | None = Field(
        default=None,
        description="简化容差(米),首尾与带标记的点均保留 · tolerance of a simplification in metres; first, last and flagged positions stay",
    )
    crs: Literal["wgs84", "gcj02"] = Field(
        default="wgs84",
        description="坐标系;gcj02 仅限 geojson,非标准 · gcj02 for geojson only, and then not standard GeoJSON",
    )


@router.get(
    "/v1/vehicles/{vehicle_id}/track",
    response_class=Response,
    responses={
        200: {
            "description": "the track",
            "content": CONTENT,
        },
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "period-too-long",
                "purpose-required",
                "vehicle-not-found",
                "unauthorized",
                "database-away",
            ]
        ),
    },
    summary="车辆轨迹 · a vehicle's track",
)
async def get_track(
    request: Request,
    vehicle_id: VehicleId,
    parameters: Annotated[TrackParameters, Query()],
    purpose: Purpose,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Positions in event-time order, `from` ≤ time < `to`, at most 31 days, the first received of two at one moment.

    The whole period or an answer that breaks off: it never ends early and looks complete.
    """
    chosen = FORMATS[parameters.format] if parameters.format else accepted(accept)
    gcj02 = parameters.crs == "gcj02"
    if gcj02 and chosen.name != "geojson":
        raise invalid("crs", "gcj02 仅限 format=geojson", "gcj02 is for format=geojson only")
    from_ms, until_ms = parameters.period(now_ms())
    state = state_of(request)
    database, view = state.database, await state.view(request)
    first = await first_page(database, view, vehicle_id, from_ms, until_ms)
    async with database.reading(view) as conn:
        known = await api_queries.vehicle(conn, view, vehicle_id, to_time(until_ms))
    if not known and not first.rows:
        await looked(request, "track.read", f"vehicle:{vehicle_id}", purpose, outcome="vehicle-not-found")
        raise Problem("vehicle-not-found", {"id": vehicle_id})
    plate = f"{known[0]['plate']}/{known[0]['plate_color']}" if known else ""
    head = Head(vehicle_id, plate, from_ms, until_ms, parameters.simplify_m, gcj02)
    await looked(
        request, "track.read", f"vehicle:{vehicle_id}", purpose, detail=_detail(head, chosen, first)
    )  # fmt: skip
    found = pages(database, view, vehicle_id, first, until_ms)
    return stream(chosen, head, found)


def _detail(head: Head, chosen: Format, first: First) -> dict[str, object]:
    """What the audit keeps of a look: the period, the format, and how many positions, where these are more than a page at least so many."""
    detail: dict[str, object] = {"from": iso(head.from_ms), "to": iso(head.until_ms), "format": chosen.name}
    return detail | {"positions_at_least" if first.more else "positions": len(first.rows)}


def stream(chosen: Format, head: Head, found: Pages) -> Response:
    """The answer."""
    if head.simplified_m is not None:
        found = simplified(found, head.simplified_m)
    headers = {"vary": "Accept"}
    if chosen.extension:
        headers["content-disposition"] = f'attachment; filename="{file_name(head, chosen)}"'
    if head.simplified_m is not None:
        headers["x-roadwatch-simplified-m"] = f"{head.simplified_m:g}"
    media_type = JSON_WITHOUT_A_STANDARD if head.gcj02 else chosen.media_type
    return StreamingResponse(chosen.write(head, found), media_type=media_type, headers=headers)


def file_name(head: Head, chosen: Format) -> str:
    """`track-7-20261123T000000Z.csv`: ids and times only, so that it fits every header and every file system."""
    moment = iso(head.from_ms).replace("-", "").replace(":", "")
    return f"track-{head.vehicle}-{moment}.{chosen.extension or chosen.name}"
