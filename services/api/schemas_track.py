"""The shape of an alert's stretch for OpenAPI."""

from pydantic import Field

from services.api.schemas import Shape


class AlertTrack(Shape):
    """Columns of one length, in event-time order."""

    alert: str
    vehicle: int
    rule: str
    from_: str = Field(alias="from", json_schema_extra={"format": "date-time"})
    to: str = Field(json_schema_extra={"format": "date-time"})
    began: str = Field(json_schema_extra={"format": "date-time"})
    ended: str | None = Field(json_schema_extra={"format": "date-time"})
    limit: float = Field(description="the alert's, in `unit`")
    unit: str
    stride: int = Field(description="every so many-th position is told")
    truncated: bool = Field(description="the stretch is longer than is read at once; its end is missing")
    times: list[str]
    coordinates: list[list[float]]
    speeds_kmh: list[float | None]
    recorder_speeds_kmh: list[float | None]
    headings: list[int | None]
    flags: list[list[str]]
    in_episode: list[bool]
    limits_kmh: list[float | None]
    off_route_m: list[float] | None = Field(
        description="of a route deviation whose route is in view; else null"
    )
