"""The actions on one alert, and what was done with it."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import Field

from services.api.cursors import Cursors
from services.api.handling import acting
from services.api.handling.acting import Ask, version_tags
from services.api.handling.bodies import Assignment, Comment, Note, Resolving, Supervising
from services.api.handling.states import Change
from services.api.idempotency import PROBLEMS, IdempotentRoute, keep
from services.api.identity import principal_of
from services.api.parameters import DEFAULT_LIMIT, MESSAGES, Cursor, Limit, parse_time
from services.api.parameters import Query as QueryModel
from services.api.problems import Fault, Problem, answers
from services.api.schemas import Alert
from services.api.schemas_people import ActionPage
from services.api.state import state_of
from services.contracts.alert import iso
from services.contracts.handling import Action, Person
from services.runtime.clock import now_ms
from services.store import api_queries, handling
from services.store.times import to_ms

LONGEST_DUE_MS = 366 * 86_400_000
UNCONDITIONAL = (
    "invalid-body",
    *PROBLEMS,
    "unauthorized",
    "forbidden",
    "alert-not-found",
    "database-away",
)
CONDITIONAL = (
    *UNCONDITIONAL,
    "wrong-handling",
    "changed-meanwhile",
    "wrong-version",
    "precondition-required",
)

router = APIRouter(tags=["handling"], route_class=IdempotentRoute)
AlertId = Annotated[str, Path(max_length=64)]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="读取告警时的 ETag · the ETag that the alert was read with"),
]


def person_of(request: Request) -> Person:
    """Who acts."""
    principal = principal_of(request)
    return Person(
        id=principal.id, name=principal.name, role=None if principal.role is None else principal.role.value
    )


async def _done(request: Request, alert_id: str, ask: Ask) -> Response:
    """Do what is asked, with its audit row and, under a key, its answer, in one transaction."""
    state = state_of(request)
    view = await state.view(request)
    async with state.database.writing(view) as conn:
        done = await acting.act(conn, view, alert_id, ask, person_of(request), now_ms())
        answer = Response(
            done.document, media_type="application/json",
            headers={"etag": f'"{done.version}"', "cache-control": "no-store"},
        )  # fmt: skip
        await keep(conn, request, answer)
        await state.audit(conn, request, f"alert.{ask.change.action}", alert_id, detail=done.said)
    return answer


def _responses(codes: tuple[str, ...]) -> dict[int | str, dict[str, Any]]:
    return {200: {"model": Alert}, **answers(codes)}


@router.post(
    "/v1/alerts/{alert_id}/acknowledge",
    response_class=Response,
    responses=_responses(CONDITIONAL),
    summary="知晓 · acknowledge",
)
async def acknowledge_alert(
    request: Request, alert_id: AlertId, body: Note | None = None, if_match: IfMatch = None
) -> Response:
    """Somebody has seen it."""
    change = Change(action=Action.ACKNOWLEDGE)
    return await _done(request, alert_id, Ask(change, version_tags(if_match), body.text if body else None))


@router.post(
    "/v1/alerts/{alert_id}/claim",
    response_class=Response,
    responses=_responses(CONDITIONAL),
    summary="认领 · claim",
)
async def claim_alert(
    request: Request, alert_id: AlertId, body: Note | None = None, if_match: IfMatch = None
) -> Response:
    """It is mine from now on, whoever had it before."""
    change = Change(action=Action.CLAIM)
    return await _done(request, alert_id, Ask(change, version_tags(if_match), body.text if body else None))


@router.post(
    "/v1/alerts/{alert_id}/assign",
    response_class=Response,
    responses=_responses(CONDITIONAL),
    summary="派发 · assign",
)
async def assign_alert(
    request: Request, alert_id: AlertId, body: Assignment, if_match: IfMatch = None
) -> Response:
    """Give it to an account that sees it and may handle alerts."""
    change = Change(action=Action.ASSIGN)
    return await _done(request, alert_id, Ask(change, version_tags(if_match), body.text, body.account))


@router.post(
    "/v1/alerts/{alert_id}/comment",
    response_class=Response,
    responses=_responses((*UNCONDITIONAL, "changed-meanwhile", "wrong-version")),
    summary="备注 · comment",
)
async def comment_alert(
    request: Request, alert_id: AlertId, body: Comment, if_match: IfMatch = None
) -> Response:
    """A word about it, in any state. It changes nothing else, so `If-Match` may be left out; the version grows all the same."""
    versions = None if if_match is None or if_match.strip() == "*" else version_tags(if_match)
    return await _done(request, alert_id, Ask(Change(action=Action.COMMENT), versions, body.text))


@router.post(
    "/v1/alerts/{alert_id}/supervise",
    response_class=Response,
    responses=_responses(CONDITIONAL),
    summary="督办 · supervise",
)
async def supervise_alert(
    request: Request, alert_id: AlertId, body: Supervising, if_match: IfMatch = None
) -> Response:
    """It must be resolved until `due`; else the system escalates it (`alert.escalated`), once. A new supervision takes the place of the old one."""
    versions, at_ms, due_ms = version_tags(if_match), now_ms(), to_ms(parse_time(body.due))
    if not at_ms < due_ms <= at_ms + LONGEST_DUE_MS:
        raise Problem("invalid-body", faults=(Fault("#/body/due", *MESSAGES["due"]),))
    change = Change(action=Action.SUPERVISE, supervision=body.level, due=iso(due_ms))
    return await _done(request, alert_id, Ask(change, versions, body.text))


@router.post(
    "/v1/alerts/{alert_id}/resolve",
    response_class=Response,
    responses=_responses(CONDITIONAL),
    summary="办结 · resolve",
)
async def resolve_alert(
    request: Request, alert_id: AlertId, body: Resolving, if_match: IfMatch = None
) -> Response:
    """It is done with, and why. What judging still finds out about it comes as events all the same."""
    change = Change(action=Action.RESOLVE, reason=body.reason)
    return await _done(request, alert_id, Ask(change, version_tags(if_match), body.text))


@router.post(
    "/v1/alerts/{alert_id}/reopen",
    response_class=Response,
    responses=_responses(CONDITIONAL),
    summary="重新打开 · reopen",
)
async def reopen_alert(
    request: Request, alert_id: AlertId, body: Comment, if_match: IfMatch = None
) -> Response:
    """A resolved alert is open again and nobody's; a supervision that was not escalated runs on."""
    change = Change(action=Action.REOPEN)
    return await _done(request, alert_id, Ask(change, version_tags(if_match), body.text))


class ActionParameters(QueryModel):
    """Paging."""

    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


@router.get(
    "/v1/alerts/{alert_id}/actions",
    response_class=Response,
    responses={
        200: {"model": ActionPage},
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "invalid-cursor",
                "cursor-mismatch",
                "unauthorized",
                "forbidden",
                "alert-not-found",
                "database-away",
            ]
        ),
    },
    summary="处理记录 · what was done with an alert",
)
async def list_actions(
    request: Request, alert_id: AlertId, parameters: Annotated[ActionParameters, Query()]
) -> Response:
    """Everything that was done with it, by whom and when, in order; nothing is ever changed or taken back here."""
    state = state_of(request)
    cursors = Cursors(state.settings.token, "actions")
    after = 0 if parameters.cursor is None else int(cursors.read(parameters.cursor, alert_id)[0])
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        if "\0" in alert_id or await api_queries.alert(conn, view, alert_id) is None:
            raise Problem("alert-not-found", {"id": alert_id})
        rows = await handling.actions(conn, view, alert_id, after, parameters.limit + 1)
    shown, following = cursors.cut(rows, parameters.limit, lambda row: (row["version"],), alert_id)
    body = msgspec.json.encode({"items": [acting.told(row) for row in shown], "next": following})
    return Response(body, media_type="application/json")
