"""Whether the process lives, whether it can do its work, and its metrics."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.api.state import State, state_of
from services.contracts.alert import iso
from services.runtime.clock import now_ms

NO_STORE = {"cache-control": "no-store"}

router = APIRouter(tags=["health"])


def readiness(state: State) -> dict[str, Any]:
    """What `/readyz` says. The reader asks the database several times a second: that it got its answer is the check."""
    return {
        "ready": state.hub.alive,
        "database": "ok" if state.hub.alive else "away",
        "positions": "live" if state.livemap.connected else "away",  # of no weight: a map may stand still
        "feed": state.hub.position,
        "streams": len(state.hub.listeners),
        "time": iso(now_ms()),
    }


@router.get("/healthz", summary="进程存活 · the process lives")
async def healthz() -> Response:
    """Always 200 while the process answers; says nothing of the database."""
    return Response(b'{"alive":true}', media_type="application/json", headers=NO_STORE)


@router.get(
    "/readyz", summary="服务就绪 · the process can do its work", responses={503: {"description": "not ready"}}
)
async def readyz(request: Request) -> Response:
    """200 while the database answers the reader of events, else 503."""
    body = readiness(state_of(request))
    return Response(msgspec.json.encode(body), 200 if body["ready"] else 503, NO_STORE, "application/json")


@router.get(
    "/metrics",
    summary="Prometheus 指标 · metrics",
    response_class=Response,
    responses={
        200: {"description": "text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
async def metrics() -> Response:
    """Metrics of this process in Prometheus' text format."""
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST, **NO_STORE})
