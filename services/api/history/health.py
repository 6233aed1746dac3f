"""What a vehicle's terminal is like: its clock against the arrival, its interval, what of its reports can be used; from history alone."""

from typing import Annotated, Any

import asyncpg
import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request, Response

from services.api.history.journeys import LOOKS
from services.api.history.period import PeriodParameters
from services.api.history.purpose import Purpose, looked
from services.api.history.shapes import TerminalHealth
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.api.vehicles import VehicleId
from services.contracts import terminal_health as figures
from services.contracts.alert import iso
from services.contracts.fix import SATELLITES_UNKNOWN
from services.contracts.terminal_health import Columns
from services.runtime.clock import now_ms
from services.store import api_queries, terminal_health
from services.store.times import to_ms, to_time

MOST_REPORTS = 20_000
"""The newest so many of the period are looked at: two days of a report each 10 seconds."""

router = APIRouter(tags=["vehicles"])


@router.get(
    "/v1/vehicles/{vehicle_id}/health",
    response_class=Response,
    responses={200: {"model": TerminalHealth}, **answers(LOOKS)},
    summary="终端健康 · a vehicle's terminal",
)
async def get_vehicle_health(
    request: Request,
    vehicle_id: VehicleId,
    parameters: Annotated[PeriodParameters, Query()],
    purpose: Purpose,
) -> Response:
    """The terminal's clock, interval and usable reports, over the newest 20,000 reports of the period (default: the last 24 hours).

    Reports uploaded later (BACKFILL) are counted and set aside. What was kept out is not part of it: a clock more than 60 s ahead shows in
    /v1/rejected as FUTURE, not here.
    """
    period = parameters.period(now_ms())
    state = state_of(request)
    view = await state.view(request)
    target = f"vehicle:{vehicle_id}"
    async with state.database.reading(view.during(*period)) as conn:
        known = await api_queries.vehicle(conn, view, vehicle_id, to_time(period[1]))
        rows = await terminal_health.newest(conn, view, vehicle_id, period, MOST_REPORTS + 1) if known else []
    if not known:
        await looked(request, "health.read", target, purpose, outcome="vehicle-not-found")
        raise Problem("vehicle-not-found", {"id": vehicle_id})
    detail = {"from": iso(period[0]), "to": iso(period[1]), "count": len(rows)}
    await looked(request, "health.read", target, purpose, detail=detail)
    return Response(msgspec.json.encode(told(rows, period)), media_type="application/json")


def told(newest: list[asyncpg.Record], period: tuple[int, int]) -> dict[str, Any]:
    """The answer to rows, the newest first, of which one more than is looked at may have been read."""
    rows = newest[:MOST_REPORTS][::-1]
    live = [row for row in rows if not row["flags"] & terminal_health.BACKFILL]
    columns = columns_of(live)
    offset = figures.offset(columns)
    return {
        "from": iso(period[0]),
        "to": iso(period[1]),
        "reports": len(live),
        "backfilled": len(rows) - len(live),
        "truncated": len(newest) > MOST_REPORTS,
        "last": None if not rows else {
            "taken": iso(to_ms(rows[-1]["at"])),
            "received": None if rows[-1]["received"] is None else iso(to_ms(rows[-1]["received"])),
        },
        "clock": offset.clock,
        "clock_offset_s": offset.median_s,
        "clock_spread_s": offset.spread_s,
        "interval_s": figures.interval_s(columns),
        "speed": figures.speed(columns),
        "share_without_speed": figures.without_speed(columns),
        "share_flagged": figures.flagged(columns),
        "share_frozen": figures.frozen(columns),
        "satellites": figures.satellites(columns),
    }  # fmt: skip


def columns_of(rows: list[asyncpg.Record]) -> Columns:
    """Rows as columns."""

    def whole(values: list[int]) -> figures.Ints:
        return np.array(values, np.int64)

    counted = whole([row["satellites"] for row in rows])
    return Columns(
        time_ms=whole([to_ms(row["at"]) for row in rows]),
        received_ms=whole([0 if row["received"] is None else to_ms(row["received"]) for row in rows]),
        speed=whole([row["speed"] for row in rows]),
        lon=np.array([row["lon"] for row in rows], np.float64),
        lat=np.array([row["lat"] for row in rows], np.float64),
        flags=whole([row["flags"] for row in rows]),
        satellites=np.where(counted == SATELLITES_UNKNOWN, -1, counted),
    )
