"""The state of the whole system on one page: rates and lag, what is kept out and why, the last report by operator, what waits, how much is kept."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request, Response

from services.api.livemap import LiveMap
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.state import state_of
from services.api.system.schemas import System
from services.api.system.watch import READS, Sample, Watch, rate
from services.contracts.alert import iso
from services.contracts.reasons import REASONS, Verdict
from services.runtime.clock import now_ms
from services.store import guard, system
from services.store.scope import EVERYTHING

PERIODS = {"minute": 60.0, "hour": 3600.0}
RATE_OVER_S = 60.0
MOST_OPERATORS = 500

router = APIRouter(tags=["health"])


@router.get(
    "/v1/system",
    response_class=Response,
    responses={200: {"model": System}, **answers(["unknown-parameter", "unauthorized", "database-away"])},
    summary="系统状态 · how the system is",
)
async def get_system(request: Request, _: Annotated[Nothing, Query()]) -> Response:
    """Lag and rates of every consumer and partition, reports by verdict and reason over the last minute and hour, and what waits.

    Looked at every five seconds; rates are over the last minute, and nothing is known from before this process started (`watched_since`).
    `lag` is null while Kafka does not answer.
    """
    state = state_of(request)
    async with state.database.reading(EVERYTHING) as conn:
        bytes_, waiting = await system.database_bytes(conn), await system.waiting(conn)
        guarded = await guard.read(conn)
    at_ms, watch = now_ms(), state.watch
    last = watch.samples[-1] if watch.samples else None
    body = {
        "time": iso(at_ms),
        "watched_since": iso(watch.samples[0].at_ms) if last else None,
        "kafka": "away" if watch.ends is None else "ok",
        "services": [_service(watch, last, name) for name in READS] if last else [],
        "reports": {name: reports(watch, seconds) for name, seconds in PERIODS.items()},
        "guard": _guard(guarded),
        "operators": _operators(state.livemap),
        "streams": len(state.hub.listeners),
        "feed": state.hub.position,
        "webhooks": {
            "waiting": waiting.messages,
            "oldest_s": None if waiting.oldest_ms is None else max(at_ms - waiting.oldest_ms, 0) // 1000,
        },
        "jobs": {name: waiting.jobs.get(name, 0) for name in ("waiting", "running")},
        "database_bytes": bytes_,
    }
    return Response(
        msgspec.json.encode(body), media_type="application/json", headers={"cache-control": "no-store"}
    )


def _service(watch: Watch, last: Sample, consumer: str) -> dict[str, Any]:
    """A consumer: each of its partitions, and their sums."""
    before, ends = watch.since(RATE_OVER_S), (watch.ends or {}).get(READS[consumer])
    partitions = []
    for (name, number), position in sorted(last.positions.items()):
        if name == consumer:
            earlier = before.positions.get((name, number)) if before else None
            end = None if ends is None else ends.get(number)
            holder = last.holders[name, number]
            partitions.append(
                {
                    "partition": number,
                    "position": position,
                    "end": end,
                    "lag": None if end is None else max(end - position, 0),
                    "rate": None
                    if earlier is None or before is None
                    else rate(earlier, position, last.at_s - before.at_s),
                    "owner": holder.owner,
                    "claimed": iso(holder.claimed_ms),
                }
            )
    return {
        "service": consumer,
        "topic": watch.settings.topic_prefix + READS[consumer],
        "lag": _sum(partitions, "lag"),
        "rate": _sum(partitions, "rate"),
        "partitions": partitions,
    }


def _sum(partitions: list[dict[str, Any]], name: str) -> Any:
    """The sum of a column, null where a part of it is."""
    values = [partition[name] for partition in partitions]
    return None if not values or None in values else round(sum(values), 1)


def reports(watch: Watch, seconds: float) -> dict[str, Any] | None:
    """Reports of the last so many seconds (`over_s`: fewer, when less is known), by verdict and by reason."""
    before = watch.since(seconds)
    if before is None:
        return None
    last = watch.samples[-1]
    told: Counter[str] = Counter(last.counts.get("ingest", {}))
    told.subtract(before.counts.get("ingest", {}))
    return {
        "over_s": round(last.at_s - before.at_s, 1),
        **{str(verdict): max(told[str(verdict)], 0) for verdict in Verdict},
        "reasons": _reasons(told),
    }


def _reasons(told: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"code": reason.code, "verdict": str(reason.verdict), "zh": reason.zh, "en": reason.en, "count": told[reason.code]}
        for reason in REASONS
        if told.get(reason.code, 0) > 0
    ]  # fmt: skip


def _guard(found: guard.Guard) -> dict[str, Any]:
    return {
        "state": found.state,
        "since": None if found.since_ms is None else iso(found.since_ms),
        "reports": found.reports,
        "kept_out": found.kept_out,
        "reasons": _reasons(found.reasons),
    }


def _operators(livemap: LiveMap) -> list[dict[str, Any]]:
    """When the last report of each operator's vehicles came, longest silent first, at most 500."""
    vehicles = [vehicle for vehicle in np.flatnonzero(livemap.stamps).tolist() if vehicle in livemap.names]
    last: dict[str, list[int]] = {}
    for vehicle, at_ms in zip(vehicles, livemap.latest["time_ms"][vehicles].tolist(), strict=True):
        last.setdefault(livemap.names[vehicle].operator, []).append(at_ms)
    rows = sorted((max(times), operator, len(times)) for operator, times in last.items())
    return [
        {"operator": operator, "vehicles": count, "last": iso(at_ms)}
        for at_ms, operator, count in rows[:MOST_OPERATORS]
    ]
