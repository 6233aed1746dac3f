"""Divisions that share a border keep sharing it: rings cut into arcs, each arc simplified once for both sides.

Rings simplified one by one would leave slivers and double lines between neighbours.
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.simulator import geo
from services.simulator.geo import Line
from services.simulator.sources import Division, Node, Ring

Arc = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Borders:
    """The arcs of some divisions: `rings` of each as signed places in `arcs` (~i is arc i walked backwards), `sides` their codes."""

    arcs: tuple[Line, ...]
    sides: tuple[tuple[str, ...], ...]
    rings: tuple[tuple[tuple[int, ...], ...], ...]

    def polygon(self, division: int) -> list[Line]:
        """The rings of a division, closed, from the simplified arcs; islets that have shrunk to a line are left out."""
        found = []
        for places in self.rings[division]:
            ring = geo.join([self.arcs[i] if i >= 0 else self.arcs[~i][::-1] for i in places])
            if len(ring) >= 4:
                found.append(ring)
        return found


def borders(divisions: Sequence[Division], tolerance_m: float) -> Borders:
    """Arcs between the points where three divisions or more meet, each simplified within `tolerance_m`."""
    nodes = _junctions([ring for division in divisions for ring in division.rings])
    known: dict[Arc, int] = {}
    sides: list[set[str]] = []
    placed = []
    for division in divisions:
        rings = []
        for ring in division.rings:
            places = []
            for arc in _arcs(ring, nodes):
                turned = arc[::-1]
                forward = arc <= turned
                number = known.setdefault(min(arc, turned), len(known))
                if number == len(sides):
                    sides.append(set())
                sides[number].add(division.code)
                places.append(number if forward else ~number)
            rings.append(tuple(places))
        placed.append(tuple(rings))
    lines = tuple(_simple(np.array(arc), tolerance_m) for arc in known)
    return Borders(lines, tuple(tuple(sorted(codes)) for codes in sides), tuple(placed))


def _simple(arc: Line, tolerance_m: float) -> Line:
    """An arc simplified; a closed one by its two halves, since between equal ends every point is on one line."""
    if len(arc) > 3 and np.array_equal(arc[0], arc[-1]):
        middle = len(arc) // 2
        halves = [geo.simplify(arc[: middle + 1], tolerance_m), geo.simplify(arc[middle:], tolerance_m)]
        return geo.join(halves)
    return geo.simplify(arc, tolerance_m)


def _junctions(rings: Sequence[Ring]) -> set[Node]:
    """Points with more than two different neighbours, over all rings."""
    beside: dict[Node, set[Node]] = defaultdict(set)
    for ring in rings:
        for a, b in itertools.pairwise(ring):
            if a != b:
                beside[a].add(b)
                beside[b].add(a)
    return {node for node, others in beside.items() if len(others) > 2}


def _arcs(ring: Ring, nodes: set[Node]) -> list[Arc]:
    """A closed ring cut at its junctions; one without any begins at its least point, so that both sides cut alike."""
    points = ring[:-1] if ring[0] == ring[-1] else ring
    cuts = [i for i, point in enumerate(points) if point in nodes] or [points.index(min(points))]
    turned = [*points[cuts[0] :], *points[: cuts[0]], points[cuts[0]]]
    ends = [*(i - cuts[0] for i in cuts), len(points)]
    return [tuple(turned[a : b + 1]) for a, b in itertools.pairwise(ends)]
