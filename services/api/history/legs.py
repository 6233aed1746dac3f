"""Distance, leg by leg: what lies between two consecutive fixes, from the odometer where it can be believed, else from the positions.

Pure functions over arrays. A leg is judged by its own two fixes alone, so that any period's distance is the sum of its parts, however it is divided.

- *Odometer*: both fixes have a reading, the later is not smaller, and 200 km/h (and 200 m for rounding) would do.
- *Positions*: great-circle distance, where 200 km/h would do (else the leg is an error of position and counts nothing); nothing, too, where both
  fixes stand (3 km/h or less), since a parked vehicle's positions drift.
- A leg of more than 20 minutes is a *gap*: counted in the same way, and told apart.
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
    """What lies before each fix but the first: metres, whether by odometer, whether a gap, and by positions for comparison."""

    distance_m: Floats
    by_odometer: Bools
    gap: Bools
    by_positions_m: Floats


def legs(way: Way) -> Legs:
    """The legs of a way, one fewer than its fixes."""
    took_ms = np.diff(way.time_ms)
    most_m = took_ms * FASTEST_M_MS + SLACK_M
    read_m = np.diff(way.odometer_m).astype(np.float64)
    known = (way.odometer_m[1:] >= 0) & (way.odometer_m[:-1] >= 0)
    believed = known & (read_m >= 0) & (read_m <= most_m)
    apart_m = apart(way.lon[:-1], way.lat[:-1], way.lon[1:], way.lat[1:])
    stood = (way.speed >= 0) & (way.speed <= STILL)
    nothing = (apart_m > most_m) | (stood[1:] & stood[:-1])
    positions_m = np.where(nothing, 0.0, apart_m)
    return Legs(np.where(believed, read_m, positions_m), believed, took_ms > GAP_MS, positions_m)


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
