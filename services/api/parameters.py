"""Query parameters: one model for each path, nothing unknown let through, every message in both languages.

A list is given by repeating the parameter or with commas. Times are RFC 3339 with an offset; a `+` that arrived as a space (as it does where
nobody escaped it) is taken for the `+` it was.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from services.api import labels
from services.api.problems import Fault, Problem
from services.contracts.reasons import REJECTING
from services.contracts.registry import ZONE_KINDS
from services.contracts.registry_files.values import BadValue, normal_plate
from services.store.times import to_ms

DEFAULT_LIMIT, MOST = 100, 1000
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+\- ]\d\d:\d\d)", re.ASCII)
DIVISION = re.compile(r"\d{2,12}", re.ASCII)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""The range of every time that comes in: from the first on, before the second; so much room that whatever is reckoned from one still is a time."""
Box = tuple[float, float, float, float]

MESSAGES = {
    "extra_forbidden": ("没有此参数", "there is no such parameter"),
    "json_invalid": ("不是有效的 JSON", "not valid JSON"),
    "string_type": ("应为字符串", "expected a string"),
    "int_type": ("应为整数", "expected a whole number"),
    "bool_type": ("应为 true 或 false", "expected true or false"),
    "list_type": ("应为数组", "expected an array"),
    "dict_type": ("应为对象", "expected an object"),
    "model_attributes_type": ("应为 JSON 对象", "expected a JSON object"),
    "string_pattern_mismatch": ("格式应为 {pattern}", "expected the form {pattern}"),
    "literal_error": ("应为其一: {expected}", "expected one of: {expected}"),
    "too_long": ("不得超过 {max_length} 项", "at most {max_length} items"),
    "too_short": ("至少 {min_length} 项", "at least {min_length} items"),
    "missing": ("必须给出", "required"),
    "int_parsing": ("应为整数", "expected a whole number"),
    "greater_than_equal": ("不得小于 {ge}", "must not be less than {ge}"),
    "less_than_equal": ("不得大于 {le}", "must not be greater than {le}"),
    "string_too_short": ("不得为空", "must not be empty"),
    "string_too_long": ("不得超过 {max_length} 个字符", "must not be longer than {max_length} characters"),
    "one_of": ("应为其一: {allowed}", "expected one of: {allowed}"),
    "rfc3339": ("应为带时区的 RFC 3339 时间,如 2026-11-23T08:00:00+08:00", "expected RFC 3339 with an offset, such as 2026-11-23T08:00:00Z"),
    "time_range": ("应在 {earliest}(含)与 {latest}(不含)之间", "expected a time from {earliest} on and before {latest}"),
    "bbox": ("应为 西,南,东,北(WGS-84 度),西<东、南<北", "expected west,south,east,north in WGS-84 degrees, west < east, south < north"),
    "division": ("应为 2–12 位数字的行政区划代码", "expected a division code (GB/T 2260) of 2 to 12 digits"),
    "vehicle": ("应为车辆编号,或 车牌/颜色,如 宁A12345/yellow", "expected a vehicle's id, or plate/colour such as 宁A12345/yellow"),
    "plate": ("应为 车牌 或 车牌/颜色", "expected a plate, or plate/colour"),
    "text": ("含不可见字符", "holds control or invisible characters"),
    "account": ("没有可处理此告警的账号 {account}", "no account {account} that may handle this alert"),
    "due": ("督办期限应在现在之后、一年之内", "the deadline must be in the future and within a year"),
    "string_unicode": ("应为有效的 Unicode 文字", "expected valid Unicode text"),
    "int_from_float": ("应为整数", "expected a whole number"),
    "int_parsing_size": ("数字过大", "the number is too large"),
    "place": ("应为 [经度,纬度](WGS-84 度)", "expected [lon, lat] in WGS-84 degrees"),
    "area": ("应给出 polygon,或 line 与 buffer_m", "expected polygon, or line with buffer_m"),
    "period": ("from 应早于 to", "from must be before to"),
    "enum": ("应为其一: {expected}", "expected one of: {expected}"),
    "login": ("应为小写字母、数字与 . _ @ -,以字母或数字开头,2 至 64 个字符",
              "expected lower-case letters, digits and . _ @ -, a letter or digit first, 2 to 64 in all"),
    "after": ("应为事件序号或接口给出的 next", "expected an event's number, or the next of an answer"),
}  # fmt: skip
"""By pydantic's error type or ours: what is wrong, in both languages."""


def wrong(code: str, **words: Any) -> PydanticCustomError:
    """A validation error of MESSAGES."""
    return PydanticCustomError(code, MESSAGES[code][1], words)


def split(value: object) -> object:
    """`a,b` and a repeated parameter as one list."""
    parts = value if isinstance(value, list) else [value]
    return [item for part in parts for item in (part.split(",") if isinstance(part, str) else [part])]


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in allowed:
            raise wrong("one_of", allowed=" ".join(allowed))
        return value

    return check


def parse_time(text: str) -> datetime:
    """An aware time of the range that is taken.

    Raises:
        PydanticCustomError: not RFC 3339 with an offset, or before EARLIEST, or not before LATEST.
    """
    match = TIME.fullmatch(text)
    if match is None:
        raise wrong("rfc3339")
    day, clock, fraction, offset = match.groups()
    offset = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
    try:
        given = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{offset}")
    except ValueError as error:
        raise wrong("rfc3339") from error
    if not EARLIEST <= given < LATEST:
        raise wrong(
            "time_range", earliest=f"{EARLIEST:%Y-%m-%dT%H:%M:%SZ}", latest=f"{LATEST:%Y-%m-%dT%H:%M:%SZ}"
        )
    return given


def parse_box(text: str) -> Box:
    """`W,S,E,N`.

    Raises:
        PydanticCustomError: not four numbers in range and order.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise wrong("bbox") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise wrong("bbox")
    return west, south, east, north


def parse_vehicle(text: str) -> int | tuple[str, str]:
    """A vehicle's id, or its plate and colour.

    Raises:
        PydanticCustomError: neither.
    """
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    plate, slash, color = text.rpartition("/")
    if not slash or color not in labels.codes(labels.PLATE_COLORS):
        raise wrong("vehicle")
    return parse_plate(plate), color


def parse_plate(text: str) -> str:
    """A plate as the registry compares it.

    Raises:
        PydanticCustomError: no plate.
    """
    try:
        return normal_plate(text)
    except BadValue as error:
        raise wrong("plate") from error


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Check the text now and keep it; the value is parsed where it is used."""

    def check(text: str) -> str:
        parse(text)
        return text

    return check


def _division(text: str) -> str:
    if not DIVISION.fullmatch(text):
        raise wrong("division")
    return text


def _visible(text: str) -> str:
    if not text.isprintable():  # NUL, which no database takes, among them
        raise wrong("text")
    return text


def _coerced(limit: int) -> int:
    return min(limit, MOST)


def _choice(table: tuple[str, ...]) -> Any:
    """The type of a list whose members are of this table."""
    return Annotated[
        list[Annotated[str, AfterValidator(_one_of(table)), Field(json_schema_extra={"enum": list(table)})]],
        BeforeValidator(split),
    ]


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_visible)]
Names = list[Text]  # names of companies may hold commas: given by repeating alone
Divisions = Annotated[list[Annotated[str, AfterValidator(_division)]], BeforeValidator(split)]
VehicleNames = Annotated[
    list[Annotated[str, AfterValidator(_checked(parse_vehicle))]], BeforeValidator(split)
]
Time = Annotated[
    str, AfterValidator(_checked(parse_time)), Field(max_length=40, json_schema_extra={"format": "date-time"})
]
BoxText = Annotated[str, AfterValidator(_checked(parse_box)), Field(max_length=200)]
Limit = Annotated[
    int,
    Field(
        ge=1,
        description="条数,至多 1000,更大的按 1000 · how many, at most 1000; more is taken for 1000",
        json_schema_extra={"maximum": MOST},
    ),
    AfterValidator(_coerced),
]
Cursor = Annotated[str, Field(min_length=1, max_length=512)]
Rules = _choice(labels.codes(labels.RULES))
Kinds = _choice(labels.KIND_CODES)
Classes = _choice(labels.codes(labels.CLASSES))
States = _choice(labels.codes(labels.STATES))
Handlings = _choice(labels.codes(labels.HANDLINGS))
Severities = _choice(labels.codes(labels.SEVERITIES))
ZoneKinds = _choice(ZONE_KINDS)
RejectReasons = _choice(REJECTING)


class Query(BaseModel):
    """Base of all: what is not declared is refused by name."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Paging(Query):
    """A list without filters."""

    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


class Nothing(Query):
    """A path without parameters."""


def time_ms(text: str | None) -> int | None:
    """A checked time as Unix ms."""
    return None if text is None else to_ms(parse_time(text))


def box_of(text: str | None) -> Box | None:
    """A checked box."""
    return None if text is None else parse_box(text)


def problem_of(errors: list[dict[str, Any]]) -> Problem:
    """Pydantic's errors as one problem."""
    in_body = any(error["loc"][:1] == ("body",) for error in errors)
    return Problem(
        "invalid-body" if in_body else "invalid-parameter", faults=tuple(_fault(error) for error in errors)
    )


def _fault(error: dict[str, Any]) -> Fault:
    pointer = "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"])
    if error["type"] not in MESSAGES:
        return Fault(pointer, "值无效", str(error["msg"]))
    zh, en = MESSAGES[error["type"]]
    words = error.get("ctx", {})
    return Fault(pointer, zh.format_map(words), en.format_map(words))


def following_path(request: Request, cursor: str) -> str:
    """The path of a list's next page; without a host, which is whatever the request said it was."""
    following = request.url.include_query_params(cursor=cursor)
    return f"{following.path}?{following.query}"
