"""A shift's summary: what is open, what was done, by whom."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.api import labels
from services.api.parameters import Query as QueryModel
from services.api.parameters import Time, parse_time
from services.api.problems import Problem, answers, invalid
from services.api.schemas_people import ShiftSummary
from services.api.state import state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import handling
from services.store.times import to_ms

MOST_DAYS = 31
DAY_MS = 86_400_000

router = APIRouter(tags=["handling"])


class ShiftParameters(QueryModel):
    """The shift."""

    from_: Time = Field(alias="from", description="交接班起 · the shift's beginning")
    to: Time = Field(description="交接班止,与 from 至多相距 31 天 · its end; at most 31 days after from")


@router.get(
    "/v1/shifts/summary",
    response_class=Response,
    responses={
        200: {"model": ShiftSummary},
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "period-too-long",
                "unauthorized",
                "forbidden",
                "database-away",
            ]
        ),
    },
    summary="交接班小结 · a shift's summary",
)
async def get_shift_summary(request: Request, parameters: Annotated[ShiftParameters, Query()]) -> Response:
    """What was done from `from` until `to` and by whom, and what of the alerts begun before `to` is still open now; within your view."""
    from_ms, to = to_ms(parse_time(parameters.from_)), to_ms(parse_time(parameters.to))
    if from_ms >= to:
        raise invalid("to", "应晚于 from", "must be after from")
    if to - from_ms > MOST_DAYS * DAY_MS:
        raise Problem("period-too-long", {"days": MOST_DAYS})
    state, at_ms = state_of(request), now_ms()
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        began = await handling.began(conn, view, from_ms, to)
        standing = await handling.standing(conn, view, to, at_ms)
        done = await handling.done(conn, view, from_ms, to)
    body = {
        "from": iso(from_ms), "to": iso(to), "as_of": iso(at_ms), "began": began, "open": open_part(standing), "done": done_part(done),
    }  # fmt: skip
    return Response(msgspec.json.encode(body), media_type="application/json")


def open_part(rows: Iterable[asyncpg.Record]) -> dict[str, Any]:
    """Counts of what is open, every code present."""
    handlings = dict.fromkeys(labels.codes(labels.HANDLINGS)[:-1], 0)
    severities = dict.fromkeys(labels.codes(labels.SEVERITIES), 0)
    overdue = 0
    for row in rows:
        handlings[row["handling"]] += row["alerts"]
        severities[row["severity"]] += row["alerts"]
        overdue += row["overdue"]
    return {
        "alerts": sum(handlings.values()),
        "handlings": handlings,
        "severities": severities,
        "overdue": overdue,
    }


def done_part(rows: Iterable[asyncpg.Record]) -> dict[str, Any]:
    """Counts of what was done: by action, by reason of what was resolved, and by actor, the busiest first."""
    actions = dict.fromkeys(labels.codes(labels.ACTIONS), 0)
    reasons = dict.fromkeys(labels.codes(labels.RESOLUTIONS), 0)
    actors: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    names: dict[str, str] = {}
    for row in rows:
        names[row["actor"]] = row["actor_name"]
        actions[row["action"]] += row["actions"]
        actors[row["actor"]][row["action"]] += row["actions"]
        if row["reason"] is not None:
            reasons[row["reason"]] += row["actions"]
    people = [
        {
            "id": actor,
            "name": names[actor],
            "total": sum(counts.values()),
            "actions": dict(sorted(counts.items())),
        }
        for actor, counts in sorted(actors.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    ]
    return {"total": sum(actions.values()), "actions": actions, "resolutions": reasons, "by": people}
