"""The tables of the map: roads and zones."""

from datetime import datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.models import Base, geometry_of

EMPTY_LIST = text("'[]'::jsonb")


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
    line: Mapped[WKBElement] = mapped_column(geometry_of("LINESTRING"))
    name: Mapped[str | None]
    ref: Mapped[str | None]
    limit_kmh: Mapped[float | None]
    night_limit_kmh: Mapped[float | None]
    class_limits_kmh: Mapped[dict[str, Any]]
    oneway: Mapped[bool]
    tunnel: Mapped[bool]
    bridge: Mapped[bool]


class Zone(Base):
    """A zone: an area, or a line with a buffer in metres; when it holds is told in local time.

    `hours` are seconds of the day [[from, to], ...], `days` 0 (Monday) to 6, `dates` and `except_dates` days [["2026-10-01", "2026-10-07"], ...].
    """

    __tablename__ = "zone"
    __table_args__ = (CheckConstraint("(area IS NULL) <> (line IS NULL)", name="zone_shape"),)

    zone: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    area: Mapped[WKBElement | None] = mapped_column(geometry_of("MULTIPOLYGON"))
    line: Mapped[WKBElement | None] = mapped_column(geometry_of("LINESTRING"))
    buffer_m: Mapped[float]
    classes: Mapped[list[str]]
    limit_kmh: Mapped[float | None]
    hours: Mapped[list[Any]]
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    days: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    dates: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
    except_dates: Mapped[list[Any]] = mapped_column(server_default=EMPTY_LIST)
