"""The database schema, once: what stands here is what Alembic's history must lead to (`alembic check` is a test).

Hot code does not go through these classes, it speaks SQL (`services/store/*.py`); they are the schema's truth and nothing else.
Times are `timestamptz` with ms meaning, positions WGS-84 (SRID 4326), periods half-open. Ids sort bytewise (COLLATE "C"), so that
a page's cursor means the same on every machine.
"""

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SRID = 4326

Id = Text(collation="C")
EMPTY_OBJECT = text("'{}'::jsonb")
NOW = text("now()")


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy, which declares it so
        str: Text,
        bytes: LargeBinary,
        float: DOUBLE_PRECISION,
        datetime: TIMESTAMP(timezone=True, precision=None),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(Text),
        list[float]: ARRAY(DOUBLE_PRECISION),
    }


def _geometry(kind: str) -> Geometry:
    return Geometry(kind, srid=SRID, spatial_index=False)


class Operator(Base):
    """A transport company, by name as the registry's files name it."""

    __tablename__ = "operator"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Vehicle(Base):
    """A vehicle for ever: plate and colour, and the surrogate id that travels in fixes."""

    __tablename__ = "vehicle"
    __table_args__ = (UniqueConstraint("plate", "plate_color"),)

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    plate: Mapped[str]
    plate_color: Mapped[str]


class Terminal(Base):
    """A terminal by its number, normalised (`contracts.registry.normal_terminal`)."""

    __tablename__ = "terminal"

    terminal: Mapped[str] = mapped_column(primary_key=True)


class Registration(Base):
    """What a vehicle is for a period: one row of `vehicles.csv`."""

    __tablename__ = "registration"
    __table_args__ = (Index("registration_vehicle", "vehicle_id"), Index("registration_terminal", "terminal"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    vehicle_class: Mapped[str]
    terminal: Mapped[str] = mapped_column(ForeignKey("terminal.terminal"))
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    division: Mapped[str]
    vin: Mapped[str | None]
    status: Mapped[str]
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    inspection_due: Mapped[date | None]
    permit: Mapped[str | None]
    permit_to: Mapped[date | None]
    scrapped_on: Mapped[date | None]
    subtype: Mapped[str | None]


class Driver(Base):
    """A driver by card or qualification code: one row of `drivers.csv`."""

    __tablename__ = "driver"

    driver: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    licence_class: Mapped[str | None]
    qualified_for: Mapped[str | None]
    valid_to: Mapped[date | None]
    phone: Mapped[str | None]


class DriverCode(Base):
    """The surrogate of every card code ever seen in a report, registered or not; never changed, never given twice."""

    __tablename__ = "driver_code"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(Id, unique=True)


class Route(Base):
    """A route: its line and the half width of each leg in metres."""

    __tablename__ = "route"

    route: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    line: Mapped[WKBElement] = mapped_column(_geometry("LINESTRING"))
    leg_half_widths_m: Mapped[list[float]]
    stops: Mapped[list[Any]]


class Assignment(Base):
    """A vehicle's duty to keep to a route for a period."""

    __tablename__ = "assignment"
    __table_args__ = (
        UniqueConstraint("vehicle_id", "route", "from_at", "trip", postgresql_nulls_not_distinct=True),
        CheckConstraint("from_at < to_at", name="assignment_period"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    route: Mapped[str] = mapped_column(ForeignKey("route.route"))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    driver: Mapped[str | None]
    trip: Mapped[str | None]
    direction: Mapped[str]


class RoadSegment(Base):
    """A road of the map; `source` is the file it came from, which is replaced whole, `place` its place in it."""

    __tablename__ = "road_segment"
    __table_args__ = (
        UniqueConstraint("source", "place"),
        Index("road_segment_line", "line", postgresql_using="gist"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    source: Mapped[str]
    place: Mapped[int]
    road_class: Mapped[str]
    line: Mapped[WKBElement] = mapped_column(_geometry("LINESTRING"))
    name: Mapped[str | None]
    ref: Mapped[str | None]
    limit_kmh: Mapped[float | None]
    night_limit_kmh: Mapped[float | None]
    class_limits_kmh: Mapped[dict[str, Any]]
    oneway: Mapped[bool]
    tunnel: Mapped[bool]
    bridge: Mapped[bool]


class Zone(Base):
    """A zone: an area, or a line with a buffer in metres; `hours` are local seconds of the day [[from, to], ...]."""

    __tablename__ = "zone"
    __table_args__ = (CheckConstraint("(area IS NULL) <> (line IS NULL)", name="zone_shape"),)

    zone: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    area: Mapped[WKBElement | None] = mapped_column(_geometry("MULTIPOLYGON"))
    line: Mapped[WKBElement | None] = mapped_column(_geometry("LINESTRING"))
    buffer_m: Mapped[float]
    classes: Mapped[list[str]]
    limit_kmh: Mapped[float | None]
    hours: Mapped[list[Any]]
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class RuleSet(Base):
    """Parameters that differ from the defaults, for a period; rows are added, never changed."""

    __tablename__ = "rule_set"

    version: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    parameters: Mapped[dict[str, Any]]
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime | None]
    basis: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ConfigDocument(Base):
    """A config document by its content, compressed; never changed."""

    __tablename__ = "config_document"

    sha256: Mapped[str] = mapped_column(Id, primary_key=True)
    body: Mapped[bytes]


class ConfigVersion(Base):
    """A version of registry, map and rules; in force from its record in the log, which `published_at` says is there."""

    __tablename__ = "config_version"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(ForeignKey("config_document.sha256"))
    summary: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    published_at: Mapped[datetime | None]


class Progress(Base):
    """How far a consumer has come in a partition, fenced by `epoch`; written in the transaction that writes the results."""

    __tablename__ = "progress"
    __table_args__ = {"postgresql_with": {"fillfactor": 50}}  # noqa: RUF012 - each update finds room on its own page

    consumer: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(BigInteger)
    owner: Mapped[str]
    next_offset: Mapped[int] = mapped_column(BigInteger)
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    had: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    claimed_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RuleSnapshot(Base):
    """Rule state of a partition as it was before `next_offset`; a full one makes the earlier ones superfluous."""

    __tablename__ = "rule_snapshot"

    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    next_offset: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    is_full: Mapped[bool]
    config_version: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Alert(Base):
    """An alert as last judged: `data` is its JSON, the columns beside it are what lists filter by; handling is the operators'."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_began", text("began DESC"), "id"),
        Index("alert_vehicle", "vehicle_id", text("began DESC"), "id"),
        Index("alert_place", "place", postgresql_using="gist"),
        Index("alert_unresolved", text("began DESC"), "id", postgresql_where=text("handling <> 'resolved'")),
        Index("alert_due", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    rule: Mapped[str]
    kind: Mapped[str]
    vehicle_id: Mapped[int]
    vehicle_key: Mapped[str]
    vehicle_class: Mapped[str]
    operator: Mapped[str]
    division: Mapped[str]
    state: Mapped[str]
    severity: Mapped[str]
    severity_rank: Mapped[int] = mapped_column(SmallInteger)
    began: Mapped[datetime]
    ended: Mapped[datetime | None]
    late: Mapped[bool]
    version: Mapped[int]
    rule_version: Mapped[int]
    place: Mapped[WKBElement] = mapped_column(_geometry("POINT"))
    data: Mapped[str]
    handling: Mapped[str] = mapped_column(server_default="open")
    handling_version: Mapped[int] = mapped_column(server_default="0")
    assignee: Mapped[str | None] = mapped_column(Id)
    due_at: Mapped[datetime | None]
    handled: Mapped[str | None]


class AlertAction(Base):
    """One thing a person did with an alert; `version` is the alert's handling version after it, `seq` its event's number. Never changed."""

    __tablename__ = "alert_action"
    __table_args__ = (Index("alert_action_actor", "actor", "at"), Index("alert_action_at", "at"))

    alert_id: Mapped[str] = mapped_column(Id, ForeignKey("alert.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str]
    action: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)


class AlertEvent(Base):
    """An event: one step of one alert, numbered in commit order without gaps (`feed`)."""

    __tablename__ = "alert_event"
    __table_args__ = (UniqueConstraint("alert_id", "sequence"),)

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(Id, unique=True)
    alert_id: Mapped[str] = mapped_column(Id, ForeignKey("alert.id"))
    sequence: Mapped[int]
    type: Mapped[str]
    time: Mapped[datetime]
    data: Mapped[str]


class Feed(Base):
    """The one row that numbers events; taken last in a transaction and held until its end."""

    __tablename__ = "feed"
    __table_args__ = (CheckConstraint("id = 1", name="feed_one_row"), {"postgresql_with": {"fillfactor": 10}})

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)


class Account(Base):
    """Somebody who may sign in: role, scope (null: all), credentials. `epoch` rises with every change of what it may do."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    login: Mapped[str] = mapped_column(Id, unique=True)
    name: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    password_hash: Mapped[str | None]
    must_change: Mapped[bool] = mapped_column(server_default=text("true"))
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    totp_pending: Mapped[str | None]
    totp_pending_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None]
    oidc_subject: Mapped[str | None] = mapped_column(Id, unique=True)
    divisions: Mapped[list[str] | None]
    operators: Mapped[list[str] | None]
    classes: Mapped[list[str] | None]
    epoch: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Session(Base):
    """A browser signed in: SHA-256 of its cookie's token."""

    __tablename__ = "session"
    __table_args__ = (Index("session_account", "account"),)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    ip: Mapped[str | None]
    agent: Mapped[str | None]


class ApiKey(Base):
    """A program's key: its public id and the SHA-256 of the whole key; `scopes` is the part of its account's permissions it has."""

    __tablename__ = "api_key"
    __table_args__ = (Index("api_key_account", "account"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[bytes]
    account: Mapped[str] = mapped_column(Id, ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    networks: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Idempotency(Base):
    """What a POST with an Idempotency-Key was answered, kept a day; `status` null: it still runs."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("idempotency_expires", "expires_at"),)

    principal: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]


class Audit(Base):
    """Who did or looked at what and why; each row's hash covers the one before. Rows are added, never changed (triggers see to it)."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_at", "at"),
        Index("audit_actor", "actor", "at"),
        Index("audit_object", "object", "at"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str]
    action: Mapped[str]
    object: Mapped[str] = mapped_column(Id)
    purpose: Mapped[str | None]
    outcome: Mapped[str]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    detail: Mapped[str]
    row_hash: Mapped[bytes]


class AuditHead(Base):
    """The one row that ends the audit chain: number and hash of its last row."""

    __tablename__ = "audit_head"
    __table_args__ = (
        CheckConstraint("id = 1", name="audit_head_one_row"),
        {"postgresql_with": {"fillfactor": 10}},
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    row_hash: Mapped[bytes]


class WebhookNetwork(Base):
    """A network that deliveries may go to although it is not public: the system administrator's allow-list."""

    __tablename__ = "webhook_network"

    network: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class WebhookEndpoint(Base):
    """Where a partner receives events: `account` is the owner's id, or "system" for the holder of the system's token.

    `after` is the feed position up to which its messages are made; secrets newest first. `failures` counts in a row, `resume_at` is when
    it may be tried again as a whole.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (Index("webhook_endpoint_account", "account"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id)
    url: Mapped[str]
    description: Mapped[str]
    types: Mapped[list[str]]
    filters: Mapped[dict[str, Any]]
    algorithm: Mapped[str]
    secrets: Mapped[list[Any]]
    state: Mapped[str]
    reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    resume_at: Mapped[datetime | None]
    after: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class WebhookMessage(Base):
    """One event on its way to one endpoint: the very bytes that every attempt sends.

    Of one alert's messages one at most is `waiting`, the later ones are `held`. `earlier` is how many attempts were made before it was asked
    for again.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        Index("webhook_message_due", "endpoint", "due_at", "seq", postgresql_where=text("state = 'waiting'")),
        Index(
            "webhook_message_alert",
            "endpoint",
            "alert_id",
            "seq",
            postgresql_where=text("state IN ('waiting', 'held')"),
        ),
        Index("webhook_message_oldest", "created_at", postgresql_where=text("state IN ('waiting', 'held')")),
        Index("webhook_message_again", "endpoint", "seq", postgresql_where=text("state = 'again'")),
        Index(
            "webhook_message_ping",
            "endpoint",
            postgresql_where=text("state = 'waiting' AND type = 'endpoint.ping'"),
        ),
        Index("webhook_message_listed", "endpoint", "created_at", "id"),
        Index("webhook_message_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    endpoint: Mapped[str] = mapped_column(Id, ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[str] = mapped_column(Id)
    alert_id: Mapped[str] = mapped_column(Id)
    type: Mapped[str]
    body: Mapped[bytes]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    earlier: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    done_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """One try: what came back."""

    __tablename__ = "webhook_attempt"

    message: Mapped[str] = mapped_column(
        Id, ForeignKey("webhook_message.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None]
    response: Mapped[str | None]


class Job(Base):
    """A long piece of work asked for over the api: its state, progress (0 to 1) and, when done, its result."""

    __tablename__ = "job"
    __table_args__ = (
        Index("job_account", "account", "created_at"),
        Index("job_undone", "created_at", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id)
    kind: Mapped[str]
    request: Mapped[dict[str, Any]]
    state: Mapped[str]
    progress: Mapped[float] = mapped_column(server_default="0")
    error: Mapped[str | None]
    result: Mapped[bytes | None]
    media_type: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    beat_at: Mapped[datetime] = mapped_column(server_default=NOW)
    done_at: Mapped[datetime | None]


class Fix(Base):
    """History: one row for every accepted or flagged report, partitioned by UTC day of `at`; no key, two reports of a moment are two rows.

    Units as in `contracts.fix`: speeds 0.1 km/h, heading degrees, altitude and odometer metres; absent is null. `driver` 0 no news, -1 card
    removed. (source_partition, raw_offset) is the report's place in gps.raw.
    """

    __tablename__ = "fix"
    __table_args__ = (
        Index("fix_vehicle_at", "vehicle", "at"),
        Index(
            "fix_at",
            "at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )
    __mapper_args__ = {"primary_key": ["source_partition", "raw_offset"]}  # noqa: RUF012 - for the mapper alone

    at: Mapped[datetime]
    received: Mapped[datetime | None]
    odometer_m: Mapped[int | None] = mapped_column(BigInteger)
    alarms: Mapped[int] = mapped_column(BigInteger)
    raw_offset: Mapped[int] = mapped_column(BigInteger)
    vehicle: Mapped[int]
    driver: Mapped[int]
    status: Mapped[int]
    flags: Mapped[int]
    source_partition: Mapped[int] = mapped_column(SmallInteger)
    speed: Mapped[int | None] = mapped_column(SmallInteger)
    recorder_speed: Mapped[int | None] = mapped_column(SmallInteger)
    heading: Mapped[int | None] = mapped_column(SmallInteger)
    altitude_m: Mapped[int | None] = mapped_column(SmallInteger)
    position: Mapped[WKBElement] = mapped_column(_geometry("POINT"))
