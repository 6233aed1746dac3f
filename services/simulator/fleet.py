"""The fleet: vehicles, drivers, operators, and what each driver and each terminal is like. Everyone and everything here is invented.

A driver's habits are drawn once, so that the fleet has its honest majority and its few regular offenders, and so that truth can
say of every episode whose it was.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from services.contracts.registry import VehicleClass
from services.simulator.places import PLATE_LETTERS
from services.simulator.world import Route, World

T = TypeVar("T")

SURNAMES = "王李张刘陈杨马赵黄周吴徐孙胡朱高林何郭罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN = ("建国", "志强", "海军", "伟", "军", "秀英", "玉兰", "国庆", "永红", "文学", "占林", "生福", "建华", "学军", "小龙", "彦军",
         "丽", "敏", "芳", "晓东", "振宁", "兴贵", "耀武", "宝山", "立新", "春梅", "自强", "进忠", "光明", "少华", "亚平", "德全")  # fmt: skip
OPERATORS = {
    VehicleClass.COACH: ("塞上行长途客运公司", "河套快客公司", "沙湖客运公司"),
    VehicleClass.CHARTER: ("贺兰之旅包车公司", "西夏旅游客运公司"),
    VehicleClass.HAZMAT: ("宁东安运危化物流公司", "黄河能源运输公司"),
    VehicleClass.FREIGHT: ("六盘山货运公司", "大漠重载物流公司", "银川湾物流公司"),
    VehicleClass.SCHOOL_BUS: ("凤城校车服务公司", "山花学子校车公司"),
}
SHARES = (
    (VehicleClass.COACH, 0.26),
    (VehicleClass.CHARTER, 0.20),
    (VehicleClass.HAZMAT, 0.20),
    (VehicleClass.FREIGHT, 0.24),
    (VehicleClass.SCHOOL_BUS, 0.10),
)
PLATE_DIGITS = "0123456789"
OFFENDER_SHARES, WILD_SHARES = (0.22, 0.22, 0.25), (0.5, 0.45, 0.5)
"""Shares of vehicles whose crew speeds, skips rests, leaves the route."""

INTERVALS_S = (30, 20, 15, 10)
INTERVAL_SHARES = (0.70, 0.15, 0.10, 0.05)


@dataclass(frozen=True, slots=True)
class Habits:
    """What a vehicle's crew does wrong. Rates are per hour at the wheel, shares are probabilities per occasion."""

    caution: float  # speed kept, as a share of the limit, by a driver who keeps the law
    bursts_per_h: float  # spells of speeding
    excess: float  # mean of what a spell goes above the limit, as a share of it
    skips_rest: float
    excursions: float  # per trip
    switches_off: float  # per duty: terminal off while driving
    duty_h: float  # how long the vehicle is at work in a day


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal is like."""

    number: str
    interval_s: int
    phase_s: int
    sigma_m: float  # slow GNSS error
    card_reader: bool
    holds: float  # share of duties with a blind area, uploaded later


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle with its crew (one or two driver codes), its usual route and its habits."""

    index: int
    plate: str
    plate_color: str
    vehicle_class: VehicleClass
    operator: str
    division: str
    route: int
    assigned: bool
    crew: tuple[str, ...]
    swaps_card: float  # share of swaps at which the card is changed as well
    lends_card: float  # share of long stops after which the other's card is in and the driver the same
    habits: Habits
    terminal: Terminal

    @property
    def key(self) -> str:
        """`plate/colour`."""
        return f"{self.plate}/{self.plate_color}"


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver."""

    code: str
    name: str
    operator: str
    phone: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """All vehicles and drivers."""

    vehicles: tuple[Vehicle, ...]
    drivers: tuple[Driver, ...]


def build_fleet(
    world: World,
    count: int,
    seed: int,
    interval_s: int | None = None,
    *,
    wild: bool = False,
    frank: bool = False,
) -> Fleet:
    """`count` vehicles, always the same for a seed; `interval_s` sets every terminal's report interval.

    `wild`: about twice as many offenders, so that a screen has something to show every few seconds. `frank`: nobody deceives the
    terminal and no terminal is without a card reader or switched off, to tell what a rule does from what it cannot know.
    """
    rng = np.random.default_rng([seed, 1])
    drivers: list[Driver] = []
    vehicles = tuple(
        _vehicle(world, index, _class_of(index, count), rng, drivers, interval_s, wild=wild)
        for index in range(count)
    )
    return Fleet(tuple(map(_frank, vehicles)) if frank else vehicles, tuple(drivers))


def _frank(vehicle: Vehicle) -> Vehicle:
    return replace(
        vehicle, swaps_card=1.0, lends_card=0.0, habits=replace(vehicle.habits, switches_off=0.0),
        terminal=replace(vehicle.terminal, card_reader=True),
    )  # fmt: skip


def _class_of(index: int, count: int) -> VehicleClass:
    """Classes in fixed shares, and every class from the fifth vehicle on."""
    if index < len(SHARES):
        return SHARES[index][0]
    upper = 0.0
    for vehicle_class, share in SHARES:
        upper += share
        if index < upper * count:
            return vehicle_class
    return SHARES[-1][0]


def _pick(rng: np.random.Generator, things: tuple[T, ...]) -> T:
    return things[int(rng.integers(len(things)))]


def _vehicle(
    world: World,
    index: int,
    cls: VehicleClass,
    rng: np.random.Generator,
    drivers: list[Driver],
    interval_s: int | None,
    *,
    wild: bool,
) -> Vehicle:
    route = _route(world, cls, rng)
    division = world.divisions[world.routes[route].start]
    operator = _pick(rng, OPERATORS[cls])
    long_way = world.seconds(world.routes[route].track, 0) > 2.3 * 3600
    pair = cls is not VehicleClass.SCHOOL_BUS and rng.random() < (0.55 if long_way else 0.1)
    crew = tuple(_driver(division, operator, rng, drivers) for _ in range(2 if pair else 1))
    city = division[:4] if division[:4] in PLATE_LETTERS else "6401"
    return Vehicle(
        index=index,
        plate=f"宁{PLATE_LETTERS[city]}{_serial(index)}",
        plate_color="yellow",
        vehicle_class=cls,
        operator=operator,
        division=division,
        route=route,
        assigned=cls is not VehicleClass.FREIGHT or rng.random() < 0.5,
        crew=crew,
        swaps_card=float(rng.choice([1.0, 1.0, 1.0, 0.5, 0.0])),
        lends_card=float(rng.choice([0.0] * 19 + [0.6])) if pair else 0.0,
        habits=_habits(cls, rng, pair=pair, wild=wild),
        terminal=_terminal(index, rng, interval_s),
    )


def _route(world: World, cls: VehicleClass, rng: np.random.Generator) -> int:
    def fits(route: Route) -> bool:
        if cls is VehicleClass.SCHOOL_BUS or route.school:
            return route.school and cls is VehicleClass.SCHOOL_BUS
        return cls is not VehicleClass.HAZMAT or "银川" not in (route.start, route.end)

    return _pick(rng, tuple(i for i, route in enumerate(world.routes) if fits(route)))


def _serial(index: int) -> str:
    """Five digits, unlike for every vehicle: multiplication by a number prime to 100,000 only shuffles."""
    return f"{(index * 61_237 + 12_345) % 100_000:05d}"


def _driver(division: str, operator: str, rng: np.random.Generator, drivers: list[Driver]) -> str:
    code = f"{division}-{len(drivers) + 1:04d}"
    name = _pick(rng, tuple(SURNAMES)) + _pick(rng, GIVEN)
    drivers.append(Driver(code, name, operator, f"1990000{len(drivers) % 10_000:04d}"))
    return code


def _habits(cls: VehicleClass, rng: np.random.Generator, *, pair: bool, wild: bool) -> Habits:
    speeder, tired, strayer = rng.random(3) < (WILD_SHARES if wild else OFFENDER_SHARES)
    passenger = cls is not VehicleClass.FREIGHT
    lawful_h = 7.3 if passenger else 9.5
    return Habits(
        caution=float(rng.uniform(0.88, 0.96)),
        bursts_per_h=float(rng.uniform(1.5, 4.0)) if speeder else 0.08,
        excess=float(rng.uniform(0.12, 0.30)) if speeder else 0.08,
        skips_rest=float(rng.uniform(0.5, 0.95)) if tired else 0.02,
        excursions=float(rng.uniform(0.25, 0.6)) if strayer else 0.01,
        switches_off=0.3 if rng.random() < 0.06 else 0.0,
        duty_h=float(rng.uniform(9.5, 13.0))
        if tired
        else float(rng.uniform(0.7, 1.0)) * lawful_h * (1.6 if pair else 1.0),
    )


def _terminal(index: int, rng: np.random.Generator, interval_s: int | None) -> Terminal:
    interval = int(rng.choice(INTERVALS_S, p=INTERVAL_SHARES))
    interval = interval_s or interval
    return Terminal(
        number=f"0139{index + 1:08d}",
        interval_s=interval,
        phase_s=int(rng.integers(interval)),
        sigma_m=12.0 if rng.random() < 0.02 else 2.5,
        card_reader=rng.random() > 0.03,
        holds=0.15 if rng.random() < 0.2 else 0.0,
    )
