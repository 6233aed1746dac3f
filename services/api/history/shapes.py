"""The shapes of history's answers for OpenAPI."""

from typing import Any, Literal

from pydantic import Field

from services.api.schemas import PositionItem, Shape

Doubt = Literal["absent", "backwards", "leap", "too_little", "too_much"]
DOUBTED = (
    "未采用里程表的原因(空:全部采用):absent 无读数,backwards 倒退,leap 跳变,too_little 少于轨迹(停走),too_much 多于轨迹"
    " · why the odometer was not taken on some legs, and the positions were (empty: taken on all): absent, it went backwards, it leapt,"
    " it says less than the track (stands still), it says more than the track"
)
DATE_TIME: dict[str, Any] = {"format": "date-time"}


class PresenceItem(Shape):
    """A vehicle that was there; `between_fixes`: it crossed between two fixes, whose moments `first` and `last` are."""

    vehicle: int
    plate: str | None
    plate_color: str | None
    vehicle_class: str | None = Field(alias="class")
    operator: str | None
    division: str | None
    first: str = Field(json_schema_extra=DATE_TIME)
    last: str = Field(json_schema_extra=DATE_TIME)
    fixes: int
    between_fixes: bool


class PresencePage(Shape):
    """Who was there, first come first; `total` vehicles, `truncated` when not all are listed."""

    items: list[PresenceItem]
    next: str | None
    total: int
    truncated: bool


class NearItem(PositionItem):
    """A vehicle near a place, with what matters to whoever is on the way there."""

    distance_m: int
    bearing: int = Field(description="from the place to the vehicle, degrees from north")
    subtype: str | None
    hazmat: bool
    age_s: float


class NearPage(Shape):
    """Who is near, nearest first."""

    items: list[NearItem]
    next: str | None
    total: int
    truncated: bool


class Job(Shape):
    """A long piece of work; `result` is where to fetch what came out once `state` is `done`; a recovery leaves nothing to fetch."""

    id: str
    kind: Literal["presence", "export", "webhook.recover"]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    created: str = Field(json_schema_extra=DATE_TIME)
    done: str | None = Field(json_schema_extra=DATE_TIME)
    error: str | None
    bytes: int | None
    result: str | None
    request: dict[str, Any]


class JobPage(Shape):
    """Jobs, newest first."""

    items: list[Job]
    next: str | None


class TripItem(Shape):
    """A trip, from its first moving fix to the fix at which it stood; `cut`: its true beginning or end lies beyond what was looked at."""

    began: str = Field(json_schema_extra=DATE_TIME)
    ended: str = Field(json_schema_extra=DATE_TIME)
    open: bool = Field(
        description="its end is not known yet: the vehicle was moving at the last report there is"
    )
    cut: bool
    from_place: list[float] = Field(alias="from", description="[lon, lat]")
    to_place: list[float] = Field(alias="to", description="[lon, lat]")
    distance_km: float
    distance_source: Literal["odometer", "positions", "mixed"]
    odometer_doubts: list[Doubt] = Field(description=DOUBTED)
    max_speed_kmh: float | None
    fixes: int


class StopItem(Shape):
    """A stop of five minutes or more."""

    began: str = Field(json_schema_extra=DATE_TIME)
    ended: str = Field(json_schema_extra=DATE_TIME)
    open: bool
    cut: bool
    place: list[float] = Field(description="[lon, lat]")
    duration_s: int
    fixes: int


class GapItem(Shape):
    """A silence of more than twenty minutes; how far apart the fixes around it are. `ended` null: it lasts."""

    began: str = Field(json_schema_extra=DATE_TIME)
    ended: str | None = Field(json_schema_extra=DATE_TIME)
    displacement_km: float | None
    odometer_km: float | None


class TripPage(Shape):
    """Trips that touch the period, in order, and the silences between."""

    items: list[TripItem]
    next: str | None
    gaps: list[GapItem]


class StopPage(Shape):
    """Stops that touch the period, in order, and the silences between."""

    items: list[StopItem]
    next: str | None
    gaps: list[GapItem]


class MileageDay(Shape):
    """A local day's distance, of legs whose later fix is on it."""

    day: str
    distance_km: float
    odometer_km: float
    positions_km: float
    gaps_km: float


class Mileage(Shape):
    """Distance of a period: the sum of its legs, whichever way it is divided."""

    distance_km: float
    source: Literal["odometer", "positions", "mixed", "none"]
    odometer_doubts: list[Doubt] = Field(description=DOUBTED)
    odometer_km: float = Field(description="the part taken from odometer readings")
    positions_km: float = Field(description="the part measured between positions")
    gaps_km: float = Field(
        description="the part that lies in silences of more than twenty minutes; contained in distance_km"
    )
    by_positions_km: float = Field(
        description="for comparison: the same legs, all measured between positions"
    )
    fixes: int
    days: list[MileageDay]
    gaps: list[GapItem]


class LastReport(Shape):
    """A terminal's newest report: when it was taken by its own clock, when it came."""

    taken: str = Field(json_schema_extra=DATE_TIME, description="按终端时钟 · by the terminal's clock")
    received: str | None = Field(
        json_schema_extra=DATE_TIME, description="接收时间 · when it came; null: not known"
    )


class TerminalHealth(Shape):
    """What a vehicle's reports tell of its terminal; shares are from 0 to 1, null where there is nothing to count."""

    from_: str = Field(alias="from", json_schema_extra=DATE_TIME, description="起 · from")
    to: str = Field(json_schema_extra=DATE_TIME, description="止 · until")
    reports: int = Field(
        description="统计的报文数,不含补传 · reports looked at, without those uploaded later"
    )
    backfilled: int = Field(description="补传报文数,不计入 · reports uploaded later, which are set aside")
    truncated: bool = Field(
        description="仅统计最新的 20000 条 · the period has more: the newest 20,000 were looked at"
    )
    last: LastReport | None = Field(description="最新报文 · the newest report; null: none in the period")
    clock: Literal["right", "behind", "ahead", "unsteady", "unknown"] = Field(
        description="时钟:准、持续偏慢(≥300 秒)、持续偏快(≥10 秒)、不稳定、报文不足 · steadily 300 s or more behind its arrival, 10 s or more ahead; "
        "unsteady: the middle four fifths of offsets are more than 60 s apart; unknown: fewer than 10 reports"
    )
    clock_offset_s: float | None = Field(
        description="接收时间减终端时间,中位数(秒),负为偏快 · arrival less the terminal's time, median, seconds; negative: ahead"
    )
    clock_spread_s: float | None = Field(
        description="中间五分之四偏差的宽度(秒) · how far apart the middle four fifths of offsets are, seconds"
    )
    interval_s: float | None = Field(description="上报间隔中位数(秒) · median time between reports, seconds")
    speed: Literal["told", "missing", "stuck", "unknown"] = Field(
        description="速度:有、半数以上无速度、移动时速度为 0、无报文 · missing: half of the reports or more tell none; stuck: half or more of those that moved tell 0; "
        "speeding cannot be judged then"
    )
    share_without_speed: float | None = Field(description="无速度的比例 · share that tells no speed")
    share_flagged: float | None = Field(description="带质量标记的比例 · share with a quality flag")
    share_frozen: float | None = Field(
        description="有速度却重复位置的比例 · share that tells 10 km/h or more and repeats the place before it"
    )
    satellites: float | None = Field(description="卫星数中位数 · median number of satellites; null: not told")


class Driver(Shape):
    """A driver as the registry has them; masked unless `unmask` was asked for and permitted."""

    driver: str
    name: str
    operator: str
    licence_class: str | None
    qualified_for: str | None
    valid_to: str | None
    phone: str | None
    masked: bool


class DriverPage(Shape):
    """Drivers by code."""

    items: list[Driver]
    next: str | None
