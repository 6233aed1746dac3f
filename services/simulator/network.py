"""The road network: the ways between towns cut into stretches of one class and one limit, and joined again into routes.

A stretch (`Section`) becomes one feature of roads.geojson, and a route is made of whole sections, so a vehicle that follows a
route is exactly on the lines the map knows and its true limit is that of the section under it. The map does not depend on the
seed: two fleets drive on the same roads.
"""

import heapq
import itertools
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from services.contracts.registry import RoadClass, VehicleClass
from services.simulator import geo, places, sources
from services.simulator.geo import Line

Node = tuple[float, float]

LEG_M = 1000.0
SIMPLIFY_M = 60.0
SNAP_M = 120.0
"""The road source rounds to 0.001 degree: a node and the line it belongs to may lie this far apart."""
CORNER_REACH_M = 300.0
MIN_SECTION_M = 400.0
VILLAGE_M = 900.0
TUNNEL_M = 1500.0
HEAVY = (VehicleClass.COACH, VehicleClass.CHARTER, VehicleClass.HAZMAT, VehicleClass.FREIGHT)


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of road of one class and one limit; `zone_kmh` is the limit of a hazard section laid over it."""

    line: Line
    road_class: RoadClass
    ref: str
    name: str
    limit_kmh: float | None
    night_limit_kmh: float | None = None
    class_limits_kmh: tuple[tuple[VehicleClass, float], ...] = ()
    tunnel: bool = False
    zone_kmh: float | None = None
    zone_classes: tuple[VehicleClass, ...] = ()

    @property
    def length_m(self) -> float:
        """Length in metres."""
        return float(geo.arcs(self.line)[-1])


@dataclass(frozen=True, slots=True)
class Step:
    """One section driven along (`forward`) or against the order of its line."""

    section: int
    forward: bool


@dataclass(frozen=True, slots=True)
class Network:
    """All sections, and the graph of chains of sections between junctions."""

    sections: tuple[Section, ...]
    chains: tuple[tuple[Node, Node, tuple[int, ...]], ...]
    towns: dict[str, Node]

    def way(self, start: str, end: str) -> list[Step]:
        """The quickest way between two towns by the limits of the roads."""
        best: dict[Node, float] = {self.towns[start]: 0.0}
        came: dict[Node, tuple[Node, int, bool]] = {}
        heap = [(0.0, self.towns[start])]
        around = self._around()
        while heap:
            cost, node = heapq.heappop(heap)
            if node == self.towns[end]:
                break
            if cost > best[node]:
                continue
            for other, chain, forward in around[node]:
                ahead = cost + self._seconds(chain)
                if ahead < best.get(other, np.inf):
                    best[other], came[other] = ahead, (node, chain, forward)
                    heapq.heappush(heap, (ahead, other))
        return self._trace(came, self.towns[start], self.towns[end])

    def spurs(self, steps: list[Step]) -> list[tuple[int, list[Step]]]:
        """Side roads: for places inside a way (index of the step after), the sections of a chain that leaves it there."""
        on_way = {step.section for step in steps}
        found = []
        for i in range(1, len(steps)):
            node = self._end(steps[i - 1])
            for _, chain, forward in self._around().get(node, []):
                sections = self.chains[chain][2]
                if not on_way & set(sections):
                    found.append((i, _steps(sections, forward=forward)))
        return found

    def _end(self, step: Step) -> Node:
        lon, lat = self.sections[step.section].line[-1 if step.forward else 0]
        return (float(lon), float(lat))

    def _around(self) -> dict[Node, list[tuple[Node, int, bool]]]:
        around: dict[Node, list[tuple[Node, int, bool]]] = defaultdict(list)
        for i, (a, b, _) in enumerate(self.chains):
            around[a].append((b, i, True))
            around[b].append((a, i, False))
        return around

    def _seconds(self, chain: int) -> float:
        parts = (self.sections[i] for i in self.chains[chain][2])
        return sum(part.length_m / (part.limit_kmh or 60.0) * 3.6 for part in parts)

    def _trace(self, came: dict[Node, tuple[Node, int, bool]], start: Node, end: Node) -> list[Step]:
        steps: list[Step] = []
        node = end
        while node != start:
            node, chain, forward = came[node]
            steps = _steps(self.chains[chain][2], forward=forward) + steps
        return steps


def _steps(sections: tuple[int, ...], *, forward: bool) -> list[Step]:
    return [Step(i, forward) for i in (sections if forward else sections[::-1])]


def build_network() -> Network:
    """The network of `places`, from the road source. Raises sources.MissingMapError."""
    by_name = {town.name: town for town in places.TOWNS}
    paths = sources.road_paths([(by_name[link.start], by_name[link.end]) for link in places.LINKS])
    owner: dict[tuple[Node, Node], int] = {}
    nodes_at = np.array(sorted({node for path in paths for node in path}))
    for i, path in enumerate(paths):
        for a, b in itertools.pairwise(_through(path, nodes_at)):
            if a != b:
                owner.setdefault((min(a, b), max(a, b)), i)
    towns = {town.name: (town.lon, town.lat) for town in places.TOWNS}
    rng = np.random.default_rng(64)
    sections: list[Section] = []
    chains = []
    for nodes, link in _chains(owner, set(towns.values())):
        parts = _cut_chain(_shape(nodes), places.LINKS[link], rng)
        chains.append((nodes[0], nodes[-1], tuple(range(len(sections), len(sections) + len(parts)))))
        sections += parts
    return Network(tuple(sections), tuple(chains), towns)


def _through(path: list[Node], nodes: Line) -> list[Node]:
    """The path with every known node that it passes by, so that two ways over the same ground are one road, not two on top."""
    full = path[:1]
    for start, end in itertools.pairwise(path):
        leg = np.array([start, end])
        along = (nodes - leg[0]) @ (leg[1] - leg[0])
        box = np.all((nodes > leg.min(axis=0) - 0.002) & (nodes < leg.max(axis=0) + 0.002), axis=1)
        near = np.flatnonzero(box & (along > 0) & (along < np.sum((leg[1] - leg[0]) ** 2)))
        near = near[geo.distances(nodes[near], leg) < SNAP_M]
        full += [(float(lon), float(lat)) for lon, lat in nodes[near[np.argsort(along[near])]]]
        full.append(end)
    return list(dict.fromkeys(full))  # a node near two legs stands once, where the path first meets it


def _chains(owner: dict[tuple[Node, Node], int], keep: set[Node]) -> list[tuple[list[Node], int]]:
    """Runs of edges of one link between junctions, towns and ends, in a fixed order."""
    around: dict[Node, list[Node]] = defaultdict(list)
    for a, b in sorted(owner):
        around[a].append(b)
        around[b].append(a)

    def edge(a: Node, b: Node) -> tuple[Node, Node]:
        return (min(a, b), max(a, b))

    def inner(node: Node) -> bool:
        links = {owner[edge(node, other)] for other in around[node]}
        return len(around[node]) == 2 and len(links) == 1 and node not in keep

    chains = []
    seen: set[tuple[Node, Node]] = set()
    for start in sorted(around):
        if inner(start):
            continue
        for following in around[start]:
            nodes = [start, following]
            if edge(start, following) in seen:
                continue
            while inner(nodes[-1]):
                nodes.append(next(other for other in around[nodes[-1]] if other != nodes[-2]))
            seen.update(edge(a, b) for a, b in itertools.pairwise(nodes))
            chains.append((nodes, owner[edge(start, following)]))
    return chains


def _shape(nodes: list[Node]) -> Line:
    line = geo.simplify(np.array(nodes), SIMPLIFY_M)
    return geo.subdivide(geo.round_corners(line, CORNER_REACH_M), LEG_M)


def _cut_chain(line: Line, link: places.Link, rng: np.random.Generator) -> list[Section]:
    """One chain as sections: urban near towns, villages on highways, a tunnel here and there in the mountains."""
    length = float(geo.arcs(line)[-1])
    at = np.arange(25.0, length, 50.0) if length > 50.0 else np.array([length / 2])
    kinds = _kinds(geo.points_at(line, geo.arcs(line), at), link)
    _add_villages(kinds, link, rng)
    borders = [0.0, *(float(at[i] - 25.0) for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]), length]
    names = [kinds[0], *(kinds[i] for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1])]
    parts = [(a, b, kind) for a, b, kind in zip(borders, borders[1:], names, strict=False)]
    return [_section(geo.cut(line, a, b), kind, link) for a, b, kind in _merge_short(parts)]


def _kinds(points: Line, link: places.Link) -> list[str]:
    kinds = ["open"] * len(points)
    for town in places.TOWNS:
        away = geo.distances(points, np.array([[town.lon, town.lat], [town.lon, town.lat]]))
        for i in np.flatnonzero(away < max(town.ring_m, town.urban_m)):
            if link.road_class is RoadClass.EXPRESSWAY and away[i] >= town.urban_m:
                continue
            kinds[i] = "urban" if away[i] < town.urban_m else "ring"
    return kinds


def _add_villages(kinds: list[str], link: places.Link, rng: np.random.Generator) -> None:
    """Marks villages (on highways and rural roads) and one tunnel (in the mountains), in cells of 50 m."""
    if link.road_class is RoadClass.EXPRESSWAY:
        return
    cell = int(rng.integers(40, 120))
    while cell + 30 < len(kinds):
        if link.road_class is RoadClass.MOUNTAIN:
            kind, size = ("tunnel", int(TUNNEL_M / 50)) if "tunnel" not in kinds else ("bend", 16)
        else:
            kind, size = "village", int(VILLAGE_M / 50)
        if set(kinds[cell : cell + size]) == {"open"}:
            kinds[cell : cell + size] = [kind] * size
        cell += int(rng.integers(140, 300))


def _merge_short(parts: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    merged: list[tuple[float, float, str]] = []
    for a, b, kind in parts:
        if merged and (
            b - a < MIN_SECTION_M or merged[-1][2] == kind or merged[-1][1] - merged[-1][0] < MIN_SECTION_M
        ):
            longer = kind if b - a > merged[-1][1] - merged[-1][0] else merged[-1][2]
            merged[-1] = (merged[-1][0], b, longer)
        else:
            merged.append((a, b, kind))
    return merged


def _section(line: Line, kind: str, link: places.Link) -> Section:
    base = Section(line, link.road_class, link.ref, link.name, link.limit_kmh)
    freight = ((VehicleClass.FREIGHT, 90.0),) if link.road_class is RoadClass.EXPRESSWAY else ()
    as_is = replace(base, class_limits_kmh=freight)
    return {
        "urban": replace(base, road_class=RoadClass.URBAN, ref="", name="城区道路", limit_kmh=50.0),
        "ring": replace(
            base, road_class=RoadClass.URBAN_EXPRESSWAY, ref="", name="城市快速路", limit_kmh=70.0
        ),
        "village": replace(base, name=link.name + " 村镇段", limit_kmh=50.0, night_limit_kmh=40.0),
        "tunnel": replace(base, name=link.name + " 隧道", limit_kmh=50.0, tunnel=True),
        "bend": replace(base, name=link.name + " 急弯陡坡", zone_kmh=30.0, zone_classes=HEAVY),
    }.get(kind, as_is)
