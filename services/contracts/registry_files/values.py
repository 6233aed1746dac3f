"""How a single cell or property is read: each function takes what stands in the file and gives the value, or says what is expected.

Cells of a CSV are always text while GeoJSON has types, so numbers and booleans are taken in either form.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from services.contracts.registry import DAYS, VehicleClass, normal_driver, normal_terminal

Parse = Callable[[Any], Any]

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")  # no daylight saving since 1991
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?([Zz]|[+-]\d{2}:?\d{2})")
HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~]\s*(\d{1,2}):(\d{2})")  # people type all three
DAY_SPAN = re.compile(r"([A-Za-z]{2})(?:\s*[-–~]\s*([A-Za-z]{2}))?")
DIVISION = re.compile(
    r"\d{2,12}"
)  # GB/T 2260: six digits; two to twelve with levels left out or GB/T 10114 added
INVISIBLE = (
    "Cc",
    "Cf",
    "Cs",
    "Co",
    "Zl",
    "Zp",
)  # control, bidi and zero-width, surrogates, private use, separators

TRUE = ("true", "yes", "1", "t", "y", "是")
FALSE = ("false", "no", "0", "f", "n", "否")

ROUNDED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+\d+|[+-]?\d+[.,]\d+[eE]-?\d+")
"""1.39E+10, as spreadsheets and programs write a long number."""
DECIMAL = re.compile(r"[+-]?\d+[.,]\d*")
QUOTES = "'\"`´‘’‚“”„′″"
CELL_ERROR = re.compile(r"#+|#[A-Z/0]+[!?]?")
"""#REF!, #N/A, and a column that was too narrow."""
NOBODY = ("nan", "null", "none", "n/a", "na", "undefined", "-", "--", "无")
"""What programs and people write where they have no number."""


class BadValue(ValueError):
    """The value is not what is expected there, said in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        """`zh` and `en` read after the value: 应为 … / expected …."""
        self.zh, self.en = zh, en
        super().__init__(en)


def narrow(value: Any) -> Any:
    """A text as a keyboard writes it: full-width digits, letters and signs are the usual ones (ＮＦＫＣ); what is no text stays."""
    return unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else value


def text(most: int = 200) -> Callable[[Any], str]:
    """A text of 1 to `most` visible characters; numbers are taken as they are written."""

    def parse(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadValue("应为文本", "expected a text")
        found = str(value).strip()
        if any(unicodedata.category(c) in INVISIBLE for c in found):
            raise BadValue("含不可见字符", "holds control or invisible characters")
        if not 1 <= len(found) <= most:
            raise BadValue(f"应为 1–{most} 个字符", f"expected 1-{most} characters")
        if CELL_ERROR.fullmatch(found) or found.startswith("="):
            raise BadValue("电子表格的错误值或公式", "an error or a formula of a spreadsheet")
        return found

    return parse


def code(most: int = 64) -> Callable[[Any], str]:
    """A number or code that a spreadsheet may have ruined: what cannot be one is refused, full-width digits are digits."""

    def parse(value: Any) -> str:
        found = text(most)(narrow(value))
        if ROUNDED.fullmatch(found):
            raise BadValue(
                "科学计数法, 数位已丢失: 请把该列设为文本后重新导出", "rounded by a spreadsheet, its digits are lost: format the column as text and export again"
            )  # fmt: skip
        if DECIMAL.fullmatch(found):
            raise BadValue(
                "带小数点的数字: 请把该列设为文本后重新导出",
                "a number with decimals: format the column as text and export again",
            )
        if any(c in QUOTES for c in found):
            raise BadValue("含引号: 请去掉", "holds quotes: take them away")
        return found

    return parse


def normal_plate(value: Any) -> str:
    """A plate as compared: full-width letters, case, spaces and the dot do not distinguish (`宁a·12345` is 宁A12345)."""
    plate = unicodedata.normalize("NFKC", text(40)(value)).upper()
    plate = "".join(c for c in plate if c not in "·•・" and not c.isspace())
    if not plate or "/" in plate:
        raise BadValue("应为车牌号", "expected a plate number")
    return plate


def terminal(value: Any) -> str:
    """A terminal's number, normalised; 1-20 characters (interfaces section 1)."""
    found = code(20)(value)
    if any(c.isspace() or c in ",;" for c in found) or found.lower() in NOBODY:
        raise BadValue(
            "应为一个终端号, 无空格与分隔符", "expected one terminal number without spaces or separators"
        )
    return normal_terminal(found)


def driver(value: Any) -> str:
    """A driver's code, normalised; 1-64 characters. Blanks or zeros alone are what a terminal says without a card, and nobody's code."""
    if isinstance(value, bool) or not isinstance(value, str | int) or normal_driver(str(value)):
        return code(64)(normal_driver(narrow(value)) if isinstance(value, str) else value)
    raise BadValue(
        "全零或空白表示未插卡,不是驾驶员编码",
        "zeros or blanks alone mean that no card is in: expected a driver's code",
    )


def assigned_driver(value: Any) -> str | None:
    """The same in an assignment, where zeros or blanks alone name nobody."""
    return driver(value) if normal_driver(str(value)) else None


def division(value: Any) -> str:
    """A code of GB/T 2260."""
    found = text()(narrow(value))
    if not DIVISION.fullmatch(found) or not found.isascii():
        raise BadValue(
            "应为行政区划代码,2–12 位数字", "expected a division code of 2-12 digits, such as 640100"
        )
    return found


def one_of(allowed: Sequence[str]) -> Callable[[Any], str]:
    """One of the given words (an enum's members stay members)."""
    by_word = {str(word): word for word in allowed}
    choices = " ".join(by_word)

    def parse(value: Any) -> str:
        word = narrow(value)
        if not isinstance(word, str) or word not in by_word:
            raise BadValue(f"应为其一: {choices}", f"expected one of: {choices}")
        return by_word[word]

    return parse


def number(least: float, most: float, *, above: bool = False) -> Callable[[Any], float]:
    """A finite number from `least` (`above`: beyond it) to `most`."""
    sign = ">" if above else ">="

    def parse(value: Any) -> float:
        bad = BadValue(
            f"应为数字, {sign} {least:g}, <= {most:g}", f"expected a number {sign} {least:g} and <= {most:g}"
        )
        if isinstance(value, bool) or not isinstance(value, int | float | str) or "_" in str(value):
            raise bad
        try:
            found = float(narrow(value))
        except (ValueError, OverflowError):
            raise bad from None
        if not math.isfinite(found) or not least <= found <= most or (above and found == least):
            raise bad
        return found

    return parse


def moment(value: Any) -> int:
    """Unix ms of an RFC 3339 time with an offset, or of local midnight for a bare date."""
    bad = BadValue(
        "应为日期 (2026-11-23) 或带时区的时间 (2026-11-23T08:00:00+08:00)",
        "expected a date (2026-11-23) or a time with its offset (2026-11-23T08:00:00+08:00)",
    )
    found = narrow(value) if isinstance(value, str) else ""
    try:
        if DATE.fullmatch(found):
            when = datetime.combine(date.fromisoformat(found), datetime.min.time(), LOCAL)
        elif MOMENT.fullmatch(found):
            when = datetime.fromisoformat(found.upper().replace(",", "."))
        else:
            raise bad
        return (when - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise bad from None


def iso_date(value: Any) -> str:
    """A calendar date, kept as it is written: it holds for the whole local day."""
    found = narrow(value) if isinstance(value, str) else ""
    try:
        if DATE.fullmatch(found):
            return date.fromisoformat(found).isoformat()
    except ValueError:
        pass
    raise BadValue("应为日期 (2026-11-23)", "expected a date (2026-11-23)")


def boolean(value: Any) -> bool:
    """True or false, also as yes/no or 1/0. OSM's other values of `tunnel` and `bridge` (building_passage, viaduct) mean yes."""
    word = str(narrow(value)).lower()
    if isinstance(value, bool | int | str) and word in TRUE + FALSE:
        return word in TRUE
    if isinstance(value, str) and word not in NOBODY and word.isascii() and word.replace("_", "").isalpha():
        return True
    raise BadValue("应为 true 或 false", "expected true or false")


def oneway(value: Any) -> int:
    """1: in the order of the coordinates, -1: against it, 0: both ways. OSM's words are taken."""
    word = str(narrow(value)).lower()
    if isinstance(value, bool | int | str):
        if word == "-1":
            return -1
        if word in TRUE + FALSE:
            return int(word in TRUE)
    raise BadValue("应为 true、false 或 -1(反向)", 'expected true, false or "-1" (against the line)')


def classes(value: Any) -> tuple[VehicleClass, ...]:
    """A list of vehicle classes, or one text with `|` between them; each once, in the order of the enum."""
    words = value.split("|") if isinstance(value, str) else value
    if not isinstance(words, list):
        raise BadValue("应为车辆类别列表", "expected a list of vehicle classes")
    one = one_of(tuple(VehicleClass))
    chosen = {one(word) for word in words}
    return tuple(found for found in VehicleClass if found in chosen)


def hours(value: Any) -> tuple[tuple[int, int], ...]:
    """Times of the local day, "22:00-06:00" or a list of such, as seconds (from, to); `to` may be 24:00 and may cross midnight."""
    spans = value.split("|") if isinstance(value, str) else value
    if not isinstance(spans, list):
        raise _bad_hours()
    return tuple(_span(span) for span in spans)


def _span(span: Any) -> tuple[int, int]:
    match = HOURS.fullmatch(span.strip()) if isinstance(span, str) else None
    if match is None:
        raise _bad_hours()
    from_h, from_m, to_h, to_m = map(int, match.groups())
    start, end = from_h * 3600 + from_m * 60, to_h * 3600 + to_m * 60
    if from_m > 59 or to_m > 59 or start >= 86_400 or end > 86_400 or start == end:
        raise _bad_hours()
    return start, end


def days(value: Any) -> tuple[int, ...]:
    """Days of the week in OpenStreetMap's words, "Mo-Fr", "Sa,Su", "Fr-Mo", or a list of such: places in DAYS, ascending."""
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise _bad_days()
    found: set[int] = set()
    for part in ",".join(parts).split(","):
        match = DAY_SPAN.fullmatch(part.strip())
        first, last = (_day(word) for word in (match[1], match[2] or match[1])) if match else (-1, -1)
        if first < 0 or last < 0:
            raise _bad_days()
        found.update((first + step) % len(DAYS) for step in range((last - first) % len(DAYS) + 1))
    return tuple(sorted(found))


def _day(word: str) -> int:
    """Place in DAYS, -1 none; case does not distinguish."""
    return DAYS.index(word.capitalize()) if word.capitalize() in DAYS else -1


def _bad_days() -> BadValue:
    return BadValue(
        "应为星期 Mo Tu We Th Fr Sa Su, 如 Mo-Fr 或 Sa,Su",
        "expected days of the week (Mo Tu We Th Fr Sa Su) such as Mo-Fr or Sa,Su",
    )


def date_spans(value: Any) -> tuple[tuple[str, str], ...]:
    """A list of [from, to], local days, both included."""
    bad = BadValue(
        '应为日期段列表 [["2026-10-01", "2026-10-07"], …], 首尾两日都算在内',
        'expected a list of [from, to] such as [["2026-10-01", "2026-10-07"]], both days included',
    )
    if not isinstance(value, list) or not all(isinstance(span, list) and len(span) == 2 for span in value):
        raise bad
    spans = tuple((iso_date(first), iso_date(last)) for first, last in value)
    if any(first > last for first, last in spans):
        raise BadValue(
            "日期段的结束早于开始", "the last day of a span is before its first: expected [from, to]"
        )
    return spans


def _bad_hours() -> BadValue:
    return BadValue('应为时段 "22:00-06:00" 或其列表', 'expected hours "22:00-06:00", or a list of such')
