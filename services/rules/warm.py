"""Compile the rules before a partition is taken over: without a cache it takes the better part of a minute.

A worker that compiled at its first batch would answer no heartbeat meanwhile, lose its partitions, and begin again with the same batch.
"""

from functools import cache

import numpy as np

from services.contracts.fix import fix_columns
from services.contracts.registry import Assignment, Config, Road, RoadClass, Route, Vehicle, VehicleClass
from services.rules.engine import Engine
from services.rules.snapshot import PartitionClock, dump, load

LINE = ((106.0, 38.0), (106.1, 38.0))
HOUR_MS = 3_600_000


def example() -> Config:
    """One of each kind that the rules have tables for."""
    return Config(
        vehicles=(
            Vehicle(
                id=1, plate="宁A00001", plate_color="yellow", vehicle_class=VehicleClass.COACH, terminal="1",
                operator="", division="640000",
            ),
        ),
        roads=(Road(road_class=RoadClass.HIGHWAY, coordinates=LINE),),
        routes=(Route(route="", name="", coordinates=LINE, leg_half_widths_m=(100.0,)),),
        assignments=(Assignment(vehicle=1, route="", from_ms=0, to_ms=HOUR_MS),),
    )  # fmt: skip


def nobody(_driver: int) -> None:
    """No driver has a code here."""


@cache
def warm() -> None:
    """Take every way through compiled code once in this process; a second call does nothing."""
    engine = Engine(example(), nobody)
    fixes = fix_columns(3)
    fixes["vehicle"], fixes["time_ms"], fixes["speed"] = 1, np.arange(3) * 60_000, 900
    fixes["lon_e7"], fixes["lat_e7"] = 1_060_500_000, 380_000_000
    engine.judge(fixes)
    engine.tick(HOUR_MS)
    engine.open_episodes()
    for _ in range(2):  # the second gives back the pages of the first
        load(engine, dump(engine, "", PartitionClock(), full=True))
    engine.configure(example())
