"""What can give the limit in force: the words of `why.limit_from` and the legal basis of each, in one literal table."""

from typing import NamedTuple


class LimitSource(NamedTuple):
    """One source of a limit."""

    code: str
    en: str
    zh: str
    basis: str


SOURCES = (
    LimitSource("class_expressway", "expressway class limit", "高速公路车型限速", "实施条例 art. 78"),
    LimitSource("hazmat_expressway", "hazmat limit on expressways", "危货车高速公路限速", "危货办法 art. 46"),
    LimitSource("hazmat_other", "hazmat limit off expressways", "危货车其他道路限速", "危货办法 art. 46"),
    LimitSource("school_bus_expressway", "school bus limit on expressways", "校车高速公路限速", "校车条例 art. 35"),
    LimitSource("school_bus_other", "school bus limit off expressways", "校车其他道路限速", "校车条例 art. 35"),
    LimitSource("posted", "posted limit", "道路标志限速", "实施条例 art. 45"),
    LimitSource("posted_class", "posted limit for the class", "分车型标志限速", "实施条例 art. 45"),
    LimitSource("posted_night", "posted night limit", "夜间标志限速", "实施条例 art. 45"),
    LimitSource("zone", "limit of a zone or temporary order", "区域或临时管制限速", "道交法 art. 39"),
    LimitSource("unmatched", "limit on no known road", "未匹配道路限速", "platform monitoring rule"),
    LimitSource("night_factor", "80 % of the day limit at night", "夜间限速 80%", "动态监督办法 (night speed)"),
    LimitSource("class_other", "class limit", "车型限速", "rule set"),
)
BY_CODE = {source.code: place for place, source in enumerate(SOURCES)}

CLASS_EXPRESSWAY, HAZMAT_EXPRESSWAY, HAZMAT_OTHER, SCHOOL_BUS_EXPRESSWAY, SCHOOL_BUS_OTHER = range(5)
POSTED, POSTED_CLASS, POSTED_NIGHT, ZONE, UNMATCHED, NIGHT_FACTOR, CLASS_OTHER = range(5, 12)
