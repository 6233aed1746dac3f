"""The one switch of a vehicle that says whether it moves, and what is believed against it (catalogue section 8, "Fatigue, the switch", "displaced").

A standing receiver reports a few km/h now and then, and a terminal without a speed sensor reports 0 while it drives: so a slow speed is
believed only of a vehicle that leaves its place, and a place that is left is believed against a speed of 0.
"""

from services.compiled import Row, inlined
from services.contracts.fix import NO_U2
from services.rules.geometry import within

SWITCH_FIELDS = [
    ("last_ms", "i8"),  # the fix before that took part; 0 none
    ("stay_ms", "i8"),  # when the stay began
    ("last_lon_e7", "i4"),
    ("last_lat_e7", "i4"),
    ("stay_lon_e7", "i4"),  # where the stay began
    ("stay_lat_e7", "i4"),
    ("standing_lon_e7", "i4"),  # the standing place
    ("standing_lat_e7", "i4"),
    ("moving", "i8"),
]
"""What is remembered of a vehicle, whoever drives."""


@inlined
def _stay(state: Row, fix: Row, leave_m: float) -> bool:
    """Whether the fix begins a stay."""
    if state.last_ms != 0 and within(state.stay_lon_e7, state.stay_lat_e7, fix.lon_e7, fix.lat_e7, leave_m):
        return False
    state.stay_ms = fix.time_ms
    state.stay_lon_e7 = fix.lon_e7
    state.stay_lat_e7 = fix.lat_e7
    return True


@inlined
def _stand_here(state: Row, fix: Row) -> None:
    state.standing_lon_e7 = fix.lon_e7
    state.standing_lat_e7 = fix.lat_e7


@inlined
def turn(state: Row, fix: Row, speed: int, params: Row) -> bool:
    """Turn the switch at a fix that takes part; returns whether the vehicle has been displaced though the switch is off.

    `speed` is in 0.1 km/h, NO_U2 none. The fix is not yet the fix before: `remember` makes it so.
    """
    first = state.last_ms == 0
    if first:
        _stand_here(state, fix)
    begins = _stay(state, fix, params.leave_m)
    was = state.moving
    if speed == NO_U2:
        state.moving = was if begins else 0
    elif speed <= params.still or (speed < params.surely and fix.time_ms - state.stay_ms >= params.stay_ms):
        state.moving = 0
    elif speed >= params.surely or (
        speed >= params.moving
        and not within(state.standing_lon_e7, state.standing_lat_e7, fix.lon_e7, fix.lat_e7, params.leave_m)
    ):
        state.moving = 1
    if state.moving != 0:
        return False
    if was != 0 or fix.time_ms - state.last_ms > params.max_gap_ms:
        _stand_here(state, fix)
        return False
    lon, lat = int(state.standing_lon_e7), int(state.standing_lat_e7)
    if within(lon, lat, fix.lon_e7, fix.lat_e7, params.displaced_m) or within(
        lon, lat, state.last_lon_e7, state.last_lat_e7, 0.5 * params.displaced_m
    ):
        return False
    _stand_here(state, fix)
    return True


@inlined
def remember(state: Row, fix: Row) -> None:
    """The fix is the fix before from here on."""
    state.last_ms = fix.time_ms
    state.last_lon_e7 = fix.lon_e7
    state.last_lat_e7 = fix.lat_e7
