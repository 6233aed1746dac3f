"""Distance, leg by leg: what lies between two consecutive fixes, from odometer and positions, which check each other.

Pure functions over arrays.

- *Positions*: great-circle distance, where 200 km/h would do (else the leg is an error of position and counts nothing); nothing, too, where both
  fixes say that they stand (3 km/h or less, or drift) and the positions bear it out, since a parked vehicle's positions drift. A lone position far off both
  its neighbours, which lie together, is an error and is taken to be where the one before it is.
- *Odometer*: both fixes have a reading, the later is not smaller, 200 km/h (and 200 m for rounding) would do, and the readings of its five minutes
  (by the clock, so that every period divides alike) agree with the positions: not less than they say, and not more than positions or speeds explain.
- A leg of more than 20 minutes is a *gap*: judged alone, and told apart.

`doubt` says of each leg why its odometer was not taken. Whoever reads a part must read whole five minutes, and those next to them, to see the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP_MS = 20 * 60_000
STILL, MOVING = 30, 50
"""0.1 km/h: at or below the first a vehicle stands, from the second on it moves; between them it goes on as it was."""
FASTEST_M_MS = 200 / 3600
SLACK_M = 200.0
EARTH_M = 6_371_008.8
ABSENT = -1
BLOCK_MS = 5 * 60_000
"""Odometer and positions are compared over so long, by the clock."""
LESS, LESS_M = 0.9, 30.0
MORE, MORE_BY_SPEED, MORE_M = 1.5, 1.2, 300.0
"""What an odometer may say of what the positions say: so little, or so much (of what the speeds say in the third place of evidence)."""
STRAY_M = 500.0
WINDOW_MS, MOVED_M = 60_000, 100.0
"""Moved without a speed: so far within so long."""
CARRIED_M = 200.0
"""Moved in a silence around which the vehicle stands: so far."""
DOUBTS = ("none", "absent", "backwards", "leap", "too_little", "too_much")
"""Why an odometer was not taken; the place in the tuple is the code."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Way:
    """A vehicle's fixes in event-time order, no moment twice: Unix ms, degrees, 0.1 km/h and metres; ABSENT where there is no value."""

    time_ms: Ints
    lon: Floats
    lat: Floats
    speed: Ints
    odometer_m: Ints

    def __len__(self) -> int:
        """How many."""
        return len(self.time_ms)

    def part(self, begin: int, end: int) -> "Way":
        """The fixes from place `begin` until before `end`."""
        piece = slice(begin, end)
        return Way(
            self.time_ms[piece], self.lon[piece], self.lat[piece], self.speed[piece], self.odometer_m[piece]
        )


def joined(ways: list[Way]) -> Way:
    """Ways that follow each other as one."""
    return Way(
        np.concatenate([way.time_ms for way in ways]),
        np.concatenate([way.lon for way in ways]),
        np.concatenate([way.lat for way in ways]),
        np.concatenate([way.speed for way in ways]),
        np.concatenate([way.odometer_m for way in ways]),
    )


@dataclass(frozen=True, slots=True)
class Legs:
    """What lies before each fix but the first: metres, whether by odometer, whether a gap, by positions for comparison, and why not by odometer."""

    distance_m: Floats
    by_odometer: Bools
    gap: Bools
    by_positions_m: Floats
    doubt: Ints


def legs(way: Way) -> Legs:
    """The legs of a way, one fewer than its fixes."""
    if len(way) < 2:
        none, no = np.zeros(0), np.zeros(0, np.bool_)
        return Legs(none, no, no, none, np.zeros(0, np.int64))
    way = steady(way)
    took_ms = np.diff(way.time_ms)
    most_m = took_ms * FASTEST_M_MS + SLACK_M
    read_m = np.diff(way.odometer_m).astype(np.float64)
    gap = took_ms > GAP_MS
    positions_m = _by_positions(way, took_ms, most_m)
    doubt = _of_readings(way, read_m, most_m)
    _compare(way, read_m, positions_m, gap, doubt)
    believed: Bools = doubt == 0
    return Legs(np.where(believed, read_m, positions_m), believed, gap, positions_m, doubt)


def _by_positions(way: Way, took_ms: Ints, most_m: Floats) -> Floats:
    apart_m = apart(way.lon[:-1], way.lat[:-1], way.lon[1:], way.lat[1:])
    stood = ((way.speed >= 0) & (way.speed <= STILL)) | idle(way)
    held = np.where(took_ms > GAP_MS, apart_m < CARRIED_M, ~displaced(way)[:-1])
    nothing = (apart_m > most_m) | (stood[1:] & stood[:-1] & held)
    return np.where(nothing, 0.0, apart_m)


def _of_readings(way: Way, read_m: Floats, most_m: Floats) -> Ints:
    """What two readings alone say."""
    absent = (way.odometer_m[1:] < 0) | (way.odometer_m[:-1] < 0)
    found = np.select([absent, read_m < 0, read_m > most_m], [1, 2, 3], 0)
    return found.astype(np.int64)


def _compare(way: Way, read_m: Floats, positions_m: Floats, gap: Bools, doubt: Ints) -> None:
    """Doubt the readings of five minutes that positions and speeds contradict."""
    usable = (doubt == 0) & ~gap
    block = way.time_ms[1:] // BLOCK_MS
    block = (block - block[0]).astype(np.int64)
    speed = np.maximum(way.speed, 0)
    driven_m = (speed[1:] + speed[:-1]) / 2 / 36_000 * np.diff(way.time_ms)
    read, placed, driven = (
        np.bincount(block, np.where(usable, part, 0.0))[block] for part in (read_m, positions_m, driven_m)
    )
    little = read < LESS * placed - LESS_M
    much = read > np.maximum(MORE * placed, MORE_BY_SPEED * driven) + MORE_M
    doubt[usable & little] = 4
    doubt[usable & much & ~little] = 5
    doubt[(doubt == 0) & gap & (read_m < LESS * positions_m - LESS_M)] = 4


def steady(way: Way) -> Way:
    """The way with each lone position that is far off its neighbours put where the one before it is."""
    if len(way) < 3:
        return way
    lon, lat = way.lon, way.lat
    step_m, took_ms = apart(lon[:-1], lat[:-1], lon[1:], lat[1:]), np.diff(way.time_ms)
    across_m = apart(lon[:-2], lat[:-2], lon[2:], lat[2:])
    impossible = step_m > took_ms * FASTEST_M_MS + SLACK_M
    still = way.speed <= STILL
    back = (np.minimum(step_m[:-1], step_m[1:]) > STRAY_M) & (
        across_m < 0.1 * np.minimum(step_m[:-1], step_m[1:])
    )
    alone = (
        impossible[:-1] & impossible[1:] & (across_m < (took_ms[:-1] + took_ms[1:]) * FASTEST_M_MS + SLACK_M)
    )
    stray = np.flatnonzero(alone | (back & still[:-2] & still[1:-1] & still[2:])) + 1
    if not len(stray):
        return way
    lon, lat = lon.copy(), lat.copy()
    lon[stray], lat[stray] = lon[stray - 1], lat[stray - 1]
    return Way(way.time_ms, lon, lat, way.speed, way.odometer_m)


def displaced(way: Way) -> Bools:
    """Whether the vehicle leaves the place of each fix though no speed says so: by 100 m within a minute, or by the next fix."""
    here = np.arange(len(way))
    near_m, quiet = _ahead(way)
    following = np.minimum(here + 1, len(way) - 1)
    share = np.minimum((way.time_ms[following] - way.time_ms) / WINDOW_MS, 1.0)
    found: Bools = quiet & (near_m >= MOVED_M) & (_between(way, here, following) >= 0.3 * MOVED_M * share)
    return found


def _ahead(way: Way) -> tuple[Floats, Bools]:
    """How far away the fix a minute later is, and whether no speed on the way there says that the vehicle moves."""
    at = np.searchsorted(way.time_ms, way.time_ms + WINDOW_MS, side="left")
    at = np.minimum(at, len(way) - 1).astype(np.int64)
    told = np.concatenate([[0], np.cumsum(way.speed >= MOVING)])
    quiet = (told[at + 1] - told[:-1] == 0) & (way.time_ms[at] - way.time_ms <= GAP_MS)
    return _between(way, np.arange(len(way)), at), quiet


def _between(way: Way, one: Ints, other: Ints) -> Floats:
    return apart(way.lon[one], way.lat[one], way.lon[other], way.lat[other])


def idle(way: Way) -> Bools:
    """Whether a fix that says it moves (less than 20 km/h) does not: a minute before and after it are the same place, and the odometer stands."""
    before = np.maximum(np.searchsorted(way.time_ms, way.time_ms - WINDOW_MS, side="right") - 1, 0)
    after = np.minimum(np.searchsorted(way.time_ms, way.time_ms + WINDOW_MS, side="left"), len(way) - 1)
    here = np.arange(len(way))
    most_m = np.maximum(
        _between(way, before, after), np.maximum(_between(way, before, here), _between(way, here, after))
    )
    read_m = way.odometer_m[after] - way.odometer_m[before]
    counted = (way.odometer_m[before] >= 0) & (way.odometer_m[after] >= 0) & (read_m >= MOVED_M)
    found: Bools = (way.speed >= MOVING) & (way.speed < 200) & (most_m < 30) & ~counted
    return found


def doubts(doubt: Ints) -> list[str]:
    """Why the odometer was not taken on some of these legs, by name."""
    return [DOUBTS[code] for code in np.unique(doubt).tolist() if code]


def apart(lon: Floats, lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """Great-circle distances, metres."""
    d_lat, d_lon = np.radians(to_lat - lat) / 2, np.radians(to_lon - lon) / 2
    square = np.sin(d_lat) ** 2 + np.cos(np.radians(lat)) * np.cos(np.radians(to_lat)) * np.sin(d_lon) ** 2
    found: Floats = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(square, 1.0)))
    return found


def source(legs_m: Floats, by_odometer: Bools) -> str:
    """Where a distance comes from: `odometer`, `positions`, `mixed`; `none` where there is none."""
    used = by_odometer[legs_m > 0]
    if not len(used):
        return "odometer" if by_odometer.any() else "positions" if len(by_odometer) else "none"
    return "odometer" if used.all() else "mixed" if used.any() else "positions"
