"""The scenario's registry and map as the files of the interfaces page, section 2: what `roadwatch import` and `roadwatch judge` read."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from services.contracts.alert import iso
from services.simulator import geo
from services.simulator.fleet import Fleet
from services.simulator.geo import Line
from services.simulator.network import Section
from services.simulator.simulation import Simulation
from services.simulator.tracks import OFF_STEP_M
from services.simulator.world import HALF_WIDTH_M, World

ZONE_BUFFER_M = 40.0
ALWAYS_S = (1577808000, 2208960000)
"""Assignments of a run without an end hold from 2020 to 2040, local: begun again, it brings the very same rows, not second duties."""

FILES = (
    "vehicles.csv",
    "drivers.csv",
    "roads.geojson",
    "routes.geojson",
    "assignments.csv",
    "zones.geojson",
    "rules.json",
)


def write_scenario(simulation: Simulation, folder: Path) -> None:
    """Writes FILES into a folder, making it. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scenario(simulation).items():
        (folder / name).write_text(text, encoding="utf-8")


def scenario(simulation: Simulation) -> dict[str, str]:
    """The text of every file of FILES."""
    world, fleet, settings = simulation.world, simulation.fleet, simulation.settings
    from_s, to_s = (settings.from_s, settings.to_s) if settings.to_s else ALWAYS_S
    return {
        "vehicles.csv": _csv("plate,plate_color,class,terminal,operator,division", _vehicles(fleet)),
        "drivers.csv": _csv("driver,name,operator,licence_class,phone", _drivers(fleet)),
        "roads.geojson": _collection(_road(section) for section in world.network.sections),
        "routes.geojson": _collection(_routes(world)),
        "assignments.csv": _csv("vehicle,route,from,to", _assignments(world, fleet, from_s, to_s)),
        "zones.geojson": _collection(_zones(world)),
        "rules.json": "{}\n",
    }


def _csv(header: str, rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return out.getvalue()


def _vehicles(fleet: Fleet) -> Iterator[tuple[str, ...]]:
    for v in fleet.vehicles:
        yield v.plate, v.plate_color, v.vehicle_class, v.terminal.number, v.operator, v.division


def _drivers(fleet: Fleet) -> Iterator[tuple[str, ...]]:
    for driver in fleet.drivers:
        yield driver.code, driver.name, driver.operator, "A1", driver.phone


def _assignments(world: World, fleet: Fleet, from_s: int, to_s: int) -> Iterator[tuple[str, ...]]:
    for v in fleet.vehicles:
        if v.assigned:
            yield v.key, world.routes[v.route].route, iso(from_s * 1000), iso(to_s * 1000)


def _collection(features: Iterable[dict[str, Any]]) -> str:
    """One feature a line, so that a person can read and compare the file."""
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features)
    return f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n'


def _feature(properties: dict[str, Any], line: Line, kind: str = "LineString") -> dict[str, Any]:
    coordinates: list[Any] = np.round(line, 7).tolist()
    geometry = {"type": kind, "coordinates": [coordinates] if kind == "Polygon" else coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _road(section: Section) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "road_class": section.road_class,
        "name": section.name,
        "limit_kmh": section.limit_kmh,
    }
    if section.ref:
        properties["ref"] = section.ref
    if section.night_limit_kmh:
        properties["night_limit_kmh"] = section.night_limit_kmh
    if section.tunnel:
        properties["tunnel"] = True
    properties |= {f"limit_kmh_{cls}": kmh for cls, kmh in section.class_limits_kmh}
    return _feature(properties, section.line)


def _routes(world: World) -> Iterator[dict[str, Any]]:
    for route in world.routes:
        at = [0.0, *route.stops_m, route.length_m]
        points = np.round(geo.points_at(route.line, geo.arcs(route.line), at), 6).tolist()
        stops = [
            {"name": f"{route.name} {number}站", "lon": lon, "lat": lat, "radius_m": 60}
            for number, (lon, lat) in enumerate(points, start=1)
        ]
        properties = {"route": route.route, "name": route.name, "width_m": HALF_WIDTH_M, "stops": stops}
        yield _feature(properties, route.line)


def _zones(world: World) -> Iterator[dict[str, Any]]:
    for number, section in enumerate(world.network.sections):
        if section.zone_kmh:
            properties: dict[str, Any] = {
                "zone": f"H{number:03d}", "name": section.name, "kind": "hazard_section", "buffer_m": ZONE_BUFFER_M,
                "limit_kmh": section.zone_kmh, "classes": list(section.zone_classes), "reason": "急弯陡坡",
            }  # fmt: skip
            yield _feature(properties, section.line)
        if section.tunnel:
            properties = {
                "zone": f"T{number:03d}", "name": section.name, "kind": "dead_zone", "buffer_m": ZONE_BUFFER_M + OFF_STEP_M
            }  # fmt: skip
            yield _feature(properties, section.line)
    yield _feature({"zone": "F001", "name": "银川老城核心区", "kind": "forbidden", "classes": ["hazmat"],
                    "reason": "危险货物车辆禁行"}, _box(106.26, 38.455, 106.30, 38.475), "Polygon")  # fmt: skip
    for number, town in enumerate(("银川", "固原"), start=1):
        lon, lat = world.network.towns[town]
        properties = {"zone": f"P{number:03d}", "name": f"{town}停车场", "kind": "parking"}
        yield _feature(properties, _box(lon - 0.002, lat - 0.002, lon + 0.002, lat + 0.002), "Polygon")


def _box(west: float, south: float, east: float, north: float) -> Line:
    return np.array([[west, south], [east, south], [east, north], [west, north], [west, south]])
