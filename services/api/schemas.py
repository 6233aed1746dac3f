"""The shapes of the api's answers for OpenAPI; answers themselves are bytes made elsewhere, and tests hold them against these."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base: clients must expect fields they do not know."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Moment(Shape):
    """Where and when the peak was; WGS-84 degrees."""

    lon: float
    lat: float
    time: str = Field(json_schema_extra={"format": "date-time"})


class AlertVehicle(Shape):
    """The vehicle of an alert."""

    id: int
    plate: str
    plate_color: str
    vehicle_class: str = Field(alias="class")
    operator: str
    division: str


class Sentence(Shape):
    """What a dispatcher reads."""

    zh: str
    en: str


class Person(Shape):
    """An account; to a partner `name` is its role."""

    id: str
    name: str
    role: str | None = Field(default=None, description="as it was then; absent: the system itself")


class Handled(Shape):
    """What people made of an alert; absent until somebody acts."""

    by: Person | None = Field(description="who last changed it; comments do not count")
    at: str | None = Field(json_schema_extra={"format": "date-time"})
    assignee: Person | None
    supervision: Literal["urgent", "normal"] | None
    due: str | None = Field(json_schema_extra={"format": "date-time"})
    escalated: str | None = Field(
        json_schema_extra={"format": "date-time"}, description="when the deadline passed"
    )
    reason: Literal["handled", "no_action", "later", "false_alarm"] | None
    jt809_result: int = Field(ge=0, le=3, description="JT/T 809: 0 in progress, 1 done, 2 no action, 3 later")
    jt809_supervision: int | None = Field(description="JT/T 809: 0 urgent, 1 normal")
    version: int = Field(description="of the handling: the alert's ETag")


class Alert(Shape):
    """An alert: an episode with an id, a version and its handling."""

    id: str
    version: int = Field(description="of its judging: grows by one with each event")
    rule: str
    rule_version: int
    kind: str
    vehicle: AlertVehicle
    terminal: str
    driver: str | None
    began: str = Field(json_schema_extra={"format": "date-time"})
    ended: str | None = Field(json_schema_extra={"format": "date-time"})
    state: Literal["open", "closed", "withdrawn"]
    severity: Literal["info", "minor", "major", "critical"]
    confidence: float = Field(ge=0, le=1)
    at: Moment
    limit: float
    peak: float
    unit: str
    why: dict[str, Any]
    late: bool
    handling: str
    handled: Handled | None = None
    sentence: Sentence


class AlertPage(Shape):
    """A page of alerts, latest began first."""

    items: list[Alert]
    next: str | None
    feed: int = Field(
        description="feed position this page is as of: follow /v1/alerts/stream?after= from here without a gap"
    )


class Event(Shape):
    """One step of one alert."""

    id: str
    seq: int = Field(description="global, without gaps")
    type: str
    time: str = Field(json_schema_extra={"format": "date-time"})
    alert: str
    sequence: int = Field(description="within the alert, from 1")
    data: Alert


class EventPage(Shape):
    """A page of events in the order of `seq`."""

    items: list[Event]
    next: str | None
    through: int
    last: int


class Registration(Shape):
    """What a vehicle is registered as for a period."""

    vehicle_class: str = Field(alias="class")
    terminal: str
    operator: str
    division: str
    vin: str | None
    status: str
    valid_from: str | None
    valid_to: str | None
    inspection_due: str | None
    permit: str | None
    permit_to: str | None
    scrapped_on: str | None
    subtype: str | None


class Vehicle(Registration):
    """A vehicle with the registration that holds now, else its newest."""

    id: int
    plate: str
    plate_color: str


class VehicleDetail(Vehicle):
    """A vehicle with all its registrations."""

    registrations: list[Registration]


class VehiclePage(Shape):
    """Vehicles by id."""

    items: list[Vehicle]
    next: str | None


class TrackProperties(Shape):
    """One entry for each coordinate."""

    vehicle: int
    plate: str | None = Field(description="车牌/颜色,如 宁A12345/yellow · plate and colour")
    datetimes: list[str]
    speeds_kmh: list[float | None]
    recorder_speeds_kmh: list[float | None]
    headings: list[int | None]
    flags: dict[str, list[int]] = Field(
        description="reason code to the places of the positions that carry it"
    )


class Track(Shape):
    """A GeoJSON feature in the manner of MF-JSON Trajectory; a Point for one position, null geometry for none."""

    type: Literal["Feature"]
    geometry: dict[str, Any] | None
    properties: TrackProperties


class PositionItem(Shape):
    """Where a vehicle was last."""

    vehicle: int
    plate: str
    plate_color: str
    vehicle_class: str = Field(alias="class")
    operator: str
    division: str
    time: str = Field(json_schema_extra={"format": "date-time"})
    lon: float
    lat: float
    speed_kmh: float | None
    heading: int | None
    fixed: bool


class PositionPage(Shape):
    """Latest positions; `truncated` when there are more vehicles in the box than `limit`."""

    items: list[PositionItem]
    next: str | None
    truncated: bool


class LabelShape(Shape):
    """A code and its words."""

    code: str
    zh: str
    en: str


class ActionShape(LabelShape):
    """Something that is done with an alert: `POST /v1/alerts/{id}/<code>`."""

    permission: str | None = Field(
        description="所需权限;null: 不由人操作 · the permission that it takes; null: nobody does it, a deadline does"
    )
    handlings: list[str] = Field(description="可操作的处理状态 · states of handling in which it is possible")


class RoleShape(LabelShape):
    """A role of accounts."""

    permissions: list[str]


class ReasonShape(LabelShape):
    """A reason code, its words and what becomes of a report that has it."""

    verdict: str


class Tiles(Shape):
    """Raster map tiles of another server, WGS-84 (EPSG:3857)."""

    url: str = Field(description="with {z}, {x} and {y}")
    credit: str


class Meta(Shape):
    """Every code that answers carry."""

    version: str
    classes: list[LabelShape]
    plate_colors: list[LabelShape]
    rules: list[LabelShape]
    kinds: dict[str, list[LabelShape]]
    severities: list[LabelShape]
    states: list[LabelShape]
    handlings: list[LabelShape]
    event_types: list[LabelShape]
    actions: list[ActionShape]
    resolutions: list[LabelShape]
    supervisions: list[LabelShape]
    roles: list[RoleShape]
    zone_kinds: list[LabelShape]
    road_classes: list[LabelShape]
    reasons: list[ReasonShape]
    tiles: Tiles | None


class Fault(BaseModel):
    """One wrong value."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """An error (RFC 9457); `title` and `detail` follow Accept-Language, `type` is what programs compare."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None
    retry_after_s: int | None = None
    request_id: str | None = None
