"""The world a fleet drives in: roads, routes with the excursions possible from them, limits and zones. The same for every seed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.simulator import geo, places, sources, tracks
from services.simulator.geo import Floats, Line
from services.simulator.limits import limit_tables
from services.simulator.network import Network, Step, build_network
from services.simulator.tracks import Part, Track, Tracks

HALF_WIDTH_M = 100.0
MARGIN_M = 15.0
OUT_OF_TUNNEL_M = 50.0
EXCURSION_M = (1200.0, 6500.0)
EXCURSIONS_MAX = 4
SCHOOL_ROUTE_M = 11_000.0
SCHOOL_TOWNS = (
    "银川",
    "石嘴山",
    "吴忠",
    "固原",
    "中卫",
    "平罗",
    "灵武",
    "中宁",
    "同心",
    "西吉",
    "彭阳",
    "贺兰",
)


@dataclass(frozen=True, slots=True)
class Excursion:
    """A track that leaves the route at `at_m` (along the plain track), goes `out_m` down a side road, turns and comes back."""

    track: int
    at_m: float
    out_m: float


@dataclass(frozen=True, slots=True)
class Route:
    """A route: its line, its plain track, its excursions and where one may stop."""

    route: str
    name: str
    start: str
    end: str
    line: Line
    track: int
    excursions: tuple[Excursion, ...]
    stops_m: tuple[float, ...]
    school: bool

    @property
    def length_m(self) -> float:
        """Length in metres."""
        return float(geo.arcs(self.line)[-1])


@dataclass(frozen=True, slots=True)
class World:
    """Everything that stands still. `in_force` and `statutory`: km/h by section, class column, day/night."""

    network: Network
    routes: tuple[Route, ...]
    tracks: Tracks
    in_force: Floats
    statutory: Floats
    divisions: dict[str, str]

    def seconds(self, track: int, column: int) -> float:
        """About how long a track takes by day, within the law."""
        at, to = self.tracks.piece_at[track], self.tracks.piece_at[track + 1]
        starts = np.append(self.tracks.piece_m[at:to], self.tracks.length_m[track])
        limit_mps = self.in_force[self.tracks.piece_section[at:to], column, 0] / 3.6
        speed = np.minimum(limit_mps * 0.92, self.tracks.piece_cap_mps[at:to])
        return float(np.sum(np.diff(starts) / speed) * 1.08)

    def out_of_tunnels(self, track: int, at_m: float) -> float:
        """The place itself, or where the tunnel it lies in has ended: nobody stops in one."""
        at, to = self.tracks.piece_at[track], self.tracks.piece_at[track + 1]
        starts = self.tracks.piece_m[at:to]
        piece = max(int(np.searchsorted(starts, at_m, side="right")) - 1, 0)
        while piece + 1 < len(starts) and self.network.sections[self.tracks.piece_section[at + piece]].tunnel:
            piece += 1
            at_m = float(starts[piece]) + OUT_OF_TUNNEL_M
        return min(at_m, float(self.tracks.length_m[track]))


def build_world() -> World:
    """The Ningxia world. Raises sources.MissingMapError when the map packages are not installed."""
    network = build_network()
    laid: list[Track] = []
    routes = [
        _route(network, number, start, end, laid, school=school)
        for number, (start, end, school) in enumerate(_route_ends(), start=1)
    ]
    in_force, statutory = limit_tables(network.sections)
    return World(
        network, tuple(routes), tracks.stack(laid), in_force, statutory, sources.divisions(places.TOWNS)
    )


def _route_ends() -> Iterator[tuple[str, str, bool]]:
    for pair in places.ROUTES:
        start, end = pair.split("-")
        yield start, end, False
    for town in SCHOOL_TOWNS:
        links = [link for link in places.LINKS if town in (link.start, link.end)]
        for link in links[:2]:
            yield town, link.end if link.start == town else link.start, True


def _route(network: Network, number: int, start: str, end: str, laid: list[Track], *, school: bool) -> Route:
    steps = network.way(start, end)
    parts = tracks.parts_of(network.sections, steps, SCHOOL_ROUTE_M if school else np.inf)
    plain = tracks.lay(parts)
    track = len(laid)
    laid.append(plain)
    excursions = [] if school else _excursions(network, steps, parts, plain, laid)
    spacing = 1500.0 if school else 18_000.0
    stops = tuple(float(m) for m in np.arange(spacing, plain.length_m - spacing / 2, spacing))
    name = f"{start}学生接送{number}号线" if school else f"{start}—{end}"
    return Route(f"R{number:03d}", name, start, end, plain.line, track, tuple(excursions), stops, school)


def _excursions(
    network: Network, steps: list[Step], parts: list[Part], plain: Track, laid: list[Track]
) -> list[Excursion]:
    """Tracks with one excursion each, for the side roads of a route that really lead away from it."""
    starts = np.cumsum([0.0, *(float(geo.arcs(part.line)[-1]) for part in parts)])
    found: list[Excursion] = []
    for index, spur in network.spurs(steps):
        side = tracks.parts_of(network.sections, spur, EXCURSION_M[1])
        out_m = sum(float(geo.arcs(part.line)[-1]) for part in side)
        at_m = float(starts[index])
        if out_m < EXCURSION_M[0] or at_m < 3000.0 or at_m > plain.length_m - 3000.0:
            continue
        driven = [*parts[:index], *side, *tracks.reverse(side), *parts[index:]]
        track = tracks.lay(driven, plain.line, (at_m, at_m + 2 * out_m))
        ends_in_tunnel = network.sections[side[-1].section].tunnel
        if ends_in_tunnel or track.off_m.max() < 500.0:
            continue
        found.append(Excursion(len(laid), at_m, out_m))
        laid.append(track)
        if len(found) == EXCURSIONS_MAX:
            break
    return found
