"""Trips, stops and mileage of a vehicle: the same rows whatever period is asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request, Response

from services.api.history.legs import GAP_MS, Legs, Way, apart, doubts, joined, legs, source
from services.api.history.period import PeriodParameters
from services.api.history.purpose import Purpose, looked
from services.api.history.reading import Reader, Seen, too_short, whole_blocks
from services.api.history.segments import Row
from services.api.history.shapes import Mileage, StopPage, TripPage
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.api.vehicles import VehicleId
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import api_queries
from services.store.times import to_ms, to_time

PLAUSIBLE = 1600  # 0.1 km/h
LOOKS = [
    "invalid-parameter", "unknown-parameter", "period-too-long", "purpose-required", "vehicle-not-found", "unauthorized",
    "database-away",
]  # fmt: skip

router = APIRouter(tags=["vehicles"])


@router.get(
    "/v1/vehicles/{vehicle_id}/trips",
    response_class=Response,
    responses={200: {"model": TripPage}, **answers(LOOKS)},
    summary="行程 · trips",
)
async def list_trips(
    request: Request,
    vehicle_id: VehicleId,
    parameters: Annotated[PeriodParameters, Query()],
    purpose: Purpose,
) -> Response:
    """Trips that touch the period, whole: one that began before `from` is shown from its true beginning.

    A trip runs from its first moving fix (5 km/h) to the fix at which it stood (3 km/h) for five minutes or more, or to the last before a silence of
    more than 20 minutes. What goes on for more than a day beyond the period is `cut`; what has not ended yet is `open`.
    """
    period, seen = await _seen(request, vehicle_id, parameters, "trips.read", purpose)
    walked = legs(seen.way)
    items = [_trip(seen, walked, row) for row in seen.rows if row.trip]
    await _looked(request, "trips.read", vehicle_id, period, purpose, len(items))
    return _json({"items": items, "next": None, "gaps": _gaps(seen, period)})


@router.get(
    "/v1/vehicles/{vehicle_id}/stops",
    response_class=Response,
    responses={200: {"model": StopPage}, **answers(LOOKS)},
    summary="停车 · stops",
)
async def list_stops(
    request: Request,
    vehicle_id: VehicleId,
    parameters: Annotated[PeriodParameters, Query()],
    purpose: Purpose,
) -> Response:
    """Stops of five minutes or more that touch the period, whole, by the same definition as trips."""
    period, seen = await _seen(request, vehicle_id, parameters, "stops.read", purpose)
    items = [_stop(seen, row) for row in seen.rows if not row.trip and not too_short(seen.way, row)]
    await _looked(request, "stops.read", vehicle_id, period, purpose, len(items))
    return _json({"items": items, "next": None, "gaps": _gaps(seen, period)})


@router.get(
    "/v1/vehicles/{vehicle_id}/mileage",
    response_class=Response,
    responses={200: {"model": Mileage}, **answers(LOOKS)},
    summary="里程 · mileage",
)
async def get_mileage(
    request: Request,
    vehicle_id: VehicleId,
    parameters: Annotated[PeriodParameters, Query()],
    purpose: Purpose,
) -> Response:
    """Distance of the legs whose later fix lies in the period, so that the parts of a period add up to the whole.

    A leg is taken from the odometer where both readings are there and can be believed, else measured between the positions; `source` says which.
    Legs of more than 20 minutes are contained, and shown as gaps.
    """
    period = parameters.period(now_ms())
    reader = await _reader(request, vehicle_id, period, "mileage.read", purpose)
    around = whole_blocks(*period)
    way = await reader.way(*around)
    before, after = await reader.neighbours(*around)
    body = mileage(joined([before, way]), period, ZoneInfo(state_of(request).settings.timezone))
    body["gaps"] = _gaps(Seen(way, [], before, after), period)
    await _looked(request, "mileage.read", vehicle_id, period, purpose, body["fixes"])
    return _json(body)


async def _reader(
    request: Request, vehicle: int, period: tuple[int, int], action: str, purpose: str | None
) -> Reader:
    state = state_of(request)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        known = await api_queries.vehicle(conn, view, vehicle, to_time(period[1]))
    if not known:
        await looked(request, action, f"vehicle:{vehicle}", purpose, outcome="vehicle-not-found")
        raise Problem("vehicle-not-found", {"id": vehicle})
    return Reader(state.database, view, vehicle)


async def _seen(
    request: Request, vehicle: int, parameters: PeriodParameters, action: str, purpose: str | None
) -> tuple[tuple[int, int], Seen]:
    period = parameters.period(now_ms())
    reader = await _reader(request, vehicle, period, action, purpose)
    return period, await reader.seen(*period, now_ms())


async def _looked(
    request: Request, action: str, vehicle: int, period: tuple[int, int], purpose: str | None, count: int
) -> None:
    detail = {"from": iso(period[0]), "to": iso(period[1]), "count": count}
    await looked(request, action, f"vehicle:{vehicle}", purpose, detail=detail)


def _json(body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")


def _row(seen: Seen, row: Row) -> dict[str, Any]:
    """What trips and stops have in common; loose at the very end of what there is means open, elsewhere cut."""
    is_open = row.loose_end and not len(seen.after)
    return {
        "began": iso(int(seen.way.time_ms[row.first])),
        "ended": iso(int(seen.way.time_ms[row.last])),
        "open": is_open,
        "cut": row.loose_start or (row.loose_end and not is_open),
        "fixes": row.last - row.first + 1,
    }


def _trip(seen: Seen, walked: Legs, row: Row) -> dict[str, Any]:
    part = slice(row.first, row.last)
    speeds = seen.way.speed[row.first : row.last + 1]
    speeds = speeds[(speeds >= 0) & (speeds <= PLAUSIBLE)]
    return {
        **_row(seen, row),
        "from": _place(seen.way, row.first),
        "to": _place(seen.way, row.last),
        "distance_km": km(walked.distance_m[part].sum()),
        "distance_source": source(walked.distance_m[part], walked.by_odometer[part]),
        "odometer_doubts": doubts(walked.doubt[part]),
        "max_speed_kmh": int(speeds.max()) / 10 if len(speeds) else None,
    }


def _stop(seen: Seen, row: Row) -> dict[str, Any]:
    way, stood = seen.way, slice(row.first, max(row.last, row.first + 1))
    return {
        **_row(seen, row),
        "place": [round(float(np.median(way.lon[stood])), 7), round(float(np.median(way.lat[stood])), 7)],
        "duration_s": int(way.time_ms[row.last] - way.time_ms[row.first]) // 1000,
    }


def _place(way: Way, at: int) -> list[float]:
    return [round(float(way.lon[at]), 7), round(float(way.lat[at]), 7)]


def _gaps(seen: Seen, period: tuple[int, int]) -> list[dict[str, Any]]:
    """Silences that touch the period, those at its edges with the fixes beyond; one that lasts has no end."""
    way = joined([seen.before, seen.way, seen.after])
    found = []
    if len(way) > 1:
        for at in np.flatnonzero(np.diff(way.time_ms) > GAP_MS).tolist():
            began, ended = int(way.time_ms[at]), int(way.time_ms[at + 1])
            if began < period[1] and ended > period[0]:
                found.append(_gap(way, at))
    if len(way) and not len(seen.after) and period[1] - int(way.time_ms[-1]) > GAP_MS:
        since = iso(int(way.time_ms[-1]))
        found.append({"began": since, "ended": None, "displacement_km": None, "odometer_km": None})
    return found


def _gap(way: Way, at: int) -> dict[str, Any]:
    across = legs(way.part(at, at + 2))
    (away_m,) = apart(*(part[at + place : at + place + 1] for place in (0, 1) for part in (way.lon, way.lat)))
    read = int(way.odometer_m[at + 1] - way.odometer_m[at])
    return {
        "began": iso(int(way.time_ms[at])),
        "ended": iso(int(way.time_ms[at + 1])),
        "displacement_km": km(away_m),
        "odometer_km": km(read) if across.by_odometer[0] else None,
    }


def mileage(way: Way, period: tuple[int, int], zone: ZoneInfo) -> dict[str, Any]:
    """The distance of the legs whose later fix lies in the period (Unix ms, half-open), of a way that begins and ends beyond it; by local days."""
    walked = legs(way)
    first, last = (int(np.searchsorted(way.time_ms[1:], moment_ms)) for moment_ms in period)
    part = slice(first, last)
    return {
        **_sums(walked, part),
        "by_positions_km": km(walked.by_positions_m[part].sum()),
        "source": source(walked.distance_m[part], walked.by_odometer[part]),
        "odometer_doubts": doubts(walked.doubt[part]),
        "fixes": int(np.count_nonzero((way.time_ms >= period[0]) & (way.time_ms < period[1]))),
        "days": [
            {"day": day, **_sums(walked, slice(first + begin, first + end))}
            for day, begin, end in days(way.time_ms[1:][part], zone)
        ],
    }


def _sums(walked: Legs, part: slice) -> dict[str, float]:
    metres, by_odometer = walked.distance_m[part], walked.by_odometer[part]
    return {
        "distance_km": km(metres.sum()),
        "odometer_km": km(metres[by_odometer].sum()),
        "positions_km": km(metres[~by_odometer].sum()),
        "gaps_km": km(metres[walked.gap[part]].sum()),
    }


def days(times_ms: Any, zone: ZoneInfo) -> Sequence[tuple[str, int, int]]:
    """Local days with the places of the moments that fall on them."""
    found: list[tuple[str, int, int]] = []
    begin = 0
    while begin < len(times_ms):
        local = to_time(int(times_ms[begin])).astimezone(zone)
        midnight = datetime(local.year, local.month, local.day, tzinfo=zone) + timedelta(days=1)
        end = int(np.searchsorted(times_ms, to_ms(midnight), side="left"))
        found.append((local.date().isoformat(), begin, end))
        begin = end
    return found


def km(metres: float) -> float:
    """Kilometres to the metre."""
    return round(float(metres) / 1000, 3)
