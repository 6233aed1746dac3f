"""What a vehicle sets out to do in a day: a short list of orders (drive to, wait, go faster for a while) for the stepping kernel.

The plan knows intentions only. How long a spell of speeding really lasts, or whether a driver is really four hours at the wheel when
he stops, comes out of the motion; truth is read off the motion, never off the plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.contracts.registry import CLASSES, VehicleClass
from services.simulator.fleet import Vehicle
from services.simulator.limits import EMPTY_SCHOOL_BUS, LOCAL_OFFSET_S, NIGHT_FROM_S, NIGHT_TO_S
from services.simulator.world import Excursion, Route, World

WAIT_UNTIL, WAIT, DRIVE = 0, 1, 2

ORDER = np.dtype(
    [
        ("kind", "i1"),
        ("direction", "i1"),  # 1 along the track, -1 against it
        ("driver", "i1"),  # place in the crew of who really drives, -1 nobody aboard
        ("card", "i1"),  # place in the crew of whose card is in, -1 none
        ("column", "i1"),  # column of the limit tables
        ("track", "i4"),
        ("start_m", "f8"),  # place at the order's start, negative: where the vehicle is
        ("goal_m", "f8"),  # where this trip stops next
        ("until_m", "f8"),  # the order ends here, at the latest
        ("seconds", "f8"),  # and after this long
        ("at_s", "f8"),  # WAIT_UNTIL: Unix seconds
        ("factor", "f8"),  # speed as a share of the limit in force
    ]
)

PASSENGER = (VehicleClass.COACH, VehicleClass.CHARTER, VehicleClass.SCHOOL_BUS)
LAWFUL_SPELL_S, LAWFUL_NIGHT_SPELL_S = 3.1 * 3600, 1.3 * 3600
DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Day:
    """One duty: orders, and the windows (Unix seconds) in which the terminal is off or keeps its reports for later."""

    orders: NDArray[np.void]
    off: tuple[tuple[int, int], ...]
    held: tuple[tuple[int, int], ...]
    forward: bool  # at which end the vehicle stands afterwards


@dataclass(frozen=True, slots=True)
class Order:
    """One order with the defaults most have; see ORDER."""

    kind: int
    driver: int
    card: int
    column: int
    direction: int = 1
    track: int = 0
    start_m: float = -1.0
    goal_m: float = 0.0
    until_m: float = 0.0
    seconds: float = 1e12
    at_s: float = 0.0
    factor: float = 1.0

    def row(self) -> tuple[float, ...]:
        """As a row of ORDER."""
        return (
            self.kind, self.direction, self.driver, self.card, self.column, self.track, self.start_m,
            self.goal_m, self.until_m, self.seconds, self.at_s, self.factor,
        )  # fmt: skip


@dataclass(slots=True)
class Planner:
    """Plans one duty of one vehicle; used once. `clock_s` is an estimate of where in time the plan has come to."""

    world: World
    vehicle: Vehicle
    rng: np.random.Generator
    clock_s: float
    orders: list[Order] = field(default_factory=list)
    driver: int = 0
    card: int = 0
    spell_s: float = 0.0
    night_s: float = 0.0
    forward: bool = True

    def day(self) -> Day:
        """Orders from `clock_s` on for one duty; `forward` says at which end of the route the vehicle stands."""
        start_s, habits = self.clock_s, self.vehicle.habits
        self._add(Order(WAIT_UNTIL, -1, -1, self._column(), at_s=start_s))
        self._add(Order(WAIT, 0, 0, self._column(), seconds=float(self.rng.integers(60, 400))))
        duty_s = habits.duty_h * 3600
        while self.clock_s - start_s < duty_s:
            self._trip()
            if self.clock_s - start_s < duty_s:
                self._turn_round()
        self._add(Order(WAIT, -1, -1, self._column(), seconds=60.0))
        orders = np.array([order.row() for order in self.orders], ORDER)
        return Day(orders, tuple(self._off(start_s)), tuple(self._held(start_s)), self.forward)

    def _column(self) -> int:
        if self.vehicle.vehicle_class is VehicleClass.SCHOOL_BUS and not self.forward:
            return EMPTY_SCHOOL_BUS
        return CLASSES.index(self.vehicle.vehicle_class)

    def _add(self, order: Order) -> None:
        self.orders.append(order)

    @property
    def _route(self) -> Route:
        return self.world.routes[self.vehicle.route]

    def _trip(self) -> None:
        """One way along the route, perhaps with an excursion, with its stops and spells of speeding."""
        route = self._route
        chosen: Excursion | None = None
        if route.excursions and self.rng.random() < self.vehicle.habits.excursions:
            chosen = route.excursions[int(self.rng.integers(len(route.excursions)))]
        track = chosen.track if chosen else route.track
        length = float(self.world.tracks.length_m[track])
        pace = self.world.seconds(track, self._column()) / length
        stops = [m + (2 * chosen.out_m if chosen and m > chosen.at_m else 0.0) for m in self._stops()]
        turn = [chosen.at_m + chosen.out_m] if chosen else []
        places = {self.world.out_of_tunnels(track, m) for m in (*stops, *self._rests(length, pace))}
        goals = sorted({*places, *turn, length})
        if not self.forward:
            goals = sorted({length - goal for goal in goals if goal < length} | {length})
        base = Order(
            DRIVE, self.driver, self.card, self._column(), 1 if self.forward else -1, track,
            factor=self.vehicle.habits.caution,
        )  # fmt: skip
        done = 0.0
        for goal in goals:
            base = replace(base, driver=self.driver, card=self.card)
            self._leg(base, done, goal, length, pace)
            done = goal
            if goal < length:
                self._stop()
        self.forward = not self.forward

    def _stops(self) -> list[float]:
        """Stops on the way: scheduled ones for coaches and school buses, a red light or a jam for the others."""
        route = self._route
        if self.vehicle.vehicle_class in (VehicleClass.COACH, VehicleClass.SCHOOL_BUS):
            return [m for m in route.stops_m if self.rng.random() < 0.7]
        return [m for m in route.stops_m if self.rng.random() < 0.15]

    def _rests(self, length_m: float, pace: float) -> Iterator[float]:
        """Places to rest on a trip too long to drive in one go."""
        parts = int((self.spell_s + length_m * pace) // self._lawful_s()) + 1
        for i in range(1, parts):
            yield length_m * i / parts * float(self.rng.uniform(0.93, 1.0))

    def _lawful_s(self) -> float:
        return LAWFUL_NIGHT_SPELL_S if self._night_ahead() else LAWFUL_SPELL_S

    def _night_ahead(self) -> bool:
        """Whether a passenger driver would be at the wheel at night within the next two hours."""
        if self.vehicle.vehicle_class not in PASSENGER:
            return False
        return any(_night(self.clock_s + ahead) for ahead in (0, 3600, 7200))

    def _leg(self, base: Order, from_m: float, to_m: float, length_m: float, pace: float) -> None:
        """Drives to the next stop; `from_m` and `to_m` are distances driven on this trip."""

        def along(driven_m: float) -> float:
            return driven_m if base.direction > 0 else length_m - driven_m

        start = along(0.0) if from_m == 0.0 else -1.0
        base = replace(base, goal_m=along(to_m), until_m=along(to_m))
        seconds = (to_m - from_m) * pace
        bursts = int(self.rng.poisson(self.vehicle.habits.bursts_per_h * seconds / 3600))
        for share in sorted(self.rng.uniform(0.03, 0.85, bursts)):
            self._add(replace(base, start_m=start, until_m=along(from_m + share * (to_m - from_m))))
            excess = float(np.clip(self.rng.gamma(2.0, self.vehicle.habits.excess / 2), 0.05, 0.65))
            burst_s = float(np.clip(self.rng.lognormal(4.9, 0.7), 40, 900))
            self._add(replace(base, seconds=burst_s, factor=1.0 + excess))
            start = -1.0
        self._add(replace(base, start_m=start))
        self._pass(seconds, driving=True)

    def _pass(self, seconds: float, *, driving: bool) -> None:
        self.clock_s += seconds
        if driving:
            self.spell_s += seconds
            self.night_s = self.night_s + seconds if _night(self.clock_s) else 0.0

    def _stop(self) -> None:
        """A stop on the way: a minute or two, or a rest when one is due and not skipped."""
        due = self.spell_s > 0.72 * self._lawful_s()
        if not due:
            self._wait(float(self.rng.integers(15, 150)))
        elif self.rng.random() < self.vehicle.habits.skips_rest:
            self._wait(float(self.rng.integers(120, 900)))
        else:
            self._rest(1500, 2600)

    def _turn_round(self) -> None:
        """At the end of the line: time off, or hardly any."""
        if self.rng.random() < self.vehicle.habits.skips_rest:
            self._wait(float(self.rng.integers(240, 1000)))
        elif self.vehicle.vehicle_class is VehicleClass.SCHOOL_BUS and self.rng.random() < 0.1:
            self._rest(9000, 15_000)
        else:
            self._rest(1500, 4500)

    def _wait(self, seconds: float) -> None:
        if seconds > 100 and len(self.vehicle.crew) > 1 and self.spell_s > 4000:
            self._swap()
        self._add(Order(WAIT, self.driver, self.card, self._column(), seconds=seconds))
        self._pass(seconds, driving=True)

    def _rest(self, least_s: int, most_s: int) -> None:
        seconds = float(self.rng.integers(least_s, most_s))
        if len(self.vehicle.crew) > 1:
            self._swap()
        self._add(Order(WAIT, self.driver, self.card, self._column(), seconds=seconds))
        self._pass(seconds, driving=False)
        self.spell_s = self.night_s = 0.0

    def _swap(self) -> None:
        """The other driver takes over, with or without putting in his card; or only his card is put in."""
        if self.rng.random() < self.vehicle.lends_card:
            self.card = 1 - self.card
            return
        self.driver = 1 - self.driver
        self.spell_s = self.night_s = 0.0
        if self.rng.random() < self.vehicle.swaps_card:
            self.card = self.driver

    def _off(self, start_s: float) -> Iterator[tuple[int, int]]:
        """When the terminal is switched off in spite of driving."""
        if self.rng.random() < self.vehicle.habits.switches_off:
            yield self._window(start_s, 1500, 6000)
        if self.rng.random() < 0.15:
            yield self._window(start_s, 90, 600)

    def _held(self, start_s: float) -> Iterator[tuple[int, int]]:
        """When reports cannot be sent and are uploaded afterwards."""
        if self.rng.random() < self.vehicle.terminal.holds:
            yield self._window(start_s, 180, 1800)

    def _window(self, start_s: float, least_s: int, most_s: int) -> tuple[int, int]:
        begin = int(self.rng.uniform(start_s, max(self.clock_s, start_s + 60)))
        return begin, begin + int(self.rng.integers(least_s, most_s))


def _night(time_s: float) -> bool:
    of_day = (time_s + LOCAL_OFFSET_S) % DAY_S
    return of_day >= NIGHT_FROM_S or of_day < NIGHT_TO_S
