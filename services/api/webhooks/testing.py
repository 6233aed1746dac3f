"""Test events on demand: an alert of invented data for one endpoint, so that a receiver can be tried without waiting for a vehicle to do wrong."""

import math
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response

from services.api import examples
from services.api.idempotency import IdempotentRoute
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.api.webhooks import payload
from services.api.webhooks.endpoints import FOR_CHANGES, Id, found, taken_on
from services.api.webhooks.schemas import Asked, TestingEvent
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import webhooks

MOST_TESTS, TESTS_MS = 10, 60_000
LASTED_MS = 60_000
INVENTED = {
    "id": 0,
    "plate": "测A00000",
    "plate_color": "yellow",
    "class": "coach",
    "operator": "示例客运公司",
    "division": "640100",
}
HANDLINGS = {
    "alert.acknowledged": "acknowledged", "alert.assigned": "assigned", "alert.resolved": "resolved",
}  # fmt: skip
STATES = {"alert.closed": "closed", "alert.withdrawn": "withdrawn"}

router = APIRouter(prefix="/v1/webhooks/endpoints", tags=["webhooks"], route_class=IdempotentRoute)


def body_of(event: str, event_type: str, at_ms: int) -> bytes:
    """What a test says: the shape of an alert's event, `seq` 0, `test` true beside the type and within `data`."""
    example: dict[str, Any] = examples.PAYLOAD["data"]
    state = STATES.get(event_type, "open")
    began = iso(at_ms - LASTED_MS)
    data = example | {
        "id": event, "seq": 0, "alert": event.replace("tst_", "alr_test_"), "test": True, "vehicle": INVENTED, "state": state,
        "handling": HANDLINGS.get(event_type, "open"), "began": began, "ended": None if state == "open" else iso(at_ms),
        "at": example["at"] | {"time": began},
    }  # fmt: skip
    return payload.body(event_type, at_ms, data, test=True)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    response_class=Response,
    responses={202: {"model": Asked}, **answers(["too-many-tests", *FOR_CHANGES])},
    summary="发送示例告警 · send a test event",
)
async def send_test_event(request: Request, webhook_id: Id, body: TestingEvent | None = None) -> Response:
    """An alert of invented data, signed and marked `test: true`, to this endpoint alone, whatever its state, types and filters; tried once.

    It is no event: it stands in no feed, has `seq` 0 and no `webhook-number`. At most 10 a minute for an endpoint.
    """
    state, view, at_ms = state_of(request), await state_of(request).view(request), now_ms()
    event_type = (body or TestingEvent()).type
    async with state.database.writing(view) as conn:
        row = await found(state, request, conn, webhook_id, lock=True)
        sent = await webhooks.tests_since(conn, webhook_id, at_ms - TESTS_MS)
        if len(sent) >= MOST_TESTS:
            wait_s = max(1, math.ceil((sent[-MOST_TESTS] + TESTS_MS - at_ms) / 1000))
            raise Problem(
                "too-many-tests",
                {"most": MOST_TESTS, "seconds": wait_s},
                headers={"retry-after": str(wait_s)},
            )
        event = f"tst_{secrets.token_hex(13)}"
        delivery = payload.message_id(webhook_id, event)
        await webhooks.add_eventless(
            conn, delivery, row["id"], event, event_type, body_of(event, event_type, at_ms), at_ms
        )
        await state.audit(conn, request, "webhook.test", webhook_id, detail={"type": event_type})
    return taken_on(delivery)
