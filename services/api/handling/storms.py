"""Many alerts at once: unresolved ones in groups of one cause and place, and acknowledging a list of them."""

import asyncio
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator

from services.api.database import DatabaseAway
from services.api.handling import acting
from services.api.handling.acting import Ask
from services.api.handling.actions import person_of
from services.api.handling.bodies import Acknowledging, Seen
from services.api.handling.groups import MOST_LISTED, Unresolved, described, grouped
from services.api.handling.states import Change
from services.api.idempotency import PROBLEMS, IdempotentRoute
from services.api.language import language_of
from services.api.parameters import (
    Classes,
    Divisions,
    Handlings,
    Kinds,
    Names,
    Rules,
    Severities,
    Time,
    parse_time,
    time_ms,
    wrong,
)
from services.api.parameters import Query as QueryModel
from services.api.problems import Problem, answers
from services.api.problems import document as problem_document
from services.api.schemas_people import Acknowledged, GroupList
from services.api.state import state_of
from services.contracts.handling import Action
from services.runtime.clock import now_ms
from services.store import handling
from services.store.handling import GroupFilter
from services.store.times import to_ms

MOST_GROUPED = 5000

router = APIRouter(tags=["handling"], route_class=IdempotentRoute)


class GroupParameters(QueryModel):
    """Which alerts, and how far apart in time one storm's may be."""

    rule: Rules = Field(default=[], description="规则 · rules")
    kind: Kinds = Field(default=[], description="类型 · kinds")
    vehicle_class: Classes = Field(default=[], alias="class", description="车辆类别 · vehicle classes")
    operator: Names = Field(default=[], description="企业名称 · operators by name, repeat for several")
    division: Divisions = Field(default=[], description="行政区划代码前缀 · prefixes of division codes")
    severity: Severities = Field(default=[], description="等级 · severities")
    handling: Handlings = Field(
        default=[], description="处理状态,缺省为所有未办结 · states of handling; default: all but resolved"
    )
    from_: Time | None = Field(default=None, alias="from", description="开始时间不早于 · began at or after")
    to: Time | None = Field(default=None, description="开始时间早于 · began before")
    window: Annotated[int, Field(ge=60, le=86_400)] = Field(
        default=1800,
        description="相邻两条开始时间的最大间隔,秒 · most seconds from one's beginning to the next's",
    )

    listed: Annotated[int, Field(ge=0, le=MOST_GROUPED)] = Field(
        default=MOST_LISTED, description="每组至多列出的告警数 · alerts that a group lists at most"
    )

    @model_validator(mode="after")
    def _period(self) -> "GroupParameters":
        if self.from_ is not None and self.to is not None and parse_time(self.from_) >= parse_time(self.to):
            raise wrong("period")
        return self

    def wanted(self) -> GroupFilter:
        """The conditions as a value."""
        return GroupFilter(
            rules=self.rule or None, kinds=self.kind or None, classes=self.vehicle_class or None, operators=self.operator or None,
            divisions=self.division or None, severities=self.severity or None, handlings=self.handling or None,
            from_ms=time_ms(self.from_), to_ms=time_ms(self.to),
        )  # fmt: skip


@router.get(
    "/v1/alerts/groups",
    response_class=Response,
    responses={
        200: {"model": GroupList},
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized", "forbidden", "database-away"]),
    },
    summary="告警归并 · unresolved alerts in groups",
)
async def list_alert_groups(request: Request, parameters: Annotated[GroupParameters, Query()]) -> Response:
    """Unresolved alerts of one rule and kind at one place, else at one operator, close in time, as one group; every alert is in exactly one.

    The 5,000 latest begun are grouped; `left_out` counts older ones, which `to` reaches. A group lists `listed` of its alerts and counts all; with
    `handling=open` they are those that nobody has acknowledged yet, in the form that `POST /v1/alerts/acknowledge` takes.
    """
    state = state_of(request)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        rows = await handling.unresolved(conn, view, parameters.wanted(), MOST_GROUPED)
    total = rows[0]["total"] if rows else 0
    body = await asyncio.to_thread(_answered, rows, parameters, total)
    return Response(body, media_type="application/json")


def _answered(rows: list[asyncpg.Record], parameters: GroupParameters, total: int) -> bytes:
    found = grouped((_unresolved(row) for row in rows), parameters.window * 1000)
    items = [described(group, parameters.listed) for group in found]
    return msgspec.json.encode({"items": items, "alerts": len(rows), "left_out": total - len(rows)})


def _unresolved(row: asyncpg.Record) -> Unresolved:
    return Unresolved(
        id=row["id"], version=row["handling_version"], handling=row["handling"], rule=row["rule"], kind=row["kind"],
        operator=row["operator"], severity_rank=row["severity_rank"], began_ms=to_ms(row["began"]), lon=row["lon"], lat=row["lat"],
        road=row["road"],
    )  # fmt: skip


@router.post(
    "/v1/alerts/acknowledge",
    response_class=Response,
    responses={
        200: {"model": Acknowledged},
        **answers(["invalid-body", *PROBLEMS, "unauthorized", "forbidden", "database-away"]),
    },
    summary="批量知晓 · acknowledge many",
)
async def acknowledge_alerts(request: Request, body: Acknowledging) -> Response:
    """Each alert for itself, as `/v1/alerts/{id}/acknowledge` does it: what was done stays done whatever becomes of the others."""
    items = [await _one(request, item, body.text) for item in body.items]
    done = sum(item["problem"] is None for item in items)
    answer = {"items": items, "done": done, "refused": len(items) - done}
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def _one(request: Request, item: Seen, text: str | None) -> dict[str, Any]:
    state = state_of(request)
    ask = Ask(Change(action=Action.ACKNOWLEDGE), frozenset({str(item.version)}), text)
    try:
        view = await state.view(request)
        async with state.database.writing(view) as conn:
            done = await acting.act(conn, view, item.id, ask, person_of(request), now_ms())
            await state.audit(conn, request, "alert.acknowledge", item.id, detail=done.said)
    except Problem as error:
        problem = error
    except DatabaseAway:
        problem = Problem("database-away")
    else:
        return {"id": item.id, "version": done.version, "problem": None}
    return {"id": item.id, "version": None, "problem": problem_document(problem, language_of(request.scope))}
