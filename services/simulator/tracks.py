"""Tracks: the lines vehicles really drive - a route itself, or a route with an excursion down a side road and back - as flat arrays.

The stepping kernel wants everything about a line by distance along it: what section it is on, how fast a bend lets one go, where that
is on Earth, and how far that is from the route it was told to keep to. All tracks stand in one set of arrays, end to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.simulator import geo
from services.simulator.geo import Floats, Line
from services.simulator.network import Section, Step

Ints = NDArray[np.int32]

KEY_M = 1e7
"""Vertices of track i have keys from i * KEY_M on, so one search finds places on any track; no track is 10,000 km long."""

OFF_STEP_M = 25.0
CORNER_M = 20.0
SIDEWAYS_MPS2 = 1.2
"""Sideways acceleration at which a driver of a heavy vehicle slows for a bend."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one section as driven: its line in the order of driving."""

    section: int
    line: Line


@dataclass(frozen=True, slots=True)
class Track:
    """A line with its pieces (start, section, greatest speed in m/s) and its distance from the route over the excursion."""

    line: Line
    arc: Floats
    piece_m: Floats
    piece_section: Ints
    piece_cap_mps: Floats
    off_from_m: float = 0.0
    off_m: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def length_m(self) -> float:
        """Length in metres."""
        return float(self.arc[-1])


@dataclass(frozen=True, slots=True)
class Tracks:
    """Every track of a world, end to end; `*_at[i]` to `*_at[i + 1]` is track i's share."""

    length_m: Floats
    vertex_at: Ints
    vertex_key: Floats
    lon: Floats
    lat: Floats
    bearing: Floats
    piece_at: Ints
    piece_m: Floats
    piece_section: Ints
    piece_cap_mps: Floats
    off_at: Ints
    off_from_m: Floats
    off_m: Floats

    def locate(self, track: Ints, at_m: Floats) -> tuple[Floats, Floats, Floats]:
        """Longitude, latitude and bearing (along the track) of places given by track and distance."""
        key = track * KEY_M + at_m
        leg = np.searchsorted(self.vertex_key, key, side="right") - 1
        leg = np.clip(leg, self.vertex_at[track], self.vertex_at[track + 1] - 2)
        start, span = self.vertex_key[leg], self.vertex_key[leg + 1] - self.vertex_key[leg]
        part = np.clip((key - start) / np.maximum(span, 1e-6), 0.0, 1.0)
        lon = self.lon[leg] + part * (self.lon[leg + 1] - self.lon[leg])
        lat = self.lat[leg] + part * (self.lat[leg + 1] - self.lat[leg])
        return lon, lat, self.bearing[leg]


def parts_of(sections: Sequence[Section], steps: Sequence[Step], most_m: float = np.inf) -> list[Part]:
    """The sections of a way in the order driven, ended after `most_m` metres."""
    parts: list[Part] = []
    left = most_m
    for step in steps:
        line = sections[step.section].line
        line = line if step.forward else line[::-1]
        length = float(geo.arcs(line)[-1])
        parts.append(Part(step.section, line if length <= left else geo.cut(line, 0.0, left)))
        left -= length
        if left < 1.0:
            break
    return parts


def reverse(parts: Sequence[Part]) -> list[Part]:
    """The same way driven back."""
    return [Part(part.section, part.line[::-1]) for part in reversed(parts)]


def lay(
    parts: Sequence[Part], route: Line | None = None, excursion_m: tuple[float, float] = (0.0, 0.0)
) -> Track:
    """A track over parts; with `route`, how far from it the vehicle is between the two distances of `excursion_m`."""
    line = geo.join([part.line for part in parts])
    arc = geo.arcs(line)
    ends = np.cumsum([0.0, *(float(geo.arcs(part.line)[-1]) for part in parts)])
    piece_m, section, cap = _pieces(
        line, arc, ends[:-1], np.array([part.section for part in parts], np.int32)
    )
    if route is None:
        return Track(line, arc, piece_m, section, cap)
    at = np.arange(excursion_m[0], excursion_m[1] + OFF_STEP_M, OFF_STEP_M)
    away = geo.distances(geo.points_at(line, arc, at), route)
    ends_of_route = np.minimum(
        geo.distances(geo.points_at(line, arc, at), route[[0, 0]]),
        geo.distances(geo.points_at(line, arc, at), route[[-1, -1]]),
    )
    away[ends_of_route <= 500.0] = 0.0  # interfaces §5: exempt around both end points of the route
    return Track(line, arc, piece_m, section, cap, excursion_m[0], away)


def _pieces(line: Line, arc: Floats, starts: Floats, sections: Ints) -> tuple[Floats, Ints, Floats]:
    """Borders of sections and of bends merged into one list of pieces."""
    corner, cap = _corners(line, arc)
    borders = np.unique(
        np.concatenate((starts, np.maximum(corner - CORNER_M, 0.0), np.minimum(corner + CORNER_M, arc[-1])))
    )
    borders = borders[borders < arc[-1] - 0.01]
    section = sections[np.searchsorted(starts, borders + 0.005, side="right") - 1]
    caps = np.full(len(borders), np.inf)
    for at, mps in zip(corner, cap, strict=True):
        inside = (borders > at - CORNER_M - 0.01) & (borders < at + CORNER_M - 0.01)
        caps[inside] = np.minimum(caps[inside], mps)
    return borders, section, caps


def _corners(line: Line, arc: Floats) -> tuple[Floats, Floats]:
    """Where the line bends enough to slow for, and the speed it allows there."""
    bearing = geo.bearings(line)
    turn = np.radians(np.abs((np.diff(bearing) + 180.0) % 360.0 - 180.0))
    lengths = np.diff(arc)
    reach = np.minimum((lengths[1:] + lengths[:-1]) / 2, 150.0)
    speed = np.sqrt(SIDEWAYS_MPS2 * reach / np.maximum(turn, 1e-6))
    speed = np.where(turn > 2.6, 2.0, np.maximum(speed, 4.0))
    sharp = (turn > 0.08) & (speed < 24.0)
    return arc[1:-1][sharp], speed[sharp]


def stack(tracks: Sequence[Track]) -> Tracks:
    """All tracks end to end."""

    def at(sizes: list[int]) -> Ints:
        return np.cumsum([0, *sizes]).astype(np.int32)

    bearing = [np.append(geo.bearings(track.line), 0.0) for track in tracks]
    return Tracks(
        length_m=np.array([track.length_m for track in tracks]),
        vertex_at=at([len(track.line) for track in tracks]),
        vertex_key=np.concatenate([i * KEY_M + track.arc for i, track in enumerate(tracks)]),
        lon=np.concatenate([track.line[:, 0] for track in tracks]),
        lat=np.concatenate([track.line[:, 1] for track in tracks]),
        bearing=np.concatenate(bearing),
        piece_at=at([len(track.piece_m) for track in tracks]),
        piece_m=np.concatenate([track.piece_m for track in tracks]),
        piece_section=np.concatenate([track.piece_section for track in tracks]),
        piece_cap_mps=np.concatenate([track.piece_cap_mps for track in tracks]),
        off_at=at([len(track.off_m) for track in tracks]),
        off_from_m=np.array([track.off_from_m for track in tracks]),
        off_m=np.concatenate([track.off_m for track in tracks]),
    )
