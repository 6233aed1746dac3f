"""What can give the limit in force: the words of `why.limit_from` and the legal basis of each, in one literal table."""

from typing import NamedTuple

from services.contracts.registry import CLASSES, VehicleClass


class LimitSource(NamedTuple):
    """One source of a limit, in the words of both languages, with its legal basis where that does not depend on the class."""

    code: str
    en: str
    zh: str
    basis: str | None


EXPRESSWAY_CLASS, ROAD_CLASS, POSTED, POSTED_NIGHT, ZONE, UNMATCHED, NIGHT_FACTOR = range(7)
SOURCES = (
    LimitSource("expressway_class", "expressway class limit", "高速公路车型限速", None),
    LimitSource("road_class", "class limit off expressways", "非高速公路车型限速", None),
    LimitSource("posted", "posted limit", "道路限速", "实施条例 art. 45"),
    LimitSource("posted_night", "posted night limit", "夜间道路限速", "实施条例 art. 45"),
    LimitSource("zone", "limit of a zone or temporary order", "区域或临时管制限速", "道交法 art. 39"),
    LimitSource("unmatched", "class limit, road unknown", "道路未知, 车型限速", None),
    LimitSource("night_factor", "night share of the day limit", "夜间按日间限速比例", "动态监督办法"),
)

CLASS_BASIS = {
    VehicleClass.COACH: "实施条例 art. 78",
    VehicleClass.CHARTER: "实施条例 art. 78",
    VehicleClass.HAZMAT: "危货办法 art. 46",
    VehicleClass.FREIGHT: "实施条例 art. 78",
    VehicleClass.SCHOOL_BUS: "校车条例 art. 35",
}


def basis(source: int, vehicle_class: int) -> str:
    """The legal basis of a limit for a class (places in SOURCES and CLASSES)."""
    return SOURCES[source].basis or CLASS_BASIS[CLASSES[vehicle_class]]
