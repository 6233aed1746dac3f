"""The registry's files (interfaces section 2), from bytes to the records of `services.contracts.registry`, all or nothing.

`roadwatch judge` and `roadwatch import` read the same files through this one door, so a file that one takes the other takes too.
Every error names file, row, column, value and what is expected, and all of them are told at once: a registry of ten thousand
vehicles is not mended one error a run.
"""

from services.contracts.registry_files.assemble import build_config, parse_file, read_config
from services.contracts.registry_files.crossing import AssignmentRow, check_registrations, resolve_assignments
from services.contracts.registry_files.features import parse_roads, parse_routes, parse_zones
from services.contracts.registry_files.refusal import FileError, FilesRefused, Parsed
from services.contracts.registry_files.rules import CheckRules, parse_rules
from services.contracts.registry_files.tables import (
    parse_assignments,
    parse_drivers,
    parse_vehicles,
)
from services.contracts.registry_files.values import normal_plate

__all__ = [
    "AssignmentRow",
    "CheckRules",
    "FileError",
    "FilesRefused",
    "Parsed",
    "build_config",
    "check_registrations",
    "normal_plate",
    "parse_assignments",
    "parse_drivers",
    "parse_file",
    "parse_roads",
    "parse_routes",
    "parse_rules",
    "parse_vehicles",
    "parse_zones",
    "read_config",
    "resolve_assignments",
]
