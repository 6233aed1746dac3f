"""From parsed files to the one config document, for whoever has no database: `roadwatch judge`, the simulator's tests."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, TypeVar

import msgspec

from services.contracts.registry import Config, Driver, Road, Route, RuleSet, Vehicle, Zone
from services.contracts.registry_files.crossing import AssignmentRow, resolve_assignments
from services.contracts.registry_files.features import parse_roads, parse_routes, parse_zones
from services.contracts.registry_files.places import Area, check_places
from services.contracts.registry_files.refusal import MOST_ERRORS, FileError, FilesRefused, Parsed
from services.contracts.registry_files.rules import CheckRules, parse_rules
from services.contracts.registry_files.tables import (
    parse_assignments,
    parse_drivers,
    parse_vehicles,
)

T = TypeVar("T")

VehicleIds = Callable[[str, str], int]
"""The surrogate id (> 0) of a plate and colour, always the same for the same two."""

PARSERS: dict[str, Callable[[str, bytes], Parsed[Any]]] = {
    "vehicles": parse_vehicles,
    "drivers": parse_drivers,
    "roads": parse_roads,
    "routes": parse_routes,
    "assignments": parse_assignments,
    "zones": parse_zones,
}
KINDS = (*PARSERS, "rules")


def parse_file(
    kind: str, name: str, data: bytes, check_rules: CheckRules, area: Area | None = None
) -> Parsed[Any]:
    """A file of one of KINDS; what has a place lies in `area` (None: anywhere).

    Raises:
        FilesRefused: with every error of the file.
    """
    if kind == "rules":
        return parse_rules(name, data, check_rules)
    parsed = PARSERS[kind](name, data)
    if kind in ("roads", "routes", "zones"):
        check_places(parsed, area)
    return parsed


def build_config(
    *,
    vehicles: Parsed[Vehicle],
    drivers: Parsed[Driver] | None = None,
    roads: Parsed[Road] | None = None,
    routes: Parsed[Route] | None = None,
    assignments: Parsed[AssignmentRow] | None = None,
    zones: Parsed[Zone] | None = None,
    rules: Parsed[RuleSet] | None = None,
    vehicle_ids: VehicleIds,
    version: int = 0,
) -> Config:
    """One document of files that were each parsed without error.

    Raises:
        FilesRefused: an assignment names a vehicle or a route that is not there.
    """
    numbered = tuple(
        msgspec.structs.replace(vehicle, id=vehicle_ids(vehicle.plate, vehicle.plate_color))
        for vehicle in vehicles.records
    )
    routes_found = _records(routes)
    known = {route.route for route in routes_found}
    return Config(
        version=version,
        vehicles=numbered,
        drivers=_records(drivers),
        assignments=resolve_assignments(assignments, numbered, known) if assignments else (),
        roads=_records(roads),
        routes=routes_found,
        zones=_records(zones),
        rules=_records(rules),
    )


def read_config(
    files: Mapping[str, tuple[str, bytes]],
    *,
    check_rules: CheckRules,
    vehicle_ids: VehicleIds | None = None,
    area: Area | None = None,
    warn: Callable[[FileError], None] = lambda _warning: None,
) -> Config:
    """All files at once: `files` maps a kind ("vehicles", ..., "rules") to the file's name and bytes; "vehicles" must be there.

    Vehicles are numbered from 1 in the order of the file unless `vehicle_ids` says otherwise. Roads, routes and zones lie in `area` (None: anywhere);
    `warn` hears of what nobody reads.

    Raises:
        FilesRefused: with the errors of all files.
    """
    parsed: dict[str, Any] = {}
    refused: list[FilesRefused] = []
    for kind in KINDS:
        if kind in files:
            try:
                parsed[kind] = parse_file(kind, *files[kind], check_rules, area)
                for warning in parsed[kind].warnings:
                    warn(warning)
            except FilesRefused as error:
                refused.append(error)
    if refused:
        raise joined(refused)
    return build_config(vehicle_ids=vehicle_ids or counted_ids(), **parsed)


def joined(refused: list[FilesRefused]) -> FilesRefused:
    """Several refusals as one."""
    errors: list[FileError] = list(chain.from_iterable(error.errors for error in refused))
    more = sum(error.more for error in refused) + max(0, len(errors) - MOST_ERRORS)
    return FilesRefused(errors[:MOST_ERRORS], more)


def counted_ids() -> VehicleIds:
    """Ids from 1 in order of first mention."""
    ids: dict[tuple[str, str], int] = {}
    return lambda plate, color: ids.setdefault((plate, color), len(ids) + 1)


def _records(parsed: Parsed[T] | None) -> tuple[T, ...]:
    return parsed.records if parsed else ()
