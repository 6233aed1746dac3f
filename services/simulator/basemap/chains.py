"""A graph of short stretches as few long lines: what a map draws, and simplifies well."""

import itertools
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from services.simulator import geo
from services.simulator.geo import Line
from services.simulator.sources import Node


def chains(stretches: Iterable[tuple[Node, Node]]) -> list[Line]:
    """Lines between ends and junctions of the graph, in a fixed order; a loop without junction is one closed line."""
    beside: dict[Node, set[Node]] = defaultdict(set)
    for a, b in stretches:
        beside[a].add(b)
        beside[b].add(a)
    left = {(min(a, b), max(a, b)) for a in beside for b in beside[a]}
    found = []
    ends = [node for node in sorted(beside) if len(beside[node]) != 2]
    for start in [*ends, *sorted(node for node in beside if len(beside[node]) == 2)]:
        walked = [_walk(start, following, beside, left) for following in sorted(beside[start])]
        found += [np.array(nodes) for nodes in walked if len(nodes) > 1]
    return found


def _walk(
    start: Node, following: Node, beside: dict[Node, set[Node]], left: set[tuple[Node, Node]]
) -> list[Node]:
    """From a node along one stretch and on to the next end or junction; takes the stretches from `left`."""
    walked = [start]
    while (min(walked[-1], following), max(walked[-1], following)) in left:
        left.remove((min(walked[-1], following), max(walked[-1], following)))
        walked.append(following)
        if len(beside[following]) != 2:
            break
        following = next((node for node in sorted(beside[following]) if node != walked[-2]), walked[-2])
    return walked


def joined(lines: Iterable[Line], digits: int = 4) -> list[Line]:
    """Lines whose ends touch as longer ones (rivers come in pieces)."""
    rounded = [[(float(lon), float(lat)) for lon, lat in np.round(line, digits)] for line in lines]
    return chains((a, b) for line in rounded for a, b in itertools.pairwise(line) if a != b)


def length_m(line: Line) -> float:
    """Length in metres."""
    return float(geo.arcs(line)[-1])
