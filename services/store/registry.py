"""The registry's tables, read as one config document. What `import` writes is in `registry_import`.

The order is fixed (surrogate ids, then periods), so that the same registry gives the same document and the same SHA-256.
"""

from typing import Any

import asyncpg
import msgspec

from services.contracts.registry import (
    Assignment,
    Config,
    Driver,
    Road,
    RoadClass,
    Route,
    RuleSet,
    Stop,
    Vehicle,
    VehicleClass,
    Zone,
)
from services.store.connect import Conn
from services.store.times import to_ms
from services.store.wkb import read_line, read_multipolygon

VEHICLES = """
SELECT v.id, v.plate, v.plate_color, r.vehicle_class, r.terminal, o.name AS operator, r.division, r.vin, r.status, r.valid_from,
       r.valid_to, r.inspection_due, r.permit, r.permit_to, r.scrapped_on, r.subtype
FROM registration r JOIN vehicle v ON v.id = r.vehicle_id JOIN operator o ON o.id = r.operator_id
ORDER BY v.id, r.valid_from NULLS FIRST, r.terminal, r.id
"""
DRIVERS = """
SELECT d.driver, d.name, o.name AS operator, d.licence_class, d.qualified_for, d.valid_to, d.phone
FROM driver d JOIN operator o ON o.id = d.operator_id ORDER BY d.driver COLLATE "C"
"""
ROUTES = """
SELECT route, name, ST_AsBinary(line, 'NDR') AS line, leg_half_widths_m, stops FROM route ORDER BY route COLLATE "C"
"""
ASSIGNMENTS = """
SELECT vehicle_id, route, from_at, to_at, driver, trip, direction FROM assignment
ORDER BY vehicle_id, from_at, route COLLATE "C", trip COLLATE "C" NULLS FIRST
"""
ROADS = """
SELECT road_class, ST_AsBinary(line, 'NDR') AS line, name, ref, limit_kmh, night_limit_kmh, class_limits_kmh, oneway, tunnel, bridge
FROM road_segment ORDER BY source COLLATE "C", place
"""
ZONES = """
SELECT zone, name, kind, ST_AsBinary(area, 'NDR') AS area, ST_AsBinary(line, 'NDR') AS line, buffer_m, classes, limit_kmh, hours,
       days, dates, except_dates, from_at, to_at, reason
FROM zone ORDER BY zone COLLATE "C"
"""
RULE_SETS = """
SELECT version, parameters, from_at, to_at, basis FROM rule_set
WHERE version >= coalesce((SELECT max(version) FROM rule_set WHERE from_at IS NULL AND to_at IS NULL), 0)
ORDER BY version
"""
RULE_HISTORY = "SELECT version, parameters, from_at, to_at, basis, created_at FROM rule_set ORDER BY version DESC LIMIT $1"
LATEST_VERSION = "SELECT coalesce(max(version), 0) FROM config_version"


async def read(conn: Conn) -> Config:
    """Everything as it stands in the tables; `version` is that of the newest saved document (0: none yet).

    Call it in a transaction that holds the import lock or is REPEATABLE READ, so that the tables belong together.
    """
    version: int = await conn.fetchval(LATEST_VERSION)
    return Config(
        version=version,
        vehicles=tuple(_vehicle(row) for row in await conn.fetch(VEHICLES)),
        drivers=tuple(Driver(**_plain(row)) for row in await conn.fetch(DRIVERS)),
        assignments=tuple(_assignment(row) for row in await conn.fetch(ASSIGNMENTS)),
        roads=tuple(_road(row) for row in await conn.fetch(ROADS)),
        routes=tuple(_route(row) for row in await conn.fetch(ROUTES)),
        zones=tuple(_zone(row) for row in await conn.fetch(ZONES)),
        rules=await rule_sets(conn),
    )


async def rule_sets(conn: Conn) -> tuple[RuleSet, ...]:
    """The sets that are judged by, earlier ones first: a set for all time leaves nothing of those before it."""
    return tuple(_rule_set(row) for row in await conn.fetch(RULE_SETS))


async def rule_history(conn: Conn, limit: int) -> list[asyncpg.Record]:
    """The latest sets, newest first, superseded ones among them: version, parameters, from_at, to_at, basis, created_at."""
    return await conn.fetch(RULE_HISTORY, limit)


def _plain(row: asyncpg.Record | dict[str, Any]) -> dict[str, Any]:
    """A row's cells with dates as ISO text, which is how the document writes them."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def _vehicle(row: asyncpg.Record) -> Vehicle:
    fields = dict(row)
    start, end = to_ms(fields.pop("valid_from")), to_ms(fields.pop("valid_to"))
    fields["vehicle_class"] = VehicleClass(fields["vehicle_class"])
    return Vehicle(valid_from_ms=start, valid_to_ms=end, **_plain(fields))


def _assignment(row: asyncpg.Record) -> Assignment:
    return Assignment(
        vehicle=row["vehicle_id"],
        route=row["route"],
        from_ms=to_ms(row["from_at"]),
        to_ms=to_ms(row["to_at"]),
        driver=row["driver"],
        trip=row["trip"],
        direction=row["direction"],
    )


def _road(row: asyncpg.Record) -> Road:
    fields = dict(row)
    fields["road_class"] = RoadClass(fields["road_class"])
    return Road(coordinates=read_line(fields.pop("line")), **fields)


def _route(row: asyncpg.Record) -> Route:
    return Route(
        route=row["route"],
        name=row["name"],
        coordinates=read_line(row["line"]),
        leg_half_widths_m=tuple(row["leg_half_widths_m"]),
        stops=tuple(msgspec.convert(stop, Stop) for stop in row["stops"]),
    )


def _zone(row: asyncpg.Record) -> Zone:
    return Zone(
        zone=row["zone"],
        name=row["name"],
        kind=row["kind"],
        polygons=read_multipolygon(row["area"]) if row["area"] is not None else (),
        line=read_line(row["line"]) if row["line"] is not None else (),
        buffer_m=row["buffer_m"],
        classes=tuple(VehicleClass(name) for name in row["classes"]),
        limit_kmh=row["limit_kmh"],
        hours=tuple((start, end) for start, end in row["hours"]),
        from_ms=to_ms(row["from_at"]),
        to_ms=to_ms(row["to_at"]),
        reason=row["reason"],
        days=tuple(row["days"]),
        dates=tuple((first, last) for first, last in row["dates"]),
        except_dates=tuple((first, last) for first, last in row["except_dates"]),
    )


def _rule_set(row: asyncpg.Record) -> RuleSet:
    return RuleSet(
        parameters=row["parameters"],
        from_ms=to_ms(row["from_at"]),
        to_ms=to_ms(row["to_at"]),
        basis=row["basis"],
        version=row["version"],
    )
