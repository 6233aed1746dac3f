"""Which vehicle is assigned to which route when, as arrays, and a number for each assignment that stays."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from services.compiled import compiled
from services.contracts.registry import Assignment, Config
from services.rules.corridor import Corridors, build_corridors
from services.rules.zones import ZoneTables, build_zones


class Tables(NamedTuple):
    """Assignments by vehicle id: rows `first[v]` to `first[v + 1]` of the others, ordered by their beginning."""

    stamp: int  # hash of assignments and routes, never 0
    first: np.ndarray
    key: np.ndarray
    from_ms: np.ndarray
    to_ms: np.ndarray
    route: np.ndarray
    corridors: Corridors
    depots: ZoneTables


@compiled
def row_of(tables: Tables, first: int, last: int, key: int, time_ms: int) -> int:
    """The row of the assignment with a key, if it holds at a time; -1 else."""
    for row in range(first, last):
        if tables.key[row] == key and tables.from_ms[row] <= time_ms < tables.to_ms[row]:
            return row
    return -1


def assignment_key(assignment: Assignment) -> int:
    """int64 that stands for an assignment in every version of the registry, never 0."""
    return _number(msgspec.msgpack.encode(assignment))


def _number(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True) or 1


def tables(config: Config, _drawn: object = None) -> Tables:
    """Assignments and routes as arrays; an assignment to a route that is not there judges nothing."""
    places = {route.route: place for place, route in enumerate(config.routes)}
    by_key = {assignment_key(a): a for a in config.assignments if a.route in places}
    rows = sorted(by_key.items(), key=lambda item: (item[1].vehicle, item[1].from_ms, item[0]))
    top = max((a.vehicle for _, a in rows), default=0)
    counts = np.bincount(np.array([a.vehicle for _, a in rows], np.int64), minlength=top + 1)
    return Tables(
        _number(msgspec.msgpack.encode((config.assignments, config.routes))),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array([key for key, _ in rows], np.int64),
        np.array([a.from_ms for _, a in rows], np.int64),
        np.array([a.to_ms for _, a in rows], np.int64),
        np.array([places[a.route] for _, a in rows], np.int32),
        build_corridors(config.routes),
        build_zones([zone for zone in config.zones if zone.kind == "depot"]),
    )


def assignment_names(config: Config) -> Callable[[int], tuple[str, str]]:
    """By subject of a finding: (route id, route name) of the assignment, empty where this config does not know it."""
    routes = {route.route: route.name for route in config.routes}
    by_vehicle: dict[int, tuple[str, str]] = defaultdict(lambda: ("", ""))
    for assignment in config.assignments:
        by_vehicle[assignment_key(assignment)] = (assignment.route, routes.get(assignment.route, ""))
    return lambda subject: by_vehicle.get(subject, ("", ""))
