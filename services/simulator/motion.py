"""Motion: every vehicle stepped second by second along its track, within what engines, brakes, bends and its driver allow.

Compiled, because a simulated day of 2,000 vehicles is 173 million steps. A driver sees lower limits, bends and stops coming and
brakes for them in time (Krauss' safe speed), so speeding happens only where an order says so.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.compiled import Record, compiled_freely
from services.simulator.limits import LOCAL_OFFSET_S, NIGHT_FROM_S, NIGHT_TO_S
from services.simulator.plan import DRIVE, WAIT_UNTIL
from services.simulator.world import World

STATE = np.dtype(
    [
        ("order", "i4"),  # place in the vehicle's orders
        ("begun", "i1"),  # whether that order has begun
        ("direction", "i1"),
        ("driver", "i1"),
        ("card", "i1"),
        ("column", "i1"),
        ("track", "i4"),
        ("piece", "i4"),
        ("since_s", "i8"),  # when the order began
        ("stopped_s", "i8"),  # when the vehicle last stood still
        ("at_m", "f8"),
        ("speed_mps", "f8"),
        ("odometer_m", "f8"),
    ]
)

BRAKE_MPS2 = 0.9
HARDEST_BRAKE_MPS2 = 3.5
EASE_MPS2 = 0.8
"""Deceleration on merely changing one's mind about the speed."""
PULL_MPS2 = 0.7
MOST_MPS = 38.0
LOOK_S = 90
"""A driver has slowed down this long before the night limits begin, and keeps to them as long after they end."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """What truly happened, per vehicle and second: arrays of shape (vehicles, seconds), second k is Unix second `from_s` + k."""

    from_s: int
    speed_mps: NDArray[np.float32]
    at_m: NDArray[np.float64]
    track: NDArray[np.int32]
    direction: NDArray[np.int8]
    section: NDArray[np.int32]
    column: NDArray[np.int8]
    driver: NDArray[np.int8]
    card: NDArray[np.int8]
    odometer_m: NDArray[np.float64]
    still_s: NDArray[np.int32]  # how long the vehicle has stood still


def advance(
    world: World,
    state: NDArray[np.void],
    orders: NDArray[np.void],
    order_at: NDArray[np.int64],
    from_s: int,
    seconds: int,
) -> Seconds:
    """Steps every vehicle through `seconds` seconds from `from_s` on; `state` is changed in place.

    Vehicle i's orders are `orders[order_at[i]:order_at[i + 1]]`.
    """
    shape = (len(state), seconds)
    out = Seconds(
        from_s, np.zeros(shape, np.float32), np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, np.int8),
        np.zeros(shape, np.int32), np.zeros(shape, np.int8), np.zeros(shape, np.int8), np.zeros(shape, np.int8),
        np.zeros(shape), np.zeros(shape, np.int32),
    )  # fmt: skip
    tracks = world.tracks
    _advance(
        state, orders, order_at, from_s, seconds,
        tracks.piece_at, tracks.piece_m, tracks.piece_section, tracks.piece_cap_mps, tracks.length_m,
        world.in_force / 3.6, out.speed_mps, out.at_m, out.track, out.direction, out.section, out.column,
        out.driver, out.card, out.odometer_m, out.still_s,
    )  # fmt: skip
    return out


@compiled_freely
def _is_night(t: int) -> bool:
    of_day = (t + LOCAL_OFFSET_S) % 86400
    return of_day >= NIGHT_FROM_S or of_day < NIGHT_TO_S


@compiled_freely
def _wanted(limit_mps: float, factor: float, cap_mps: float, t: int, vehicle: int) -> float:
    """The speed a driver wants where this limit holds; within the law it stays at least 1.5 km/h below."""
    if factor > 1.0:
        return min(limit_mps * factor, cap_mps, MOST_MPS)
    ripple = 1.0 - 0.012 * (1.0 + math.sin(t * 0.067 + vehicle))
    return min((limit_mps - max(1.5 / 3.6, (1.0 - factor) * limit_mps)) * ripple, cap_mps)


@compiled_freely
def _safe(gap_m: float, ahead_mps: float) -> float:
    """Greatest speed now that still lets one be at `ahead_mps` after `gap_m` (Krauss, reaction time 1 s)."""
    return -BRAKE_MPS2 + math.sqrt(
        BRAKE_MPS2 * BRAKE_MPS2 + ahead_mps * ahead_mps + 2.0 * BRAKE_MPS2 * max(gap_m, 0.0)
    )


@compiled_freely
def _finished(s: Record, o: Record, t: int) -> bool:
    """Whether the order in hand is done."""
    if o["kind"] == WAIT_UNTIL:
        return bool(t >= o["at_s"])
    if t - s["since_s"] >= o["seconds"]:
        return True
    return bool(o["kind"] == DRIVE and (o["until_m"] - s["at_m"]) * s["direction"] <= 0.0)


@compiled_freely
def _begin(s: Record, o: Record, t: int, piece_at: Record, piece_m: Record) -> None:
    """Takes an order in hand."""
    s["begun"] = 1
    s["since_s"] = t
    s["driver"], s["card"], s["column"] = o["driver"], o["card"], o["column"]
    if o["kind"] != DRIVE:
        return
    if o["start_m"] >= 0.0:
        s["at_m"], s["track"], s["direction"] = o["start_m"], o["track"], o["direction"]
        first, last = piece_at[s["track"]], piece_at[s["track"] + 1] - 1
        piece = first
        while piece < last and piece_m[piece + 1] <= s["at_m"]:
            piece += 1
        s["piece"] = piece


@compiled_freely
def _speed(
    s: Record,
    o: Record,
    t: int,
    vehicle: int,
    piece_at: Record,
    piece_m: Record,
    piece_section: Record,
    piece_cap: Record,
    length: float,
    limit: Record,
) -> float:
    """The next second's speed on a DRIVE order."""
    night = 1 if _is_night(t) or _is_night(t + LOOK_S) or _is_night(t - LOOK_S) else 0
    v, d, column = s["speed_mps"], s["direction"], s["column"]
    piece = s["piece"]
    now = _wanted(limit[piece_section[piece], column, night], o["factor"], piece_cap[piece], t, vehicle)
    most = min(max(now, v - EASE_MPS2), _safe((o["goal_m"] - s["at_m"]) * d, 0.0))
    sight = v * v / (2 * BRAKE_MPS2) + v + 30.0
    first, last = piece_at[s["track"]], piece_at[s["track"] + 1] - 1
    while True:
        border = (piece_m[piece + 1] if piece < last else length) if d > 0 else piece_m[piece]
        gap = (border - s["at_m"]) * d
        piece += d
        if gap > sight or piece < first or piece > last:
            break
        ahead = _wanted(limit[piece_section[piece], column, night], o["factor"], piece_cap[piece], t, vehicle)
        most = min(most, _safe(gap - 6.0, ahead))
    v_new = min(v + PULL_MPS2 * (1.0 - v / 60.0), most)
    return float(max(v_new, v - HARDEST_BRAKE_MPS2, 0.0))


@compiled_freely
def _move(s: Record, o: Record, v_new: Record, piece_at: Record, piece_m: Record) -> None:
    """One second at the mean of old and new speed; arriving is standing exactly at the goal."""
    step = (s["speed_mps"] + v_new) / 2
    gap = (o["goal_m"] - s["at_m"]) * s["direction"]
    if step >= gap or (gap < 1.0 and v_new < 1.0):
        step, v_new = gap, 0.0
    s["at_m"] += step * s["direction"]
    s["odometer_m"] += step
    s["speed_mps"] = v_new
    first, last = piece_at[s["track"]], piece_at[s["track"] + 1] - 1
    while s["piece"] < last and piece_m[s["piece"] + 1] <= s["at_m"]:
        s["piece"] += 1
    while s["piece"] > first and piece_m[s["piece"]] > s["at_m"]:
        s["piece"] -= 1


@compiled_freely
def _in_hand(
    s: Record, orders: Record, first: int, end: int, t: int, piece_at: Record, piece_m: Record
) -> int:
    """The place of a vehicle's order at a second, those that are done passed over; `end` after its last."""
    while True:
        place: int = first + s["order"]
        if place >= end:
            return place
        if s["begun"] == 0:
            _begin(s, orders[place], t, piece_at, piece_m)
        if not _finished(s, orders[place], t):
            return place
        s["order"] += 1
        s["begun"] = 0


@compiled_freely
def _advance(
    state: Record, orders: Record, order_at: Record, from_s: int, seconds: int,
    piece_at: Record, piece_m: Record, piece_section: Record, piece_cap: Record, length: Record,
    limit: Record, speed: Record, at: Record, track: Record, direction: Record, section: Record, column: Record,
    driver: Record, card: Record, odometer: Record, still: Record,
) -> None:  # fmt: skip
    for i in range(len(state)):
        s, end = state[i], order_at[i + 1]
        for k in range(seconds):
            t = from_s + k
            place = _in_hand(s, orders, order_at[i], end, t, piece_at, piece_m)
            if place < end and orders[place]["kind"] == DRIVE:
                v = _speed(
                    s, orders[place], t, i, piece_at, piece_m, piece_section, piece_cap, length[s["track"]], limit
                )  # fmt: skip
                _move(s, orders[place], v, piece_at, piece_m)
            else:
                s["speed_mps"] = 0.0
            if s["speed_mps"] > 0.0:
                s["stopped_s"] = t
            speed[i, k], at[i, k], track[i, k] = s["speed_mps"], s["at_m"], s["track"]
            direction[i, k], section[i, k] = s["direction"], piece_section[s["piece"]]
            column[i, k], driver[i, k], card[i, k] = s["column"], s["driver"], s["card"]
            odometer[i, k], still[i, k] = s["odometer_m"], t - s["stopped_s"]
