"""The places of the Ningxia scenario: towns, the roads between them and the routes driven. Tables, so that the map is edited here alone.

Positions of towns are rounded public knowledge; road classes, names and limits are the scenario's (the road source carries none),
chosen to be plausible, not to be looked up.
"""

from dataclasses import dataclass

from services.contracts.registry import RoadClass


@dataclass(frozen=True, slots=True)
class Town:
    """A town: its centre and how far from it (metres) roads are urban; `ring_m` > `urban_m` adds an urban expressway around."""

    name: str
    lon: float
    lat: float
    urban_m: float
    ring_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Link:
    """A road to look up between two towns. Where several links share a road, the first in the table names it."""

    start: str
    end: str
    road_class: RoadClass
    ref: str
    name: str
    limit_kmh: float


TOWNS = (
    Town("银川", 106.231, 38.487, 3500, 7000),
    Town("石嘴山", 106.376, 39.017, 2500, 4500),
    Town("吴忠", 106.199, 37.986, 2500, 4500),
    Town("固原", 106.285, 36.005, 2500, 4500),
    Town("中卫", 105.189, 37.515, 2500, 4500),
    Town("灵武", 106.340, 38.103, 1800),
    Town("青铜峡", 106.075, 38.021, 1800),
    Town("平罗", 106.545, 38.907, 1800),
    Town("贺兰", 106.350, 38.554, 1800),
    Town("永宁", 106.253, 38.277, 1800),
    Town("盐池", 107.405, 37.783, 1500),
    Town("同心", 105.914, 36.981, 1500),
    Town("海原", 105.644, 36.565, 1500),
    Town("中宁", 105.685, 37.491, 1800),
    Town("西吉", 105.729, 35.964, 1500),
    Town("隆德", 106.124, 35.618, 1500),
    Town("泾源", 106.339, 35.490, 1200),
    Town("彭阳", 106.638, 35.851, 1500),
    Town("惠农", 106.781, 39.239, 1800),
    Town("红寺堡", 106.062, 37.424, 1500),
    Town("宁东", 106.600, 38.170, 1500),
)

E_, H, R, M = RoadClass.EXPRESSWAY, RoadClass.HIGHWAY, RoadClass.RURAL, RoadClass.MOUNTAIN

LINKS = (
    Link("惠农", "平罗", E_, "G6", "京藏高速", 120),
    Link("平罗", "贺兰", E_, "G6", "京藏高速", 120),
    Link("贺兰", "银川", E_, "G6", "京藏高速", 120),
    Link("银川", "永宁", E_, "G6", "京藏高速", 120),
    Link("永宁", "吴忠", E_, "G6", "京藏高速", 120),
    Link("吴忠", "中宁", E_, "G6", "京藏高速", 120),
    Link("中宁", "中卫", E_, "G2012", "定武高速", 120),
    Link("中宁", "同心", E_, "G70", "福银高速", 120),
    Link("同心", "固原", E_, "G70", "福银高速", 100),
    Link("银川", "灵武", E_, "G20", "青银高速", 120),
    Link("灵武", "宁东", H, "G307", "国道307", 80),
    Link("宁东", "盐池", E_, "G20", "青银高速", 120),
    Link("盐池", "红寺堡", E_, "G2012", "定武高速", 100),
    Link("固原", "隆德", M, "G312", "国道312", 50),
    Link("固原", "泾源", M, "G344", "国道344", 50),
    Link("石嘴山", "平罗", H, "S301", "省道301", 80),
    Link("石嘴山", "银川", H, "G110", "国道110", 80),
    Link("惠农", "石嘴山", H, "G110", "国道110", 80),
    Link("青铜峡", "吴忠", H, "S101", "省道101", 70),
    Link("青铜峡", "永宁", H, "G109", "国道109", 80),
    Link("青铜峡", "中卫", H, "S102", "省道102", 80),
    Link("灵武", "吴忠", H, "G211", "国道211", 70),
    Link("红寺堡", "吴忠", H, "G344", "国道344", 80),
    Link("红寺堡", "同心", H, "S103", "省道103", 70),
    Link("海原", "固原", R, "S305", "省道305", 60),
    Link("西吉", "固原", R, "G566", "国道566", 60),
    Link("彭阳", "固原", R, "G327", "国道327", 60),
    Link("隆德", "西吉", M, "S313", "省道313", 40),
    Link("隆德", "泾源", M, "S101", "省道101", 40),
)

ROUTES = (
    "银川-固原", "银川-中卫", "银川-石嘴山", "银川-惠农", "银川-吴忠", "银川-盐池", "银川-同心", "银川-灵武", "银川-中宁", "银川-平罗",
    "银川-青铜峡", "银川-红寺堡", "石嘴山-中卫", "石嘴山-吴忠", "石嘴山-固原", "惠农-中宁", "吴忠-固原", "吴忠-盐池", "吴忠-中卫",
    "吴忠-同心", "中卫-固原", "中卫-同心", "固原-泾源", "固原-隆德", "固原-西吉", "固原-彭阳", "固原-海原", "中宁-固原", "盐池-中卫",
    "西吉-泾源", "宁东-中卫", "宁东-石嘴山", "宁东-吴忠", "青铜峡-中卫", "惠农-银川", "银川-西吉",
)  # fmt: skip
"""Pairs of towns between which coaches, trucks and tankers run."""

PLATE_LETTERS = {"6401": "A", "6402": "B", "6403": "C", "6404": "D", "6405": "E"}
"""Plate letter by the city (first four digits of GB/T 2260)."""

NEIGHBOURHOOD = (104.0, 35.0, 108.2, 39.8)
"""West, south, east, north of where the fleet may be: Ningxia and the roads around it that its own routes use."""
