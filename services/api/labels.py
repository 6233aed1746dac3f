"""The words of the api's codes in Chinese and English, once: what filters accept and what `/v1/meta` tells a console to print.

Codes are language-neutral and stand in the contracts; a test holds this table against them and against the registered rules.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """A code and what a reader sees."""

    code: str
    zh: str
    en: str


CLASSES = (
    Label("coach", "班线客车", "scheduled coach"),
    Label("charter", "旅游包车", "tourist or charter coach"),
    Label("hazmat", "危险货物运输车", "hazardous-goods truck"),
    Label("freight", "重型货车", "heavy freight truck"),
    Label("school_bus", "校车", "school bus"),
)
PLATE_COLORS = (
    Label("blue", "蓝", "blue"),
    Label("yellow", "黄", "yellow"),
    Label("black", "黑", "black"),
    Label("white", "白", "white"),
    Label("green", "绿", "green"),
    Label("yellow_green", "黄绿", "yellow-green"),
    Label("other", "其他", "other"),
)
RULES = (
    Label("speeding", "超速", "speeding"),
    Label("fatigue", "疲劳驾驶", "driver fatigue"),
    Label("route_deviation", "偏离路线", "route deviation"),
)
KINDS: dict[str, tuple[Label, ...]] = {
    "speeding": (
        Label("statutory", "超过法定限速", "above the statutory limit"),
        Label("monitoring", "超过监控限速", "above the monitoring limit"),
    ),
    "fatigue": (
        Label("continuous", "连续驾驶超时", "driving without rest"),
        Label("night", "夜间连续驾驶超时", "driving without rest at night"),
        Label("rolling_24h", "24 小时累计驾驶超时", "driving time in 24 hours"),
        Label("rolling_7d", "7 日累计驾驶超时", "driving time in 7 days"),
    ),
    "route_deviation": (
        Label("off_route", "驶离路线", "off the route"),
        Label("wrong_way", "逆向行驶", "wrong direction"),
        Label("wrong_vehicle", "非指派车辆", "wrong vehicle"),
    ),
}
SEVERITIES = (
    Label("info", "提示", "info"),
    Label("minor", "一般", "minor"),
    Label("major", "较重", "major"),
    Label("critical", "严重", "critical"),
)
STATES = (
    Label("open", "进行中", "open"),
    Label("closed", "已结束", "closed"),
    Label("withdrawn", "已撤销", "withdrawn"),
)
HANDLINGS = (
    Label("open", "未处理", "not handled"),
    Label("acknowledged", "已知晓", "acknowledged"),
    Label("assigned", "已派发", "assigned"),
    Label("resolved", "已办结", "resolved"),
)
EVENT_TYPES = (
    Label("alert.opened", "新告警", "opened"),
    Label("alert.updated", "更新", "updated"),
    Label("alert.closed", "结束", "closed"),
    Label("alert.revised", "修订", "revised"),
    Label("alert.withdrawn", "撤销", "withdrawn"),
)


def codes(labels: tuple[Label, ...]) -> tuple[str, ...]:
    """The codes alone."""
    return tuple(label.code for label in labels)


KIND_CODES = tuple(dict.fromkeys(kind.code for kinds in KINDS.values() for kind in kinds))
