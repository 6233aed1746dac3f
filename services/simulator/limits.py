"""The speed limits that truly hold on a section, by class and by day and night, as the law and the interfaces page say.

Written from the text and kept apart from the rule that judges: the truth beside a simulated feed must not come from the code it
is there to check.
"""

from collections.abc import Sequence
from math import floor

import numpy as np
from numpy.typing import NDArray

from services.contracts.registry import CLASSES, RoadClass, VehicleClass
from services.simulator.network import Section

Floats = NDArray[np.float64]

EMPTY_SCHOOL_BUS = len(CLASSES)
"""Column of a school bus without pupils, which is held to a coach's figures by day and by night (校车条例 art. 35 asks for pupils)."""

DAY, NIGHT = 0, 1
NIGHT_FROM_S, NIGHT_TO_S = 22 * 3600, 6 * 3600
"""Local seconds of the day between which the night limits hold (GA/T 2372-2026: 22:00-06:00)."""

LOCAL_OFFSET_S = 8 * 3600

# 实施条例 art. 78; 危险货物道路运输安全管理办法 art. 46; 校车安全管理条例 art. 35
_EXPRESSWAY_KMH = {
    VehicleClass.COACH: 100.0,
    VehicleClass.CHARTER: 100.0,
    VehicleClass.HAZMAT: 80.0,
    VehicleClass.FREIGHT: 100.0,
    VehicleClass.SCHOOL_BUS: 80.0,
}
_OTHER_KMH = {VehicleClass.HAZMAT: 60.0, VehicleClass.SCHOOL_BUS: 60.0}
_NIGHT_FACTOR = {VehicleClass.COACH: 0.8, VehicleClass.CHARTER: 0.8}  # 动态监督办法: 80 % of the day's limit


def is_night(time_s: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether Unix seconds lie inside the night window, local time."""
    of_day = (time_s + LOCAL_OFFSET_S) % 86400
    return np.asarray((of_day >= NIGHT_FROM_S) | (of_day < NIGHT_TO_S))


def limit_tables(sections: Sequence[Section]) -> tuple[Floats, Floats]:
    """Limit in force and its statutory part in km/h, each of shape (sections, classes + 1, day/night)."""
    shape = (len(sections), len(CLASSES) + 1, 2)
    in_force, statutory = np.empty(shape), np.empty(shape)
    for i, section in enumerate(sections):
        for column in range(shape[1]):
            for part in (DAY, NIGHT):
                in_force[i, column, part], statutory[i, column, part] = _limits(
                    section, column, night=part == NIGHT
                )
    return in_force, statutory


def _limits(section: Section, column: int, *, night: bool) -> tuple[float, float]:
    empty = column == EMPTY_SCHOOL_BUS
    own = VehicleClass.SCHOOL_BUS if empty else CLASSES[column]
    held_to = VehicleClass.COACH if empty else own
    table = _EXPRESSWAY_KMH if section.road_class is RoadClass.EXPRESSWAY else _OTHER_KMH
    by_class = table.get(held_to, np.inf)
    posted = dict(section.class_limits_kmh).get(own, section.limit_kmh) or np.inf
    night_posted = section.night_limit_kmh if night else None
    zone = (
        section.zone_kmh
        if section.zone_kmh and (not section.zone_classes or own in section.zone_classes)
        else np.inf
    )
    statutory = min(by_class, night_posted or posted, zone)
    if not night or own not in _NIGHT_FACTOR:
        return statutory, statutory
    reduced = _NIGHT_FACTOR[own] * min(by_class, np.inf if night_posted else posted)
    rounded = floor(reduced * 10 + 0.5) / 10 if np.isfinite(reduced) else reduced
    return min(statutory, rounded), statutory
