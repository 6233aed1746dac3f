"""Tracks of several vehicles as a job: a ZIP with a file for each vehicle that is in view, and a list of what is in it."""

import io
import zipfile
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from services.api.history import jobs
from services.api.history.formats import FORMATS, Format, Head
from services.api.history.period import checked_period
from services.api.history.purpose import Purpose, PurposeParameters
from services.api.history.shapes import Job
from services.api.history.tracking import first_page, pages, simplified
from services.api.idempotency import IdempotentRoute
from services.api.parameters import Time, parse_vehicle, time_ms
from services.api.problems import answers
from services.api.sessions import Body
from services.contracts.alert import iso
from services.store import api_queries
from services.store.times import to_time

MOST_VEHICLES = 200
MOST_BYTES = 128 << 20
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes

router = APIRouter(tags=["jobs"], route_class=IdempotentRoute)


def _vehicle(text: str) -> str:
    parse_vehicle(text)
    return text


Vehicle = Annotated[str, Field(max_length=40), AfterValidator(_vehicle)]


class ExportRequest(Body):
    """Whose tracks, when, as what."""

    vehicles: Annotated[list[Vehicle], Field(min_length=1, max_length=MOST_VEHICLES)] = Field(
        description="车辆编号或 车牌/颜色,至多 200 · ids as text, or plate/colour; at most 200"
    )
    from_: Time = Field(alias="from", description="起(含)· inclusive")
    to: Time = Field(description="止(不含),与 from 至多相距 31 天 · exclusive; at most 31 days after from")
    format: Literal["geojson", "mfjson", "csv", "gpx", "kml", "parquet"] = "geojson"
    simplify_m: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None

    def period(self) -> tuple[int, int]:
        """From and to, Unix ms."""
        return checked_period(time_ms(self.from_) or 0, time_ms(self.to) or 0, in_body=True)


@router.post(
    "/v1/exports",
    response_class=Response,
    status_code=202,
    responses={
        202: {"model": Job, "description": "taken on as a job"},
        **answers(
            [
                "invalid-body",
                "invalid-parameter",
                "unknown-parameter",
                "period-too-long",
                "purpose-required",
                "too-many-jobs",
                "unauthorized",
                "cross-site",
                "database-away",
            ]
        ),
    },
    summary="批量导出轨迹 · export several tracks",
)
async def create_export(
    request: Request, body: ExportRequest, _: Annotated[PurposeParameters, Query()], purpose: Purpose
) -> Response:
    """Takes on a job; its result is a ZIP with one file for each vehicle and `contents.json`, which says what is in it and what was not found."""
    body.period()
    asked = body.model_dump(by_alias=True, exclude_none=True)
    return await jobs.submit(request, "export", asked, purpose, "track.export", {"request": asked})


async def work(task: jobs.Task) -> jobs.Result:
    """The export."""
    body = ExportRequest.model_validate(task.request)
    vehicles = await _vehicles(task, body.vehicles)
    buffer, contents = io.BytesIO(), []
    written: dict[int, dict[str, Any]] = {}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, (name, vehicle) in enumerate(vehicles):
            said: dict[str, Any] = {"asked": name, "vehicle": vehicle, "file": None, "positions": 0}
            if vehicle in written:
                said |= written[vehicle]
            elif vehicle is not None:
                written[vehicle] = await _track(task, archive, buffer, body, vehicle)
                said |= written[vehicle]
            contents.append(said)
            await task.progress((place + 1) / len(vehicles))
        listed = {"from": body.from_, "to": body.to, "format": body.format, "tracks": contents}
        archive.writestr(zipfile.ZipInfo("contents.json", ZIP_EPOCH), msgspec.json.encode(listed))
    return jobs.Result(buffer.getvalue(), "application/zip", len(vehicles))


async def _vehicles(task: jobs.Task, given: list[str]) -> list[tuple[str, int | None]]:
    """Each name with the vehicle it means, once; None: there is none in view."""
    found: dict[str, int | None] = {}
    async with task.database.reading(task.view) as conn:
        for name in given:
            vehicle = parse_vehicle(name)
            if not isinstance(vehicle, int):
                ids = await api_queries.vehicle_ids(conn, [vehicle])
                vehicle = ids[0] if ids else 0
            known = await api_queries.vehicle(conn, task.view, vehicle, to_time(0)) if vehicle < 2**31 else []
            found[name] = vehicle if known else None
    return list(found.items())


async def _track(
    task: jobs.Task, archive: zipfile.ZipFile, buffer: io.BytesIO, body: ExportRequest, vehicle: int
) -> dict[str, Any]:
    from_ms, until_ms = body.period()
    chosen: Format = FORMATS[body.format]
    async with task.database.reading(task.view) as conn:
        (known, *_) = await api_queries.vehicle(conn, task.view, vehicle, to_time(until_ms))
    head = Head(vehicle, f"{known['plate']}/{known['plate_color']}", from_ms, until_ms, body.simplify_m)
    first = await first_page(task.database, task.view, vehicle, from_ms, until_ms)
    found = pages(task.database, task.view, vehicle, first, until_ms)
    if body.simplify_m is not None:
        found = simplified(found, body.simplify_m)
    counted = Counted(found)
    name = file_name(head, chosen, archive.namelist())
    entry = zipfile.ZipInfo(name, ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w") as file:
        async for piece in chosen.write(head, counted.pages()):
            file.write(piece)
            if buffer.tell() > MOST_BYTES:
                raise jobs.Failed(
                    "more than 128 MB; ask for fewer vehicles or a shorter period · 超过 128 MB,请减少车辆或缩短时段"
                )
    return {"file": name, "positions": counted.count}


def file_name(head: Head, chosen: Format, taken: Sequence[str]) -> str:
    """`宁A12345-yellow_20261123T000000Z_20261123T010000Z.csv`: letters (Chinese ones, too), digits and dashes; a name that is taken gets the vehicle's id as well."""
    plate = "".join(letter if letter.isalnum() else "-" for letter in head.name)
    moments = (
        iso(moment_ms).replace("-", "").replace(":", "") for moment_ms in (head.from_ms, head.until_ms)
    )
    stem, ending = "_".join([plate, *moments]), f".{chosen.extension or chosen.name}"
    return stem + ending if stem + ending not in taken else f"{stem}_{head.vehicle}{ending}"


class Counted:
    """Pages, counted on their way."""

    def __init__(self, found: Any) -> None:
        """None yet."""
        self.count = 0
        self._found = found

    async def pages(self) -> Any:
        """The pages as they were."""
        async for rows in self._found:
            self.count += len(rows)
            yield rows
