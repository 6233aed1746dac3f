"""The simulation itself: fleet and world stepped in slices of five minutes of event time, each giving what truly happened.

Slices lie on fixed borders and all chance is drawn per vehicle and day (or hashed per report), so that a run depends on nothing but
the seed, the number of vehicles and the period: not on how fast it is asked for, nor in what steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.contracts.registry import VehicleClass
from services.simulator.fleet import Fleet, Vehicle, build_fleet
from services.simulator.limits import LOCAL_OFFSET_S
from services.simulator.motion import STATE, Seconds, advance
from services.simulator.plan import DAY_S, ORDER, Day, Planner
from services.simulator.world import World, build_world

SLICE_S = 300
EARLY_S = 6 * 3600
WARM_UP_S = 12 * 3600
"""Driven before a run's first moment and not told, so that it begins with vehicles on the road."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run depends on. `on_road`: most duties begin within the first hours and more drivers offend, as a demo wants it."""

    vehicles: int
    seed: int
    from_s: int
    to_s: int | None = None
    interval_s: int | None = None
    on_road: bool = False
    wrong_share: float = 0.0
    frank: bool = (
        False  # every swap changes the card, no card is lent, every terminal has a reader and stays on
    )


class Simulation:
    """A fleet on its way. Iterate `slices()` once."""

    def __init__(self, settings: Settings, world: World | None = None) -> None:
        """A fleet parked at the start of its routes; builds the world (some seconds) unless given one."""
        self.settings = settings
        self.world = world or build_world()
        self.fleet: Fleet = build_fleet(
            self.world,
            settings.vehicles,
            settings.seed,
            settings.interval_s,
            wild=settings.on_road,
            frank=settings.frank,
        )
        self._origin_s = settings.from_s - (0 if settings.on_road else WARM_UP_S)
        self._state = self._parked()
        self._days: list[list[Day]] = [[] for _ in self.fleet.vehicles]
        self._forward = [True] * settings.vehicles

    def slices(self) -> Iterator[tuple[Seconds, "Silences"]]:
        """What happened, slice by slice; without an end when the settings name none."""
        now, end, planned = self._origin_s, self.settings.to_s, 0
        while end is None or now < end:
            if now >= self._origin_s + planned * DAY_S:
                self._plan(planned)
                planned += 1
            begins = [self.settings.from_s] if now < self.settings.from_s else []
            border = min([now - now % SLICE_S + SLICE_S, *begins, *([] if end is None else [end])])
            happened = self._advance(now, border - now)
            if now >= self.settings.from_s:
                yield happened, self._silences()
            now = border

    def _advance(self, from_s: int, seconds: int) -> Seconds:
        orders = [day.orders for days in self._days for day in days]
        sizes = [sum(len(day.orders) for day in days) for days in self._days]
        order_at = np.cumsum([0, *sizes]).astype(np.int64)
        flat = np.concatenate(orders) if orders else np.zeros(0, ORDER)
        return advance(self.world, self._state, flat, order_at, from_s, seconds)

    def _parked(self) -> NDArray[np.void]:
        state = np.zeros(self.settings.vehicles, STATE)
        rng = np.random.default_rng([self.settings.seed, 2])
        state["driver"] = state["card"] = -1
        state["direction"] = 1
        state["track"] = [self.world.routes[vehicle.route].track for vehicle in self.fleet.vehicles]
        state["piece"] = self.world.tracks.piece_at[state["track"]]
        state["stopped_s"] = self._origin_s - 3600
        state["odometer_m"] = np.round(rng.uniform(5_000, 600_000, self.settings.vehicles), 1) * 1000
        return state

    def _plan(self, day: int) -> None:
        """Adds every vehicle's next duty and forgets those done before its last."""
        for vehicle in self.fleet.vehicles:
            rng = np.random.default_rng([self.settings.seed, 3, vehicle.index, day])
            start = self._origin_s + day * DAY_S + self._start(vehicle, rng)
            planner = Planner(
                self.world, vehicle, rng, float(int(start)), forward=self._forward[vehicle.index]
            )
            days = self._days[vehicle.index]
            while len(days) > 1 and self._state["order"][vehicle.index] >= len(days[0].orders):
                self._state["order"][vehicle.index] -= len(days.pop(0).orders)
            days.append(planner.day())
            self._forward[vehicle.index] = planner.forward

    def _start(self, vehicle: Vehicle, rng: np.random.Generator) -> float:
        """When in the 24 hours from the run's origin (or a multiple of days after it) a duty begins, in seconds.

        About the same every day: a driver of the night does not drive by day as well.
        """
        habit = np.random.default_rng([self.settings.seed, 4, vehicle.index])
        if self.settings.on_road:
            early = habit.random() < 0.6
            usual_s = habit.uniform(0, EARLY_S * 0.8) if early else habit.uniform(EARLY_S * 0.8, DAY_S)
        else:
            midnight_s = (-self._origin_s - LOCAL_OFFSET_S) % DAY_S
            usual_s = (midnight_s + _usual_hour(vehicle, habit) * 3600) % DAY_S
        return float(np.clip(usual_s + rng.normal(0, 600), 0, DAY_S - 1))

    def _silences(self) -> "Silences":
        return Silences(
            tuple((i, *window) for i, days in enumerate(self._days) for day in days for window in day.off),
            tuple((i, *window) for i, days in enumerate(self._days) for day in days for window in day.held),
        )


def _usual_hour(vehicle: Vehicle, habit: np.random.Generator) -> float:
    """The local hour at which a vehicle's duties begin."""
    if vehicle.vehicle_class is VehicleClass.SCHOOL_BUS:
        return float(habit.normal(6.3, 0.2))
    if vehicle.vehicle_class in (VehicleClass.COACH, VehicleClass.CHARTER):
        return float(habit.normal(7.3, 1.5) if habit.random() < 0.7 else habit.uniform(15.0, 23.0))
    return float(habit.uniform(0.0, 24.0))


@dataclass(frozen=True, slots=True)
class Silences:
    """Windows as (vehicle, from, to) in Unix seconds: terminal off; reports kept and uploaded afterwards."""

    off: tuple[tuple[int, int, int], ...]
    held: tuple[tuple[int, int, int], ...]


def with_interval(settings: Settings, reports_per_s: float) -> Settings:
    """The same run with every terminal reporting so often that the fleet sends `reports_per_s`.

    Raises ValueError when the fleet is too small for it: a terminal reports at most once a second.
    """
    interval = settings.vehicles / reports_per_s
    if interval < 1.0:
        raise ValueError(
            f"{settings.vehicles} vehicles send at most {settings.vehicles} reports/s in real time: "
            f"ask for at least --vehicles {int(np.ceil(reports_per_s))} (车辆数不足以达到该速率)"
        )
    return replace(settings, interval_s=min(round(interval), 300))
