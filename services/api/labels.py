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
SHARED = (
    Label("plausibility", "位置可信度", "plausible positions"),
    Label("matching", "道路匹配", "road matching"),
)
"""Parameters that rule sets name like a rule's and that no alert is of."""
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
    Label("alert.acknowledged", "已知晓", "acknowledged"),
    Label("alert.assigned", "已派发", "assigned"),
    Label("alert.commented", "备注", "commented"),
    Label("alert.supervised", "督办", "supervised"),
    Label("alert.resolved", "已办结", "resolved"),
    Label("alert.reopened", "重新打开", "reopened"),
    Label("alert.escalated", "督办超期", "escalated"),
)
ACTIONS = (
    Label("acknowledge", "知晓", "acknowledge"),
    Label("claim", "认领", "claim"),
    Label("assign", "派发", "assign"),
    Label("comment", "备注", "comment"),
    Label("supervise", "督办", "supervise"),
    Label("resolve", "办结", "resolve"),
    Label("reopen", "重新打开", "reopen"),
    Label("escalate", "督办超期升级", "escalate"),
)
RESOLUTIONS = (
    Label("handled", "已处理", "handled"),
    Label("no_action", "不作处理", "no action needed"),
    Label("later", "将来处理", "to be handled later"),
    Label("false_alarm", "误报", "false alarm"),
)
SUPERVISIONS = (
    Label("urgent", "紧急", "urgent"),
    Label("normal", "一般", "normal"),
)


ROLES = (
    Label("dispatcher", "调度员", "dispatcher"),
    Label("supervisor", "督办主管", "supervisor"),
    Label("authority", "交通主管部门", "authority"),
    Label("enterprise", "运输企业", "enterprise"),
    Label("partner", "合作平台", "partner"),
    Label("system_admin", "系统管理员", "system administrator"),
    Label("security_admin", "安全管理员", "security administrator"),
    Label("audit_admin", "审计管理员", "audit administrator"),
)
ZONE_KINDS = (
    Label("forbidden", "禁行区", "forbidden area"),
    Label("hazard_section", "危险路段", "hazard section"),
    Label("school", "学校", "school"),
    Label("parking", "停车场", "parking"),
    Label("dead_zone", "信号盲区", "dead zone (no signal)"),
    Label("depot", "停车场站", "depot"),
)
ROAD_CLASSES = (
    Label("expressway", "高速", "expressway"),
    Label("highway", "公路", "highway"),
    Label("urban_expressway", "城市快速路", "urban expressway"),
    Label("urban", "城市道路", "urban"),
    Label("rural", "乡村道路", "rural"),
    Label("mountain", "山区道路", "mountain"),
)


def codes(labels: tuple[Label, ...]) -> tuple[str, ...]:
    """The codes alone."""
    return tuple(label.code for label in labels)


KIND_CODES = tuple(dict.fromkeys(kind.code for kinds in KINDS.values() for kind in kinds))
