"""Jobs: long work asked for over the api, done by whichever api process takes it; state, progress, cancel, result.

A job sees what its account sees when it runs, not when it was asked for; an account that lost the permission gets a failed job.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.api.cursors import Cursors, age_of
from services.api.database import Database
from services.api.history.purpose import looked
from services.api.history.shapes import Job, JobPage
from services.api.idempotency import keep
from services.api.identity import SYSTEM, Principal, principal_of
from services.api.parameters import Nothing, Paging
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import jobs
from services.store.scope import View
from services.store.times import to_ms

MOST_UNDONE = 5
PURPOSE = "purpose"
"""Kept in the request, so that whoever fetches the result does so for the same."""
SEEN_BY: Mapping[str, str] = {
    "presence": "tracks:read",
    "export": "tracks:read or tracks:export",
    "webhook.recover": "webhooks:manage",
}
"""Of each kind: the permission to see, fetch and cancel one's own; whoever may begin one has it."""

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(pattern=r"^job_[0-9a-f]{32}$", description="任务编号 · the job's id")]


@dataclass(frozen=True, slots=True)
class Task:
    """A job as its work sees it: what was asked, whose rows it may read, and whom to tell how far it is.

    `progress` raises `Ended` when the job was cancelled or given to another.
    """

    request: dict[str, Any]
    database: Database
    view: View
    progress: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Result:
    """What came out; `count` of rows or files."""

    body: bytes
    media_type: str
    count: int


class Ended(Exception):
    """The job is not ours any more: cancelled, or taken over."""


class Failed(Exception):
    """The job cannot be done; the text is for whoever asked."""


def owner(principal: Principal) -> str | None:
    """Whose jobs a principal sees; None: everybody's."""
    return None if principal is SYSTEM else principal.id


def kinds(principal: Principal) -> list[str]:
    """Kinds of jobs that a principal may look at; its jobs of other kinds are not there for it."""
    return [kind for kind, permission in SEEN_BY.items() if principal.may(permission)]


async def submit(
    request: Request,
    kind: str,
    asked: dict[str, Any],
    purpose: str | None,
    action: str,
    detail: dict[str, Any],
) -> Response:
    """Take a job on, and write down why, in one transaction.

    Raises:
        Problem: `too-many-jobs`.
    """
    state, principal = state_of(request), principal_of(request)
    job = f"job_{uuid.uuid4().hex}"
    async with state.database.writing(await state.view(request)) as conn:
        if await jobs.undone(conn, principal.id) >= MOST_UNDONE:
            raise Problem("too-many-jobs", {"most": MOST_UNDONE})
        await jobs.add(conn, job, principal.id, kind, asked | {PURPOSE: purpose}, now_ms())
        row = await jobs.get(conn, principal.id, list(SEEN_BY), job)
        assert row is not None  # noqa: S101 - it was put there
        body, location = msgspec.json.encode(_job(row)), {"location": f"/v1/jobs/{job}"}
        answer = Response(body, 202, location, media_type="application/json")
        await keep(conn, request, answer)
        await state.audit(conn, request, action, job, purpose=purpose, detail=detail)
    state.jobs_waiting.set()
    return answer


def _job(row: asyncpg.Record) -> dict[str, Any]:
    fetched = row["state"] == "done" and row["bytes"] is not None  # a recovery leaves nothing to fetch
    return {
        "id": row["id"],
        "kind": row["kind"],
        "state": row["state"],
        "progress": round(row["progress"], 4),
        "created": iso(to_ms(row["created_at"])),
        "done": None if row["done_at"] is None else iso(to_ms(row["done_at"])),
        "error": row["error"],
        "bytes": row["bytes"],
        "result": f"/v1/jobs/{row['id']}/result" if fetched else None,
        "request": row["request"],
    }


@router.get(
    "/v1/jobs",
    response_class=Response,
    responses={
        200: {"model": JobPage},
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "invalid-cursor",
                "cursor-mismatch",
                "unauthorized",
                "database-away",
            ]
        ),
    },
    summary="任务列表 · jobs",
)
async def list_jobs(request: Request, parameters: Annotated[Paging, Query()]) -> Response:
    """One's own jobs of the last seven days, newest first: searches, exports and recoveries, each kind if one has a permission that begins it."""
    return await page(request, parameters)


async def page(request: Request, parameters: Paging, endpoint: str | None = None) -> Response:
    """A page of one's own jobs; `endpoint`: of a webhook endpoint's recoveries alone."""
    state, principal = state_of(request), principal_of(request)
    cursors, conditions = Cursors(state.settings.token, "jobs"), endpoint or ""
    after = cursors.read_age(parameters.cursor, conditions)
    async with state.database.reading(await state.view(request)) as conn:
        rows = await jobs.latest(
            conn, owner(principal), kinds(principal), after, parameters.limit + 1, endpoint=endpoint
        )
    items, following = cursors.cut(rows, parameters.limit, age_of, conditions)
    body = msgspec.json.encode({"items": [_job(row) for row in items], "next": following})
    return Response(body, media_type="application/json")


async def _found(request: Request, job: str) -> asyncpg.Record:
    state, principal = state_of(request), principal_of(request)
    async with state.database.reading(await state.view(request)) as conn:
        row = await jobs.get(conn, owner(principal), kinds(principal), job)
    if row is None:
        raise Problem("job-not-found", {"id": job})
    return row


@router.get(
    "/v1/jobs/{job_id}",
    response_class=Response,
    responses={
        200: {"model": Job},
        **answers(
            ["invalid-parameter", "unknown-parameter", "job-not-found", "unauthorized", "database-away"]
        ),
    },
    summary="单个任务 · one job",
)
async def get_job(request: Request, job_id: JobId, _: Annotated[Nothing, Query()]) -> Response:
    """State and progress (0 to 1); `result` is where to fetch what came out, once it is done."""
    return Response(msgspec.json.encode(_job(await _found(request, job_id))), media_type="application/json")


@router.get(
    "/v1/jobs/{job_id}/result",
    response_class=Response,
    responses={
        200: {
            "description": "what came out: JSON of a search, ZIP of an export",
            "content": {
                "application/zip": {"schema": {"type": "string", "format": "binary"}},
                "application/json": {"schema": {"$ref": "#/components/schemas/PresencePage"}},
            },
        },
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "job-not-found",
                "no-result",
                "job-not-done",
                "unauthorized",
                "database-away",
            ]
        ),
    },
    summary="任务结果 · a job's result",
)
async def get_job_result(request: Request, job_id: JobId, _: Annotated[Nothing, Query()]) -> Response:
    """What came out of a job that is done; fetching it is audited, under the purpose it was asked for with."""
    row = await _found(request, job_id)
    if row["state"] != "done":
        raise Problem("job-not-done", {"id": job_id, "state": row["state"]})
    if row["bytes"] is None:
        raise Problem("no-result", {"id": job_id, "kind": row["kind"]})
    purpose = row["request"].get(PURPOSE)
    await looked(request, "job.read", job_id, purpose, detail={"kind": row["kind"], "bytes": row["bytes"]})
    state = state_of(request)
    body = _pieces(state.database, await state.view(request), job_id, row["bytes"])
    headers = {"content-length": str(row["bytes"])}
    if row["kind"] == "export":
        headers["content-disposition"] = f'attachment; filename="{job_id}.zip"'
    return StreamingResponse(body, media_type=row["media_type"], headers=headers)


async def _pieces(database: Database, view: View, job: str, size: int) -> AsyncIterator[bytes]:
    """A result piece by piece; one that vanishes underway leaves the answer shorter than its announced length, which a client sees."""
    start = 0
    while start < size:
        async with database.reading(view) as conn:
            piece = await jobs.piece(conn, view.account, job, start)
        if not piece:
            return
        start += len(piece)
        yield piece


@router.delete(
    "/v1/jobs/{job_id}",
    response_class=Response,
    responses={
        200: {"model": Job},
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "job-not-found",
                "unauthorized",
                "cross-site",
                "database-away",
            ]
        ),
    },
    summary="取消任务 · cancel a job",
)
async def cancel_job(request: Request, job_id: JobId, _: Annotated[Nothing, Query()]) -> Response:
    """A job that waits or runs ends as `cancelled`; one that has ended stays as it is."""
    state, principal = state_of(request), principal_of(request)
    async with state.database.writing(await state.view(request)) as conn:
        await jobs.cancel(conn, owner(principal), kinds(principal), job_id, now_ms())
        row = await jobs.get(conn, owner(principal), kinds(principal), job_id)
        if row is None:
            raise Problem("job-not-found", {"id": job_id})
        await state.audit(conn, request, "job.cancel", job_id)
    return Response(msgspec.json.encode(_job(row)), media_type="application/json")
