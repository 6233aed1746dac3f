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
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)  # fmt: skip
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


def geometry_of(kind: str) -> Geometry:
    """A column of geometries in WGS-84."""
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
    """The surrogate of every card code ever seen in a report, registered or not; never changed, never given twice.

    `same_as` is the number of the same code where this row is of another spelling of it (padded, small letters), met when spellings had numbers of
    their own; of blanks or zeros alone, which are no code, it is the row's own.
    """

    __tablename__ = "driver_code"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(Id, unique=True)
    same_as: Mapped[int | None] = mapped_column(ForeignKey("driver_code.id"))


class DriverSeen(Base):
    """A card's first and last fix on a vehicle: what keeps its driver in view of who sees the vehicle (`store/driver_seen.py`)."""

    __tablename__ = "driver_seen"
    __table_args__ = (Index("driver_seen_driver", "driver"),)

    vehicle: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    driver: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class Route(Base):
    """A route: its line and the half width of each leg in metres."""

    __tablename__ = "route"

    route: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    line: Mapped[WKBElement] = mapped_column(geometry_of("LINESTRING"))
    leg_half_widths_m: Mapped[list[float]]
    stops: Mapped[list[Any]]


class Assignment(Base):
    """A vehicle's duty to keep to a route for a period."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("assignment_driver", "driver"),
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
    config_version: Mapped[int] = mapped_column(server_default="0")


class IngestGuard(Base):
    """Whether too many reports are kept out, and whether ingest has stopped taking more for it: one row (docs/decisions/0009)."""

    __tablename__ = "ingest_guard"
    __table_args__ = (
        CheckConstraint("id = 1", name="ingest_guard_one_row"),
        CheckConstraint("state IN ('quiet', 'over', 'held')", name="ingest_guard_state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="1")
    state: Mapped[str] = mapped_column(server_default="quiet")
    armed: Mapped[bool] = mapped_column(server_default=text("true"))
    since: Mapped[datetime | None]
    reports: Mapped[int] = mapped_column(server_default="0")
    kept_out: Mapped[int] = mapped_column(server_default="0")
    reasons: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    config_version: Mapped[int] = mapped_column(server_default="0")


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
        Index("alert_operator", "operator", text("began DESC"), "id"),
        Index("alert_place", "place", postgresql_using="gist"),
        Index("alert_unresolved", text("began DESC"), "id", postgresql_where=text("handling <> 'resolved'")),
        Index("alert_due", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        Index("alert_driver", "driver", "began", postgresql_where=text("driver IS NOT NULL")),
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
    place: Mapped[WKBElement] = mapped_column(geometry_of("POINT"))
    data: Mapped[str]
    driver: Mapped[str | None] = mapped_column(
        Id, Computed("(data::jsonb ->> 'driver'::text)", persisted=True)
    )
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
    position: Mapped[WKBElement] = mapped_column(geometry_of("POINT"))
