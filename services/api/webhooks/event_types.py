"""Every type of event a webhook may carry, with its schema, an example and its name in both languages."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from services.api import examples, labels
from services.api.labels import Label
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.schemas import AlertVehicle, Moment, Shape
from services.api.webhooks import payload
from services.api.webhooks.endpoints import COMMON, answer
from services.api.webhooks.schemas import EventTypes

OWN = (
    Label(payload.PING, "测试", "ping"),
    Label(payload.DISABLED, "端点已停用(仅记录)", "endpoint disabled (in the log only)"),
)

TEST = "only in a test event: an alert of invented data, asked for at POST /v1/webhooks/endpoints/{id}/test"

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


class AlertData(Shape):
    """`data` of a step of an alert: enough to act on, nothing of the driver; the rest is asked for at `/v1/alerts/{alert}`."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="of the event, the same in the stream and the pull feed")
    seq: int = Field(description="global, without gaps; 0: a test event")
    alert: str
    sequence: int = Field(
        description="within the alert, from 1; a lower one than the last seen is to be ignored"
    )
    rule: str
    rule_version: int
    kind: str
    severity: str
    state: str
    handling: str
    began: str = Field(json_schema_extra={"format": "date-time"})
    ended: str | None = Field(json_schema_extra={"format": "date-time"})
    at: Moment
    limit: float
    peak: float
    unit: str
    confidence: float
    late: bool
    vehicle: AlertVehicle
    test: bool = Field(default=False, description=TEST)


class PingData(Shape):
    """`data` of a ping."""

    id: str
    endpoint: str


class DisabledData(Shape):
    """`data` of the note that an endpoint was disabled."""

    endpoint: str
    url: str
    reason: str


DATA: dict[str, type[Shape]] = {payload.PING: PingData, payload.DISABLED: DisabledData}
EXAMPLES: dict[str, dict[str, Any]] = {
    payload.PING: {"id": "png_0f1e2d3c4b5a69788796a5b4c3", "endpoint": examples.WEBHOOK["id"]},
    payload.DISABLED: {
        "endpoint": examples.WEBHOOK["id"],
        "url": examples.WEBHOOK["url"],
        "reason": "failing",
    },
}


def schema(event_type: str) -> dict[str, Any]:
    """JSON Schema of a delivery's body, without references, so that it can stand anywhere."""
    data = DATA.get(event_type, AlertData).model_json_schema()
    return {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event_type},
            "timestamp": {"type": "string", "format": "date-time"},
            **({} if event_type in DATA else {"test": {"const": True, "description": TEST}}),
            "data": _whole(data, data.pop("$defs", {})),
        },
    }


def _whole(part: Any, definitions: dict[str, Any]) -> Any:
    """A schema with what it refers to in its place."""
    if isinstance(part, list):
        return [_whole(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _whole(definitions[part["$ref"].rpartition("/")[2]], definitions)
    return {name: _whole(value, definitions) for name, value in part.items()}


def example(event_type: str) -> dict[str, Any]:
    """A delivery's body."""
    data = EXAMPLES.get(event_type, examples.PAYLOAD["data"])
    return {**examples.PAYLOAD, "type": event_type, "data": data}


def openapi_webhooks() -> dict[str, Any]:
    """The `webhooks` of an OpenAPI 3.1 document: what a receiver must take."""
    return {
        label.code: {
            "post": {
                "operationId": f"receive_{label.code.replace('.', '_')}",
                "summary": f"{label.zh} · {label.en}",
                "tags": ["webhooks"],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": schema(label.code), "example": example(label.code)}
                    },
                },
                "responses": {"2XX": {"description": "accepted"}},
            }
        }
        for label in (*labels.EVENT_TYPES, OWN[0])
    }


@router.get(
    "/event-types",
    response_class=Response,
    responses={200: {"model": EventTypes}, **answers(["unknown-parameter", *COMMON])},
    summary="事件类型 · types of events",
)
async def list_webhook_event_types(_: Annotated[Nothing, Query()]) -> Response:
    """Schema and example of what is delivered for each type."""
    items = [
        {"type": label.code, "zh": label.zh, "en": label.en, "schema": schema(label.code), "example": example(label.code)}
        for label in (*labels.EVENT_TYPES, *OWN)
    ]  # fmt: skip
    return answer({"items": items})
