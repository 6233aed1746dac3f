"""Trips and stops: pure functions over a way, the same rows whatever period was asked for.

- *Moving* is switched on by a speed of 5 km/h or more, off by one of 3 or less; between them, or without a speed, it stays as it was. After a silence
  of more than 20 minutes it is off. Positions are heard, too: a vehicle whose speeds are absent or 0 while it leaves its place moves, and one that
  says less than 20 km/h and stays where it is (drift) stands.
- A *stop* lasts five minutes or more: from the first fix that stands to the fix that moves again. Shorter ones belong to the trip.
- A *trip* runs from its first moving fix to the fix at which it stood, or to the last before a silence. What stays within 100 m of where it began,
  and by an odometer that can be believed too, is no trip but part of the stop.
- A *silence* of more than 20 minutes ends whatever there was.

A part of a longer way shows its inner rows as the whole does. A row at an edge may go on beyond it; `loose_start` and `loose_end` say so, and whoever
reads must look farther (`journeys.py`).
"""

from dataclasses import dataclass

import numpy as np

from services.api.history.legs import (
    GAP_MS,
    MOVING,
    STILL,
    Bools,
    Legs,
    Way,
    apart,
    displaced,
    idle,
    legs,
    steady,
)

MIN_STOP_MS = 5 * 60_000
MIN_TRIP_M = 100.0


@dataclass(frozen=True, slots=True)
class Row:
    """A trip or a stop by the places of its first and last fix; loose: what is before or after the way may change that end."""

    trip: bool
    first: int
    last: int
    loose_start: bool
    loose_end: bool


@dataclass(frozen=True, slots=True)
class Ends:
    """Whether the way's own ends are ends of everything: nothing, or a silence of more than 20 minutes, lies beyond."""

    start: bool
    end: bool


def moving(way: Way) -> tuple[Bools, int]:
    """Whether the vehicle moves at each fix, for a way without silences; and the first place from which on that is sure."""
    said = np.where(way.speed >= MOVING, 1, np.where((way.speed >= 0) & (way.speed <= STILL), 0, -1))
    said = np.where(displaced(way), 1, np.where(idle(way), 0, said))
    heard = np.maximum.accumulate(np.where(said >= 0, np.arange(len(said)), -1))
    found: Bools = (heard >= 0) & (said[np.maximum(heard, 0)] == 1)
    return found, int(np.count_nonzero(heard < 0))


def rows(way: Way, ends: Ends) -> list[Row]:
    """Trips and stops in order."""
    if not len(way):
        return []
    way = steady(way)
    walked = legs(way)
    edges = np.flatnonzero(np.diff(way.time_ms) > GAP_MS) + 1
    starts, stops = [0, *edges.tolist()], [*edges.tolist(), len(way)]
    found: list[Row] = []
    for start, stop in zip(starts, stops, strict=True):
        known = Ends(start > 0 or ends.start, stop < len(way) or ends.end)
        found += _session(way, walked, start, stop - 1, known)
    return found


def _session(way: Way, walked: Legs, first: int, last: int, ends: Ends) -> list[Row]:
    moves, unsure = moving(way.part(first, last + 1))
    trips = [
        (begin, end)
        for begin, end in _merged(way, _runs(moves, first, last))
        if _leads_away(way, walked, begin, end)
    ]
    found: list[Row] = []
    stood = first
    for begin, end in trips:
        loose = stood == first and not ends.start
        sure = min(first + unsure, begin) if loose else stood
        lasted = way.time_ms[begin] - way.time_ms[sure] >= MIN_STOP_MS
        if lasted:
            found.append(Row(False, stood, begin, loose, False))
        found.append(Row(True, begin, end, loose and not lasted, False))
        stood = end
    if way.time_ms[last] - way.time_ms[stood] >= MIN_STOP_MS:
        found.append(Row(False, stood, last, not trips and not ends.start, not ends.end))
    elif trips and not ends.end:
        found[-1] = Row(True, found[-1].first, found[-1].last, found[-1].loose_start, True)
    elif not trips and not (ends.start and ends.end):
        found.append(
            Row(False, first, last, not ends.start, not ends.end)
        )  # a bit of something: looked at again
    return found


def _leads_away(way: Way, walked: Legs, begin: int, end: int) -> bool:
    """Whether the vehicle left the place where it began, by positions or by an odometer that can be believed."""
    piece = slice(begin, end + 1)
    away_m = apart(
        np.full(end + 1 - begin, way.lon[begin]),
        np.full(end + 1 - begin, way.lat[begin]),
        way.lon[piece],
        way.lat[piece],
    )
    part = slice(begin, end)
    counted_m = walked.distance_m[part][walked.by_odometer[part]].sum()
    return bool(away_m.max() >= MIN_TRIP_M or counted_m >= MIN_TRIP_M)


def _runs(moves: Bools, first: int, last: int) -> list[tuple[int, int]]:
    """Each run of moving fixes with the fix at which it stood, where there is one."""
    change = np.diff(np.concatenate([[0], moves.astype(np.int8), [0]]))
    begins, ends = np.flatnonzero(change == 1) + first, np.flatnonzero(change == -1) + first
    return [(int(begin), min(int(end), last)) for begin, end in zip(begins, ends, strict=True)]


def _merged(way: Way, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs joined across stops that are too short to be any."""
    found: list[tuple[int, int]] = []
    for begin, end in runs:
        if found and way.time_ms[begin] - way.time_ms[found[-1][1]] < MIN_STOP_MS:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found
