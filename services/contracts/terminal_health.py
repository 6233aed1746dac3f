"""What a series of one vehicle's fixes tells of its terminal: its clock against the arrival, its speed, its place, how often it speaks.

Pure: columns in, figures out; for the api over history and for `roadwatch judge` over a file.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STEADY_S = 60.0
"""The middle four fifths of a steady clock's offsets lie so close together; networks delay some reports by tens of seconds."""
BEHIND_S = 300.0
AHEAD_S = 10.0
"""A clock that is more than 60 s ahead is not taken at all (FUTURE); what is taken before it was sent is ahead all the same."""
LEAST_OFFSETS = 10
TENTHS_10_KMH = 100
FOLLOWS_MS = 300_000
"""A report repeats the place of the one before if it follows within so long."""
LEAST_SPEED = 10  # 0.1 km/h
MOVED_KMH, MOVED_M = 20.0, 100.0
METRES_A_DEGREE = 111_195.0
USELESS = 0.5
"""From this share on a vehicle's speed is called missing or stuck."""
LEAST_MOVES = 10

Clock = Literal["right", "behind", "ahead", "unsteady", "unknown"]
Speed = Literal["told", "missing", "stuck", "unknown"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Fixes in the order of their time.

    Attributes:
        time_ms: when taken, Unix ms.
        received_ms: when they came, Unix ms; 0 not known.
        speed: GNSS speed, else the recorder's, 0.1 km/h; -1 absent.
        lon, lat: degrees.
        flags: quality flags, 0 none.
        satellites: how many; -1 not told.
    """

    time_ms: Ints
    received_ms: Ints
    speed: Ints
    lon: Floats
    lat: Floats
    flags: Ints
    satellites: Ints


@dataclass(frozen=True, slots=True)
class Offset:
    """How far behind its arrival a clock is, seconds (negative: ahead), as a median, and the middle four fifths' width."""

    median_s: float | None
    spread_s: float | None
    clock: Clock


def offset(columns: Columns) -> Offset:
    """The clock against the arrival; too few reports say nothing."""
    known = columns.received_ms > 0
    behind_s = (columns.received_ms - columns.time_ms)[known] / 1000
    if len(behind_s) < LEAST_OFFSETS:
        return Offset(None, None, "unknown")
    low, median, high = np.quantile(behind_s, (0.1, 0.5, 0.9)).tolist()
    return Offset(round(median, 1), round(high - low, 1), _clock(median, high - low))


def _clock(median_s: float, spread_s: float) -> Clock:
    if spread_s > STEADY_S:
        return "unsteady"
    if median_s >= BEHIND_S:
        return "behind"
    return "ahead" if median_s <= -AHEAD_S else "right"


def interval_s(columns: Columns) -> float | None:
    """The usual time between two reports, seconds."""
    if len(columns.time_ms) < 2:
        return None
    return round(float(np.median(np.diff(columns.time_ms))) / 1000, 1)


def without_speed(columns: Columns) -> float | None:
    """The share of fixes that tell no speed."""
    return _share(columns.speed < 0)


def frozen(columns: Columns) -> float | None:
    """The share of fixes that tell 10 km/h or more and repeat the place of the fix before them, which came within 5 minutes."""
    again = np.zeros(len(columns.time_ms), np.bool_)
    again[1:] = (
        (np.diff(columns.lon) == 0)
        & (np.diff(columns.lat) == 0)
        & (np.diff(columns.time_ms) <= FOLLOWS_MS)
        & (columns.speed[1:] >= TENTHS_10_KMH)
    )
    return _share(again)


def speed(columns: Columns) -> Speed:
    """Whether the speed can be used: `missing` where half of the fixes tell none, `stuck` where half of those that moved tell less than 1 km/h."""
    if not len(columns.time_ms):
        return "unknown"
    if (without_speed(columns) or 0.0) >= USELESS:
        return "missing"
    hours = np.diff(columns.time_ms) / 3_600_000
    east = np.diff(columns.lon) * np.cos(np.radians(columns.lat[1:]))
    metres = np.hypot(east, np.diff(columns.lat)) * METRES_A_DEGREE
    moved = (metres >= MOVED_M) & (metres >= MOVED_KMH * 1000 * hours) & (hours * 3_600_000 <= FOLLOWS_MS)
    if np.count_nonzero(moved) < LEAST_MOVES:
        return "told"
    still = (columns.speed[1:] >= 0) & (columns.speed[1:] < LEAST_SPEED)
    return "stuck" if np.count_nonzero(moved & still) >= USELESS * np.count_nonzero(moved) else "told"


def satellites(columns: Columns) -> float | None:
    """The usual number of satellites; None where none were told."""
    told = columns.satellites[columns.satellites >= 0]
    return float(np.median(told)) if len(told) else None


def flagged(columns: Columns) -> float | None:
    """The share of fixes with a quality flag."""
    return _share(columns.flags != 0)


def _share(where: NDArray[np.bool_]) -> float | None:
    return round(float(np.count_nonzero(where)) / len(where), 4) if len(where) else None
