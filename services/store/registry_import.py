"""A parsed file into the registry's tables, and the tables into a new version of the config document, in one transaction.

What each kind of file does with what is there already:
- vehicles: the rows of a plate and colour replace all rows it had; other vehicles stay;
- drivers, routes, zones, assignments: by their id (assignments: vehicle, route, from, trip), others stay;
- roads: the file replaces what was imported under the same source name;
- rules: the file replaces the parameters in force.
Nothing is removed by leaving it out of a file, but a road or a rule.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from services.contracts.batch import ConfigRecord
from services.contracts.registry import (
    Assignment,
    Config,
    Driver,
    Record,
    Road,
    Route,
    RuleSet,
    Vehicle,
    Zone,
)
from services.contracts.registry_files import AssignmentRow, Parsed, check_registrations, resolve_assignments
from services.store import configs, registry
from services.store.connect import Conn
from services.store.times import to_time
from services.store.wkb import line, multipolygon

IMPORT_LOCK = 0x52770002  # advisory lock: imports take turns

LOCK = "SELECT pg_advisory_xact_lock($1)"
ADD_OPERATORS = "INSERT INTO operator (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING"
ADD_TERMINALS = "INSERT INTO terminal (terminal) SELECT unnest($1::text[]) ON CONFLICT (terminal) DO NOTHING"
ADD_VEHICLES = """
INSERT INTO vehicle (plate, plate_color)
SELECT plate, plate_color FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS new (plate, plate_color, place)
WHERE NOT EXISTS (SELECT FROM vehicle v WHERE v.plate = new.plate AND v.plate_color = new.plate_color)
ORDER BY place
"""
FORGET_REGISTRATIONS = """
DELETE FROM registration USING vehicle v, unnest($1::text[], $2::text[]) AS named (plate, plate_color)
WHERE registration.vehicle_id = v.id AND v.plate = named.plate AND v.plate_color = named.plate_color
"""
ADD_REGISTRATION = """
INSERT INTO registration (vehicle_id, operator_id, vehicle_class, terminal, division, vin, status, valid_from, valid_to,
                          inspection_due, permit, permit_to, scrapped_on, subtype)
SELECT v.id, o.id, $4::text, $5::text, $6::text, $7::text, $8::text, $9::timestamptz, $10::timestamptz, $11::date, $12::text, $13::date,
       $14::date, $15::text
FROM vehicle v, operator o WHERE v.plate = $1 AND v.plate_color = $2 AND o.name = $3
"""
PUT_DRIVER = """
INSERT INTO driver (driver, name, operator_id, licence_class, qualified_for, valid_to, phone)
SELECT $1::text, $2::text, o.id, $4::text, $5::text, $6::date, $7::text FROM operator o WHERE o.name = $3
ON CONFLICT (driver) DO UPDATE SET (name, operator_id, licence_class, qualified_for, valid_to, phone) =
    (excluded.name, excluded.operator_id, excluded.licence_class, excluded.qualified_for, excluded.valid_to, excluded.phone)
"""
PUT_ROUTE = """
INSERT INTO route (route, name, line, leg_half_widths_m, stops) VALUES ($1, $2, ST_GeomFromEWKB($3), $4, $5)
ON CONFLICT (route) DO UPDATE SET (name, line, leg_half_widths_m, stops) =
    (excluded.name, excluded.line, excluded.leg_half_widths_m, excluded.stops)
"""
PUT_ASSIGNMENT = """
INSERT INTO assignment (vehicle_id, route, from_at, to_at, driver, trip, direction) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (vehicle_id, route, from_at, trip) DO UPDATE SET (to_at, driver, direction) =
    (excluded.to_at, excluded.driver, excluded.direction)
"""
FORGET_ROADS = "DELETE FROM road_segment WHERE source = $1"
ADD_ROAD = """
INSERT INTO road_segment (source, place, road_class, line, name, ref, limit_kmh, night_limit_kmh, class_limits_kmh, oneway, tunnel,
                          bridge)
VALUES ($1, $2, $3, ST_GeomFromEWKB($4), $5, $6, $7, $8, $9, $10, $11, $12)
"""
PUT_ZONE = """
INSERT INTO zone (zone, name, kind, area, line, buffer_m, classes, limit_kmh, hours, from_at, to_at, reason, days, dates, except_dates)
VALUES ($1, $2, $3, ST_GeomFromEWKB($4), ST_GeomFromEWKB($5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (zone) DO UPDATE SET (name, kind, area, line, buffer_m, classes, limit_kmh, hours, from_at, to_at, reason, days, dates,
                                  except_dates) =
    (excluded.name, excluded.kind, excluded.area, excluded.line, excluded.buffer_m, excluded.classes, excluded.limit_kmh,
     excluded.hours, excluded.from_at, excluded.to_at, excluded.reason, excluded.days, excluded.dates, excluded.except_dates)
"""
ADD_RULE_SET = "INSERT INTO rule_set (parameters, from_at, to_at, basis) VALUES ($1, $2, $3, $4)"

Keys = dict[Any, bytes]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or with `dry_run` would do; `record` is the new version, None when nothing changed."""

    added: int
    changed: int
    removed: int
    unchanged: int
    record: ConfigRecord | None


async def import_file(conn: Conn, kind: str, parsed: Parsed[Any], *, source: str, dry_run: bool) -> Imported:
    """Write one parsed file of kind "vehicles" ... "rules" and save the new version of the document.

    `source` names a map of roads. With `dry_run` everything is tried and nothing kept.

    Raises:
        FilesRefused: what the file says does not go together with what is registered.
        asyncpg.LockNotAvailableError: another import runs longer than the lock timeout.
    """
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(LOCK, IMPORT_LOCK)
        before = await registry.read(conn)
        await _write(conn, kind, parsed, before, source)
        result = await _saved(conn, kind, before, await registry.read(conn))
    except BaseException:
        await transaction.rollback()
        raise
    if dry_run:
        await transaction.rollback()
    else:
        await transaction.commit()
    return result


async def _write(conn: Conn, kind: str, parsed: Parsed[Any], before: Config, source: str) -> None:
    if kind == "roads":
        await _write_roads(conn, parsed, source)
    elif kind == "assignments":
        await _write_assignments(conn, parsed, before)
    elif kind == "vehicles":
        check_registrations(parsed, before.vehicles)
        await _write_vehicles(conn, parsed)
    else:
        await WRITERS[kind](conn, parsed)


async def _saved(conn: Conn, kind: str, before: Config, after: Config) -> Imported:
    old, new = _keyed(kind, before), _keyed(kind, after)
    added, removed = len(new.keys() - old.keys()), len(old.keys() - new.keys())
    changed = sum(1 for key, value in new.items() if key in old and old[key] != value)
    record = None
    if after != before:
        version = msgspec.structs.replace(after, version=before.version + 1)
        record = await configs.save(conn, version, f"{kind}: +{added} ~{changed} -{removed}")
    return Imported(added, changed, removed, len(new) - added - changed, record)


def _keyed(kind: str, config: Config) -> Keys:
    """The records of one kind by what identifies them to a reader."""
    records: Sequence[Record] = getattr(config, kind)
    name = KEYS[kind]
    found: Keys = {}
    for place, record in enumerate(records):
        key = name(record, place)
        found[key] = found.get(key, b"") + msgspec.json.encode(record)
    return found


def _road_key(road: Road, _: int) -> tuple[Any, ...]:
    return road.ref, road.name, road.coordinates


KEYS: dict[str, Callable[[Any, int], Any]] = {
    "vehicles": lambda vehicle, _: vehicle.key,
    "drivers": lambda driver, _: driver.driver,
    "roads": _road_key,
    "routes": lambda route, _: route.route,
    "assignments": lambda a, _: (a.vehicle, a.route, a.from_ms, a.trip),
    "zones": lambda zone, _: zone.zone,
    "rules": lambda _rules, place: place,
}


async def _write_vehicles(conn: Conn, parsed: Parsed[Vehicle]) -> None:
    vehicles = parsed.records
    await conn.execute(ADD_OPERATORS, _unique(vehicle.operator for vehicle in vehicles))
    await conn.execute(ADD_TERMINALS, _unique(vehicle.terminal for vehicle in vehicles))
    names = list(dict.fromkeys((vehicle.plate, vehicle.plate_color) for vehicle in vehicles))
    plates, colors = [plate for plate, _ in names], [color for _, color in names]
    await conn.execute(ADD_VEHICLES, plates, colors)
    await conn.execute(FORGET_REGISTRATIONS, plates, colors)
    await conn.executemany(
        ADD_REGISTRATION,
        [
            (
                v.plate, v.plate_color, v.operator, v.vehicle_class.value, v.terminal, v.division, v.vin, v.status,
                to_time(v.valid_from_ms), to_time(v.valid_to_ms), _date(v.inspection_due), v.permit, _date(v.permit_to),
                _date(v.scrapped_on), v.subtype,
            )
            for v in vehicles
        ],
    )  # fmt: skip


async def _write_drivers(conn: Conn, parsed: Parsed[Driver]) -> None:
    drivers = parsed.records
    await conn.execute(ADD_OPERATORS, _unique(driver.operator for driver in drivers))
    await conn.executemany(
        PUT_DRIVER,
        [
            (d.driver, d.name, d.operator, d.licence_class, d.qualified_for, _date(d.valid_to), d.phone)
            for d in drivers
        ],
    )


async def _write_routes(conn: Conn, parsed: Parsed[Route]) -> None:
    await conn.executemany(
        PUT_ROUTE,
        [
            (
                r.route,
                r.name,
                line(r.coordinates),
                r.leg_half_widths_m,
                [msgspec.structs.asdict(stop) for stop in r.stops],
            )
            for r in parsed.records
        ],
    )


async def _write_assignments(conn: Conn, parsed: Parsed[AssignmentRow], before: Config) -> None:
    found: tuple[Assignment, ...] = resolve_assignments(
        parsed, before.vehicles, {route.route for route in before.routes}
    )
    await conn.executemany(
        PUT_ASSIGNMENT,
        [
            (a.vehicle, a.route, to_time(a.from_ms), to_time(a.to_ms), a.driver, a.trip, a.direction)
            for a in found
        ],
    )


async def _write_roads(conn: Conn, parsed: Parsed[Road], source: str) -> None:
    await conn.execute(FORGET_ROADS, source)
    await conn.executemany(
        ADD_ROAD,
        [
            (source, place, r.road_class.value, line(r.coordinates), r.name, r.ref, r.limit_kmh, r.night_limit_kmh,
             r.class_limits_kmh, r.oneway, r.tunnel, r.bridge)
            for place, r in enumerate(parsed.records)
        ],
    )  # fmt: skip


async def _write_zones(conn: Conn, parsed: Parsed[Zone]) -> None:
    await conn.executemany(
        PUT_ZONE,
        [
            (z.zone, z.name, z.kind, multipolygon(z.polygons) if z.polygons else None, line(z.line) if z.line else None, z.buffer_m,
             [c.value for c in z.classes], z.limit_kmh, z.hours, to_time(z.from_ms), to_time(z.to_ms), z.reason,
             z.days, z.dates, z.except_dates)
            for z in parsed.records
        ],
    )  # fmt: skip


async def _write_rules(conn: Conn, parsed: Parsed[RuleSet]) -> None:
    """The file as a new rule set, unless it says what is in force already."""
    in_force = [row["parameters"] for row in await conn.fetch(registry.RULE_SETS)]
    for rules in parsed.records:
        if in_force != [rules.parameters]:
            await conn.execute(
                ADD_RULE_SET, rules.parameters, to_time(rules.from_ms), to_time(rules.to_ms), rules.basis
            )


WRITERS: dict[str, Callable[[Conn, Parsed[Any]], Awaitable[None]]] = {
    "drivers": _write_drivers,
    "routes": _write_routes,
    "zones": _write_zones,
    "rules": _write_rules,
}


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
