"""Why a report was not simply accepted: the reason codes, their verdicts and, for flags, their bit; the table is the documentation.

Codes are interface: they stand in metrics, in the headers of `gps.rejected` and in the summary of `roadwatch judge`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a report: exactly one each, so that received = accepted + flagged + quarantined + rejected."""

    ACCEPT = "accepted"
    FLAG = "flagged"
    QUARANTINE = "quarantined"
    REJECT = "rejected"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with its verdict and what it means to a reader."""

    code: str
    verdict: Verdict
    zh: str
    en: str


A, F, Q, R = Verdict.ACCEPT, Verdict.FLAG, Verdict.QUARANTINE, Verdict.REJECT

REASONS = (
    Reason("EMPTY", R, "空消息", "empty message"),
    Reason("SIZE", R, "超过大小限制(64 kB)", "larger than 64 kB"),
    Reason("ENCODING", R, "不是有效的 UTF-8", "not valid UTF-8"),
    Reason("SYNTAX", R, "不是有效的 JSON", "not JSON"),
    Reason("NOT_FINITE", R, "数值为 NaN 或无穷大", "NaN or infinity for a number"),
    Reason("RANGE_INT", R, "整数超出 64 位", "integer beyond 64 bits"),
    Reason("DEPTH", R, "嵌套过深", "nested too deep"),
    Reason("DUP_KEY", R, "字段重复", "a field stands twice"),
    Reason("TYPE", R, "字段类型错误", "a field has the wrong type"),
    Reason("MISSING", R, "缺少必填字段", "a required field is missing"),
    Reason("CTRL_CHAR", R, "文本含控制字符", "control characters in a text"),
    Reason("TIME_FORMAT", R, "时间不是带时区的 RFC 3339", "time is not RFC 3339 with an offset"),
    Reason("RANGE_GEO", R, "经纬度超出地球范围", "position is not on Earth"),
    Reason("RANGE_SPEED", R, "速度超出 0–300 km/h", "speed outside 0-300 km/h"),
    Reason("TEXT_LENGTH", R, "终端号长度不在 1–20", "terminal is not 1-20 characters"),
    Reason("CONTENT_TYPE", R, "未知的报文格式", "unknown content type"),
    Reason("SCHEMA", Q, "未知的报文版本", "unknown schema version"),
    Reason("DATUM", Q, "未知的坐标系", "unknown datum"),
    Reason("ZERO_FIX", Q, "坐标为 0/0", "position 0/0"),
    Reason("SWAPPED", Q, "经纬度颠倒", "longitude and latitude swapped"),
    Reason("UNIT_GEO", Q, "坐标单位错误", "coordinate in a wrong unit"),
    Reason("OUT_OF_COUNTRY", Q, "位置不在服务区", "position outside the service area"),
    Reason(
        "CLOCK_ROLLOVER",
        Q,
        "终端时钟因 GPS 周数翻转慢 1024 周",
        "terminal clock is 1,024 weeks behind (GPS week rollover)",
    ),
    Reason("BAD_CLOCK", Q, "终端时钟错误", "terminal clock is wrong"),
    Reason("FUTURE", Q, "时间超前 60 秒以上", "more than 60 s in the future"),
    Reason("UNKNOWN_VEHICLE", Q, "终端未登记", "terminal belongs to no vehicle"),
    Reason("NOT_FIXED", F, "未定位", "position not fixed"),
    Reason("SPEED_IMPLAUSIBLE", F, "速度 160–300 km/h", "speed of 160-300 km/h"),
    Reason("RANGE_COURSE", F, "航向超出 0–359", "heading outside 0-359, dropped"),
    Reason("RANGE_ALT", F, "高程超出范围", "altitude outside -500-9000 m, dropped"),
    Reason("ODOMETER", F, "里程无效", "odometer negative or absurd, dropped"),
    Reason("SATELLITES", F, "卫星数超出 0–64", "satellites outside 0-64, dropped"),
    Reason("ALARM_UNKNOWN", F, "未知的报警名称", "unknown alarm name"),
    Reason("DOOR_UNKNOWN", F, "未知的车门名称", "unknown door name"),
    Reason("LOAD_UNKNOWN", F, "未知的载重状态", "unknown load"),
    Reason("DRIVER_ID", F, "驾驶员编码不合规", "driver code of wrong shape, dropped"),
    Reason("SPEED_CONFLICT", F, "卫星速度与记录仪速度矛盾", "GNSS and recorder speed contradict each other"),
    Reason("ALARM_CONFLICT", F, "报警与数据矛盾", "alarm contradicts the data"),
    Reason("BACKFILL", F, "补传数据", "uploaded later from the terminal's store"),
    Reason("LEAP_SECOND", F, "闰秒", "leap second, clamped to :59.999"),
    Reason(
        "PLACE_UNUSABLE", F, "位置不可用, 因报警保留", "no usable position, kept for its alarm as not fixed"
    ),
)
BY_CODE = {reason.code: reason for reason in REASONS}
REJECTING = tuple(reason.code for reason in REASONS if reason.verdict in (Q, R))

FLAGS = tuple(reason.code for reason in REASONS if reason.verdict is F)
"""Flag codes; the place is the bit in a fix's `flags`. Append only."""
FLAG_BITS = {code: 1 << bit for bit, code in enumerate(FLAGS)}

NOT_FIXED = FLAG_BITS["NOT_FIXED"]
SPEED_IMPLAUSIBLE = FLAG_BITS["SPEED_IMPLAUSIBLE"]
PLACE_UNUSABLE = FLAG_BITS["PLACE_UNUSABLE"]
"""Always with NOT_FIXED. The fix's coordinates are 0 and mean nothing: it has no position in answers."""
