"""Storms: unresolved alerts of one cause and place as one group; pure, the same whatever order they come in, and every alert in exactly one.

First by place: alerts of one rule and kind on one road, or, off named roads, in one cell of a grid, whose beginnings follow each other within
the window. Where that gives fewer than FEWEST, by operator: the same rule and kind at one company. What is left stands alone.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.contracts.alert import SEVERITIES, iso

CELL_DEG = 0.02
"""Side of a cell, degrees: about 2 km."""
FEWEST = 3
MOST_LISTED = 200


class Basis(StrEnum):
    """What holds a group together."""

    PLACE = "place"
    OPERATOR = "operator"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """What grouping asks of an alert; degrees WGS-84."""

    id: str
    version: int
    handling: str
    rule: str
    kind: str
    operator: str
    severity_rank: int
    began_ms: int
    lon: float
    lat: float
    road: str | None = None

    @property
    def order(self) -> tuple[int, str]:
        """By beginning, then id."""
        return self.began_ms, self.id

    @property
    def place(self) -> str:
        """The road's name, or the cell's south-west corner as lon,lat."""
        if self.road:
            return self.road
        west, south = (math.floor(value / CELL_DEG) * CELL_DEG for value in (self.lon, self.lat))
        return f"{west:.2f},{south:.2f}"


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts in the order of their beginnings, and what they have in common."""

    basis: Basis
    alerts: tuple[Unresolved, ...]


def grouped(alerts: Iterable[Unresolved], window_ms: int) -> list[Group]:
    """The groups, the gravest first, then the largest, then the earliest; `window_ms` parts two of one cause and place in time."""
    found: list[Group] = []
    rest: list[Unresolved] = []
    for run in _runs(alerts, lambda one: (one.rule, one.kind, one.road is None, one.place), window_ms):
        if len(run) >= FEWEST:
            found.append(Group(Basis.PLACE, run))
        else:
            rest.extend(run)
    found += [
        Group(Basis.SINGLE if len(run) == 1 else Basis.OPERATOR, run)
        for run in _runs(rest, lambda one: (one.rule, one.kind, one.operator), window_ms)
    ]
    return sorted(found, key=_rank)


def _runs(
    alerts: Iterable[Unresolved], cause: Callable[[Unresolved], Hashable], window_ms: int
) -> list[tuple[Unresolved, ...]]:
    """Alerts of one cause, cut where the next begins more than the window after the one before."""
    causes: dict[Hashable, list[Unresolved]] = defaultdict(list)
    for alert in alerts:
        causes[cause(alert)].append(alert)
    runs = []
    for members in causes.values():
        members.sort(key=lambda one: one.order)
        run = [members[0]]
        for alert in members[1:]:
            if alert.began_ms - run[-1].began_ms > window_ms:
                runs.append(tuple(run))
                run = []
            run.append(alert)
        runs.append(tuple(run))
    return runs


def _rank(group: Group) -> tuple[int, int, int, str]:
    first = group.alerts[0]
    return -max(one.severity_rank for one in group.alerts), -len(group.alerts), first.began_ms, first.id


def described(group: Group, most_listed: int = MOST_LISTED) -> dict[str, Any]:
    """A group as it is answered; what is not listed for its number is counted, and `truncated` says so. A storm is a group of FEWEST or more."""
    first, last = group.alerts[0], group.alerts[-1]
    operators = {one.operator for one in group.alerts}
    places = {one.place for one in group.alerts}
    return {
        "id": "grp_" + hashlib.sha256(f"{group.basis}\x1f{first.id}".encode()).hexdigest()[:26],
        "basis": str(group.basis),
        "rule": first.rule,
        "kind": first.kind,
        "operator": first.operator if len(operators) == 1 else None,
        "place": first.place if len(places) == 1 else None,
        "count": len(group.alerts),
        "storm": len(group.alerts) >= FEWEST,
        "handlings": _counts(one.handling for one in group.alerts),
        "severity": str(SEVERITIES[max(one.severity_rank for one in group.alerts)]),
        "first_began": iso(first.began_ms),
        "last_began": iso(last.began_ms),
        "items": [{"id": one.id, "version": one.version} for one in group.alerts[:most_listed]],
        "truncated": len(group.alerts) > most_listed,
    }


def _counts(values: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return dict(sorted(counts.items()))
