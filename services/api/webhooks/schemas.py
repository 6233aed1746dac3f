"""The shapes of what is sent to and answered by the webhook operations."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from services.api import labels
from services.api.parameters import (
    Classes,
    Divisions,
    Kinds,
    Names,
    Paging,
    Rules,
    Severities,
    Time,
    split,
)
from services.api.schemas import Shape
from services.api.sessions import Body
from services.api.webhooks.signing import ALGORITHMS, HMAC

STATUSES = ("waiting", "held", "delivered", "exhausted", "withheld", "again", "recorded")
EVENT_TYPES = labels.codes(labels.EVENT_TYPES)


Url = Annotated[str, Field(min_length=1, max_length=2000, description="接收地址 · where to deliver, https")]
Description = Annotated[str, Field(max_length=200, description="说明 · for people")]
Types = Annotated[
    list[Literal[EVENT_TYPES]],  # type: ignore[valid-type]
    Field(max_length=50, description="事件类型,空为全部 · types of events, empty: all"),
]


class Filters(Body):
    """Which events, besides the account's scope; an empty list asks for nothing, several filters must all hold."""

    rules: Rules = Field(default=[])
    kinds: Kinds = Field(default=[])
    classes: Classes = Field(default=[])
    operators: Names = Field(default=[])
    divisions: Divisions = Field(default=[])
    severities: Severities = Field(default=[])


class NewWebhook(Body):
    """An endpoint to be made."""

    url: Url
    description: Description = ""
    types: Types = Field(default=[])
    filters: Filters = Filters()
    algorithm: Literal[ALGORITHMS] = Field(default=HMAC, description="签名算法 · how deliveries are signed")  # type: ignore[valid-type]


class WebhookChange(Body):
    """What is to be changed; what is left out stays."""

    url: Url | None = None
    description: Description | None = None
    types: Types | None = None
    filters: Filters | None = None


class Enabling(Body):
    """How to go on: with what has waited, or with what comes from now on."""

    begin: Literal["waiting", "now"] = Field(
        default="waiting", description="从停下处继续,或从现在开始 · with what has waited, or from now on"
    )


class TestingEvent(Body):
    """Which type of event to show to a receiver."""

    type: Literal[EVENT_TYPES] = Field(default="alert.opened", description="事件类型 · type of the event")  # type: ignore[valid-type]


class Recovery(Body):
    """A time range of events to be delivered again."""

    since: Annotated[Time, Field(description="起(含)· from, inclusive")]
    until: Annotated[
        Time,
        Field(description="止(不含),与 since 至多相距 31 天 · until, exclusive; at most 31 days after since"),
    ]
    delivered: bool = Field(default=False, description="已送达的也重发 · also what was delivered already")


class NewNetwork(Body):
    """Why a network is allowed."""

    note: Annotated[str, Field(min_length=1, max_length=200, description="用途 · what it is for")]


class DeliveryParameters(Paging):
    """Paging, and which deliveries."""

    status: Annotated[
        list[Literal[STATUSES]],  # type: ignore[valid-type]
        BeforeValidator(split),
    ] = Field(default=[], description="状态 · states")


class SecretShape(Shape):
    """A key that signs; never the key itself, but the public one of ed25519."""

    created: str = Field(json_schema_extra={"format": "date-time"})
    until: str | None
    public_key: str | None


class Webhook(Shape):
    """An endpoint."""

    id: str
    url: str
    description: str
    types: list[str]
    filters: dict[str, list[str]]
    algorithm: str
    secrets: list[SecretShape]
    state: Literal["pending", "active", "paused", "disabled"]
    reason: str | None
    failures: int = Field(description="in a row")
    failing_since: str | None
    resume_at: str | None
    after: int = Field(description="number of the last event that was looked at for it")
    numbered: int = Field(description="the last `webhook-number` given to a delivery of it; 0: none yet")
    version: int
    created: str = Field(json_schema_extra={"format": "date-time"})


class NewWebhookAnswer(Webhook):
    """An endpoint with its new secret, shown this once; null for ed25519, whose public key stands in `secrets`."""

    secret: str | None


class WebhookPage(Shape):
    """Endpoints by id."""

    items: list[Webhook]
    next: str | None


class Asked(Shape):
    """Which delivery will tell what came of it."""

    delivery: str


class RecoveryAsked(Shape):
    """The job that does it."""

    job: str


class Delivery(Shape):
    """One event on its way to one endpoint; `id` is its `webhook-id`."""

    id: str
    webhook: str
    type: str
    event: str
    seq: int
    number: int | None
    alert: str | None
    test: bool
    status: Literal[STATUSES]  # type: ignore[valid-type]
    attempts: int
    next_attempt: str | None
    created: str = Field(json_schema_extra={"format": "date-time"})
    ended: str | None


class DeliveryPage(Shape):
    """Deliveries, the latest first."""

    items: list[Delivery]
    next: str | None


class Try(Shape):
    """One attempt."""

    number: int
    at: str = Field(json_schema_extra={"format": "date-time"})
    milliseconds: int
    status: int | None
    error: str | None
    response: str | None = Field(description="the first kilobyte of the answer")


class DeliveryDetail(Delivery):
    """A delivery with what was sent and every attempt."""

    body: dict[str, Any] | None
    tries: list[Try]


class EventTypeShape(Shape):
    """A type of event with what its deliveries look like."""

    type: str
    zh: str
    en: str
    json_schema: dict[str, Any] = Field(alias="schema")
    example: dict[str, Any]


class EventTypes(Shape):
    """Every type."""

    items: list[EventTypeShape]


class Network(Shape):
    """A network that deliveries may go to although it is not public."""

    network: str
    note: str
    created: str = Field(json_schema_extra={"format": "date-time"})


class Networks(Shape):
    """The allow-list, by network."""

    items: list[Network]
    next: str | None
