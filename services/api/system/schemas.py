"""The shape of the system's state for OpenAPI."""

from typing import Literal

from pydantic import Field

from services.api.schemas import ReasonShape, Shape


class SystemPartition(Shape):
    """A consumer's place in a partition; `lag` null: Kafka does not answer, `rate` null: not known yet."""

    partition: int
    position: int
    end: int | None
    lag: int | None
    rate: float | None = Field(description="messages a second over the last minute")
    owner: str = Field(description="host and process")
    claimed: str = Field(json_schema_extra={"format": "date-time"})


class SystemService(Shape):
    """A consumer and its partitions."""

    service: Literal["ingest", "recorder", "rules"]
    topic: str
    lag: int | None
    rate: float | None
    partitions: list[SystemPartition]


class SystemReason(ReasonShape):
    """Reports with a reason code."""

    count: int


class SystemReports(Shape):
    """Reports of a period by verdict and reason."""

    over_s: float = Field(description="the period itself, shorter where less is known")
    accepted: int
    flagged: int
    quarantined: int
    rejected: int
    reasons: list[SystemReason]


class SystemPeriods(Shape):
    """The last minute and the last hour; null: not known yet."""

    minute: SystemReports | None
    hour: SystemReports | None


class SystemOperator(Shape):
    """When an operator's vehicles last reported (time of the report)."""

    operator: str
    vehicles: int
    last: str = Field(json_schema_extra={"format": "date-time"})


class SystemWebhooks(Shape):
    """Messages that wait."""

    waiting: int
    oldest_s: int | None


class SystemJobs(Shape):
    """Jobs that are not done."""

    waiting: int
    running: int


class SystemGuard(Shape):
    """Whether too many reports are kept out."""

    state: Literal["quiet", "over", "held"] = Field(
        description="正常、拒收过多、接入已暂停 · quiet; over: too large a share is kept out, ingest goes on; held: ingest has stopped taking more until "
        "`roadwatch admin ingest resume` or an import"
    )
    since: str | None = Field(
        json_schema_extra={"format": "date-time"}, description="自何时起 · since when; null: all is well"
    )
    reports: int = Field(description="触发时窗口内的报文数 · reports in the window that tripped it")
    kept_out: int = Field(description="其中被拒收或隔离的 · of them rejected or quarantined")
    reasons: list[SystemReason] = Field(description="其原因 · for these reasons")


class System(Shape):
    """How the system is."""

    time: str = Field(json_schema_extra={"format": "date-time"})
    watched_since: str | None = Field(json_schema_extra={"format": "date-time"})
    kafka: Literal["ok", "away"]
    services: list[SystemService]
    reports: SystemPeriods
    guard: SystemGuard = Field(description="拒收保护 · whether too many reports are kept out")
    operators: list[SystemOperator] = Field(description="longest silent first, at most 500")
    streams: int = Field(description="open event streams of this process")
    feed: int | None = Field(description="number of the last event that this process has read")
    webhooks: SystemWebhooks
    jobs: SystemJobs
    database_bytes: int


class RejectedSource(Shape):
    """Where the report stood as it came."""

    topic: str
    partition: int
    offset: int


class Rejected(Shape):
    """A report that was kept out; what its headers do not tell is null."""

    id: str = Field(description="partition and offset in the topic of what was kept out")
    time: str = Field(
        description="when it was put aside: what ingest had yet to read waited before",
        json_schema_extra={"format": "date-time"},
    )
    reason: ReasonShape | None
    source: RejectedSource | None
    key: str | None = Field(
        description="the record's key, by custom the terminal's number; at most 200 bytes"
    )
    content_type: str | None
    bytes: int = Field(description="length of the whole report")
    base64: str = Field(description="its first 4096 bytes", json_schema_extra={"format": "byte"})
    text: str | None = Field(description="the same as text, if all of it is printable UTF-8")


class RejectedPage(Shape):
    """The newest first."""

    items: list[Rejected]
    next: str | None = Field(description="give it as `before` for older ones; null: there are none")
    scanned: int = Field(description="records looked at, wanted or not")
    stopped: Literal["records", "time"] | None = Field(
        description="the bound that ended the search before `limit` was reached; null: none did"
    )
