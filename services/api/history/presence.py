"""Who was there: vehicles with a fix inside an area during a period, and those that crossed it between two fixes, marked.

One row for each vehicle: `fixes` inside with the first and last of them; or, with none inside, `between_fixes` and the moments at which the
crossing legs began and ended. A leg counts when its two fixes follow each other within `max_gap_s`, touch the period, and 160 km/h would do.
Positions that the terminal did not fix do not count. The period is searched in slices of an hour, so that a long one shows its progress.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field, model_validator

from services.api.database import Database
from services.api.history import jobs
from services.api.history.period import checked_period
from services.api.history.purpose import Purpose, PurposeParameters, looked
from services.api.history.shapes import Job, PresencePage
from services.api.idempotency import IdempotentRoute
from services.api.parameters import Classes, Divisions, Names, Time, time_ms, wrong
from services.api.problems import Problem, answers
from services.api.sessions import Body
from services.api.state import state_of
from services.contracts.alert import iso
from services.store import presence
from services.store.scope import View
from services.store.times import to_ms

HOUR_MS = 3_600_000
AT_ONCE_HOURS, AT_ONCE_KM2 = 6, 20_000
MOST_KM2 = 200_000
AT_ONCE_ROWS, JOB_ROWS = 10_000, 100_000
SLICE_DEADLINE_S, JOB_SLICE_DEADLINE_S = 8.0, 120.0
MOST_POSITIONS = 1000

router = APIRouter(tags=["search"], route_class=IdempotentRoute)
Progress = Callable[[float], Awaitable[None]]


def _on_earth(place: tuple[float, float]) -> tuple[float, float]:
    if not (-180 <= place[0] <= 180 and -85 <= place[1] <= 85):
        raise wrong("place")
    return place


Place = Annotated[tuple[float, float], AfterValidator(_on_earth)]


class PresenceRequest(Body):
    """The area (a polygon's outer ring, or a line and its buffer), the period, and which vehicles."""

    polygon: Annotated[list[Place], Field(min_length=3, max_length=MOST_POSITIONS)] | None = Field(
        default=None, description="外环 [[lon,lat],…],WGS-84 · outer ring, closed or not"
    )
    line: Annotated[list[Place], Field(min_length=2, max_length=MOST_POSITIONS)] | None = Field(
        default=None, description="道路等折线 · a stretch of road"
    )
    buffer_m: Annotated[float, Field(ge=1, le=5000, allow_inf_nan=False)] | None = Field(
        default=None, description="折线两侧缓冲(米)· metres on each side of the line"
    )
    from_: Time = Field(alias="from", description="起(含)· inclusive")
    to: Time = Field(description="止(不含),与 from 至多相距 31 天 · exclusive; at most 31 days after from")
    classes: Classes = Field(default=[], description="车辆类别 · vehicle classes; none: all")
    operators: Names = Field(default=[], max_length=100, description="企业 · operators by name; none: all")
    divisions: Divisions = Field(
        default=[], description="行政区划前缀 · prefixes of division codes; none: all"
    )
    max_gap_s: Annotated[int, Field(ge=1, le=600)] = Field(
        default=120, description="两点间视为连续的最长间隔(秒)· longest leg that may cross between two fixes"
    )

    @model_validator(mode="after")
    def _one_area(self) -> "PresenceRequest":
        if (self.polygon is None) == (self.line is None) or (self.line is None) != (self.buffer_m is None):
            raise wrong("area")
        return self

    def period(self) -> tuple[int, int]:
        """From and to, Unix ms."""
        return checked_period(time_ms(self.from_) or 0, time_ms(self.to) or 0, in_body=True)

    def wanted(self) -> presence.Wanted:
        """Which vehicles."""
        return presence.Wanted(self.classes or None, self.operators or None, self.divisions or None)

    def said(self) -> dict[str, Any]:
        """As it is kept in the audit and in a job."""
        return self.model_dump(by_alias=True, exclude_defaults=True)


class PresenceParameters(PurposeParameters):
    """At once, or as a job."""

    job: bool = Field(default=False, description="作为任务提交 · ask for it as a job")


@dataclass(frozen=True, slots=True)
class Found:
    """Who was there: `total` vehicles, of which the first `stays` by time."""

    total: int
    stays: Sequence[presence.Stay]


@router.post(
    "/v1/search/presence",
    response_class=Response,
    responses={
        200: {"model": PresencePage},
        202: {"model": Job, "description": "taken on as a job"},
        **answers(
            [
                "invalid-body",
                "invalid-parameter",
                "unknown-parameter",
                "period-too-long",
                "purpose-required",
                "search-too-large",
                "area-invalid",
                "too-many-jobs",
                "unauthorized",
                "cross-site",
                "database-away",
            ]
        ),
    },
    summary="谁曾在场 · who was there",
)
async def search_presence(
    request: Request,
    body: PresenceRequest,
    parameters: Annotated[PresenceParameters, Query()],
    purpose: Purpose,
) -> Response:
    """Vehicles that were in an area during a period, by the time they came: exact, in view only, one row each.

    At once up to 6 hours and 20,000 km²; with `job=true` up to 31 days and 200,000 km². `truncated` says when there are more rows than are
    listed; `total` counts all of them.
    """
    state = state_of(request)
    view = await state.view(request)
    period = body.period()
    area = await area_of(state.database, view, body)
    if parameters.job:
        detail = {"request": body.said(), "km2": round(area.km2, 3)}
        return await jobs.submit(request, "presence", body.said(), purpose, "presence.job", detail)
    if period[1] - period[0] > AT_ONCE_HOURS * HOUR_MS or area.km2 > AT_ONCE_KM2:
        raise Problem("search-too-large", {"hours": AT_ONCE_HOURS, "km2": AT_ONCE_KM2})
    async with state.searches:
        found = await find(state.database, view, body, area, AT_ONCE_ROWS, SLICE_DEADLINE_S, _nobody_waits)
    answer = await document(state.database, view, found)
    await looked(
        request, "presence.search", "area", purpose, detail={"request": body.said(), "vehicles": found.total}
    )
    return Response(answer, media_type="application/json")


async def _nobody_waits(_: float) -> None:
    return


async def area_of(database: Database, view: View, body: PresenceRequest) -> presence.Area:
    """The area.

    Raises:
        Problem: `area-invalid`.
    """
    if body.polygon is not None:
        ring = body.polygon if body.polygon[0] == body.polygon[-1] else [*body.polygon, body.polygon[0]]
        wkt = f"POLYGON(({_places(ring)}))"
    else:
        wkt = f"LINESTRING({_places(body.line or ())})"
    if body.polygon is not None and len(ring) < 4:
        raise Problem("area-invalid", {"km2": MOST_KM2})
    async with database.reading(view) as conn:
        found = await presence.area(conn, wkt, body.buffer_m)
    if not found.valid or not 0 < found.km2 <= MOST_KM2:
        raise Problem("area-invalid", {"km2": MOST_KM2})
    return found


def _places(places: Sequence[tuple[float, float]]) -> str:
    return ",".join(f"{lon!r} {lat!r}" for lon, lat in places)


async def find(
    database: Database, view: View, body: PresenceRequest, area: presence.Area, most: int, deadline_s: float, progress: Progress
) -> Found:  # fmt: skip
    """Search slice by slice; of each vehicle the stays of the slices are joined. `progress` is told the part that is done."""
    begin, end = body.period()
    stays: dict[int, presence.Stay] = {}
    for start in range(begin, end, HOUR_MS):
        period = (start, min(start + HOUR_MS, end))
        async with database.reading(view.during(*presence.looked_at(period, body.max_gap_s))) as conn:
            part = await presence.search(
                conn, view, area, period, body.wanted(), max_gap_s=body.max_gap_s, deadline_s=deadline_s
            )
        for stay in part:
            known = stays.get(stay.vehicle)
            stays[stay.vehicle] = stay if known is None else known.joined(stay)
        await progress((min(start + HOUR_MS, end) - begin) / (end - begin))
    ordered = sorted(stays.values(), key=lambda stay: (stay.first, stay.vehicle))
    return Found(len(ordered), ordered[:most])


async def document(database: Database, view: View, found: Found) -> bytes:
    """The answer's JSON."""
    at_ms = to_ms(found.stays[0].first) if found.stays else 0
    async with database.reading(view) as conn:
        named = await presence.names(conn, view, [stay.vehicle for stay in found.stays], at_ms)
    items = [_item(stay, named.get(stay.vehicle)) for stay in found.stays]
    return msgspec.json.encode(
        {"items": items, "next": None, "total": found.total, "truncated": found.total > len(items)}
    )


def _item(stay: presence.Stay, named: Any) -> dict[str, Any]:
    fields = {"plate": "plate", "plate_color": "plate_color", "class": "vehicle_class", "operator": "operator", "division": "division"}  # fmt: skip
    return {
        "vehicle": stay.vehicle,
        **{name: None if named is None else named[column] for name, column in fields.items()},
        "first": iso(to_ms(stay.first)),
        "last": iso(to_ms(stay.last)),
        "fixes": stay.fixes,
        "between_fixes": stay.fixes == 0,
    }


async def work(task: jobs.Task) -> jobs.Result:
    """A search as a job."""
    body = PresenceRequest.model_validate(task.request)
    area = await area_of(task.database, task.view, body)
    found = await find(task.database, task.view, body, area, JOB_ROWS, JOB_SLICE_DEADLINE_S, task.progress)
    return jobs.Result(await document(task.database, task.view, found), "application/json", found.total)
