"""The shape of the system's state for OpenAPI."""

from typing import Literal

from pydantic import Field

from services.api.schemas import Shape


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


class SystemReason(Shape):
    """Reports with a reason code."""

    code: str
    verdict: str
    zh: str
    en: str
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


class System(Shape):
    """How the system is."""

    time: str = Field(json_schema_extra={"format": "date-time"})
    watched_since: str | None = Field(json_schema_extra={"format": "date-time"})
    kafka: Literal["ok", "away"]
    services: list[SystemService]
    reports: SystemPeriods
    operators: list[SystemOperator] = Field(description="longest silent first, at most 500")
    streams: int = Field(description="open event streams of this process")
    feed: int | None = Field(description="number of the last event that this process has read")
    webhooks: SystemWebhooks
    jobs: SystemJobs
    database_bytes: int
