"""Which vehicles there are, what class each is of when, and the gate every fix passes once before any rule sees it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.compiled import Ints, Row, Rows, compiled, inlined
from services.contracts.fix import DRIVER_CARD_REMOVED, DRIVER_NO_NEWS, NO_U2, Fixes
from services.contracts.reasons import NOT_FIXED, SPEED_IMPLAUSIBLE
from services.contracts.registry import CLASSES, Config, Vehicle
from services.rules.plausibility import ANCHOR_FIELDS, frozen
from services.rules.records import (
    USE_BOTH_SPEEDS,
    USE_DRIVING,
    USE_FIXED_SPEED,
    USE_POSITION,
    USE_REPORT,
    USE_SPEED,
)

DAY_MS = 86_400_000
LOCAL_OFFSET_MS = 8 * 3_600_000
"""Asia/Shanghai has been UTC+8 without summer time since 1991-09-15; no positions are older."""
NEVER_MS = -(1 << 62)
FOR_EVER_MS = 1 << 62

COMMON = np.dtype(
    [
        ("last_ms", "i8"),
        ("driver", "i4"),
        ("changed", "i4"),
        ("place_lon_e7", "i4"),
        ("place_lat_e7", "i4"),
        *ANCHOR_FIELDS,
    ],
    align=True,
)
"""What the engine itself remembers of a vehicle: its newest judged fix, its driver, whether it changed since the last snapshot, its newest
fixed place, and where its position may have frozen."""

JUDGED, DUPLICATE, LATE, UNKNOWN = 0, 1, 2, 3


class FleetTables(NamedTuple):
    """Registrations by vehicle id: rows `first[v]` to `first[v + 1]` of the others, ordered by their beginning."""

    first: np.ndarray
    from_ms: np.ndarray
    to_ms: np.ndarray
    vehicle_class: np.ndarray


def fleet_tables(config: Config) -> FleetTables:
    """The registrations of a config as arrays."""
    rows = sorted(
        config.vehicles, key=lambda v: (v.id, v.valid_from_ms if v.valid_from_ms is not None else NEVER_MS)
    )
    top = max((row.id for row in rows), default=0)
    counts = (
        np.bincount(np.array([row.id for row in rows], np.int64), minlength=top + 1)
        if rows
        else np.zeros(1, int)
    )
    return FleetTables(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array([NEVER_MS if row.valid_from_ms is None else row.valid_from_ms for row in rows], np.int64),
        np.array([FOR_EVER_MS if row.valid_to_ms is None else row.valid_to_ms for row in rows], np.int64),
        np.array([CLASSES.index(row.vehicle_class) for row in rows], np.uint8),
    )


def registration(rows: list[Vehicle], time_ms: int) -> Vehicle:
    """The row of one vehicle that holds at a time; the nearest earlier one, else the first, where none does."""
    holding = [
        row for row in rows if (row.valid_from_ms or NEVER_MS) <= time_ms < (row.valid_to_ms or FOR_EVER_MS)
    ]
    if holding:
        return holding[0]
    earlier = [row for row in rows if (row.valid_from_ms or NEVER_MS) <= time_ms]
    return earlier[-1] if earlier else rows[0]


def unregistered(vehicle: int) -> Vehicle:
    """What stands for a vehicle that an earlier version knew and the present one does not."""
    return Vehicle(
        id=vehicle,
        plate="",
        plate_color="other",
        vehicle_class=CLASSES[0],
        terminal="",
        operator="",
        division="",
    )


@compiled
def class_at(
    first: Ints, from_ms: Ints, to_ms: Ints, vehicle_class: NDArray[np.uint8], vehicle: int, time_ms: int
) -> int:
    """Class of a vehicle at a time; the last row begun, else the first, where no row holds (the registry changed meanwhile)."""
    found = first[vehicle]
    for row in range(first[vehicle], first[vehicle + 1]):
        if from_ms[row] <= time_ms:
            found = row
            if time_ms < to_ms[row]:
                break
    place: int = vehicle_class[found]
    return place


@inlined
def use_of(state: Row, fix: Row, flags: int, speed: int, plausibility: Row) -> int:
    """What a fix may be used for: USE_*."""
    if flags & NOT_FIXED != 0:
        return 0
    plausible = flags & SPEED_IMPLAUSIBLE == 0
    known = plausible and speed != NO_U2
    if frozen(state, fix, np.int64(speed) if known else np.int64(-1), plausibility):
        return 0
    if known:
        return USE_POSITION | USE_SPEED | USE_DRIVING
    return USE_POSITION | USE_DRIVING if plausible else USE_POSITION


@inlined
def use_of_device(fix: Row, flags: int, speed: int) -> int:
    """What a fix may be used for where the terminal itself is judged, and a frozen position is no reason to leave it out: USE_*."""
    if flags & NOT_FIXED != 0:
        return USE_REPORT
    use = USE_REPORT
    if speed != NO_U2 and flags & SPEED_IMPLAUSIBLE == 0:
        use |= USE_FIXED_SPEED
    if fix.speed != NO_U2 and fix.recorder_speed != NO_U2:  # noqa: PLR1714 - compiled
        use |= USE_BOTH_SPEEDS
    return use


@inlined
def keep_place(state: Row, row: Row, fix: Row, flags: int) -> None:
    """Where the vehicle is, as far as it is known: its newest fixed place, else the one reported."""
    if flags & NOT_FIXED == 0:
        state.place_lon_e7 = fix.lon_e7
        state.place_lat_e7 = fix.lat_e7
    placed = state.place_lon_e7 != 0 or state.place_lat_e7 != 0
    row.place_lon_e7 = state.place_lon_e7 if placed else fix.lon_e7
    row.place_lat_e7 = state.place_lat_e7 if placed else fix.lat_e7


@inlined
def driver_after(driver: int, reported: int) -> int:
    """The driver on a vehicle once a fix has said who is."""
    if reported == DRIVER_CARD_REMOVED:
        return 0
    return driver if reported == DRIVER_NO_NEWS else reported


@inlined
def period_at(boundaries: Ints, time_ms: int) -> int:
    """Which row of parameters holds at a time."""
    period = 0
    while period < len(boundaries) and boundaries[period] <= time_ms:
        period += 1
    return period


@compiled
def first_without_slot(slot_of: NDArray[np.int32], fixes: Fixes, start: int) -> int:
    """Index from `start` on of the first fix of a vehicle that may be one of the registry's and has no slot; their number if there is none."""
    for i in range(start, len(fixes)):
        vehicle = fixes[i].vehicle
        if 0 <= vehicle < len(slot_of) and slot_of[vehicle] < 0:
            return i
    return len(fixes)


@compiled
def gate(
    common: Rows, slot_of: NDArray[np.int32], tables: FleetTables, boundaries: Ints, plausibility: Rows,
    fixes: Fixes, context: Rows, outcome: Ints,
) -> int:  # fmt: skip
    """Let pass what is newer than the vehicle's last fix, moved to the front of `fixes` in place, with its context row.

    `slot_of[v]` is the slot of vehicle v, -1 unknown; `boundaries` are the event times at which another row of parameters begins, `plausibility` has
    those of plausibility.
    Adds to `outcome[JUDGED | DUPLICATE | LATE | UNKNOWN]`; returns how many passed.
    """
    passed = 0
    for i in range(len(fixes)):
        vehicle = fixes[i].vehicle
        slot = slot_of[vehicle] if 0 <= vehicle < len(slot_of) else -1
        if slot < 0 or vehicle + 1 >= len(tables.first) or tables.first[vehicle] == tables.first[vehicle + 1]:
            outcome[UNKNOWN] += 1
            continue
        state = common[slot]
        time_ms = fixes[i].time_ms
        if time_ms <= state.last_ms:
            outcome[DUPLICATE if time_ms == state.last_ms else LATE] += 1
            continue
        if passed != i:
            fixes[passed] = fixes[i]
        fix = fixes[passed]
        state.last_ms = time_ms
        state.changed = 1
        state.driver = driver_after(state.driver, fix.driver)
        row = context[passed]
        row.index = passed
        row.slot = slot
        row.driver = state.driver
        row.period = period_at(boundaries, time_ms)
        row.local_ms = (time_ms + LOCAL_OFFSET_MS) % DAY_MS
        speed = fix.speed if fix.speed != NO_U2 else fix.recorder_speed
        row.speed = speed
        row.vehicle_class = class_at(tables[0], tables[1], tables[2], tables[3], vehicle, time_ms)
        # ["flags"]: an uncompiled record has an attribute of that name already
        row.use = use_of(state, fix, fix["flags"], speed, plausibility[row.period]) | use_of_device(
            fix, fix["flags"], speed
        )
        keep_place(state, row, fix, fix["flags"])
        passed += 1
    outcome[JUDGED] += passed
    return passed
