"""The GeoJSON files: roads, routes, zones (RFC 7946, WGS-84, [lon, lat]).

Ranges are checked here because nothing later does: PostGIS stores a latitude of 106 as 73.8 without a word, and a distance to NaN is 0.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from services.contracts.registry import CLASSES, ROAD_CLASSES, ZONE_KINDS, Position, Road, Route, Stop, Zone
from services.contracts.registry_files.places import crosses_itself
from services.contracts.registry_files.refusal import Column, Errors, Parsed
from services.contracts.registry_files.tables import decoded
from services.contracts.registry_files.values import (
    BadValue,
    boolean,
    classes,
    date_spans,
    days,
    hours,
    moment,
    number,
    one_of,
    oneway,
    text,
)

DEFAULT_HALF_WIDTH_M = 100.0
WIDEST_M = 100_000.0
FASTEST_KMH = 300.0

width_m = number(0, WIDEST_M, above=True)
limit_kmh = number(0, FASTEST_KMH, above=True)

STOP_COLUMNS = (
    Column("name", text(), required=True),
    Column("lon", number(-180, 180), required=True),
    Column("lat", number(-90, 90), required=True),
    Column("radius_m", width_m),
)
ROAD_COLUMNS = (
    Column("road_class", one_of(ROAD_CLASSES), required=True),
    Column("name", text()),
    Column("ref", text()),
    Column("limit_kmh", limit_kmh),
    Column("night_limit_kmh", limit_kmh),
    Column("oneway", oneway),
    Column("tunnel", boolean),
    Column("bridge", boolean),
    *(Column(f"limit_kmh_{name}", limit_kmh) for name in CLASSES),
)
ROUTE_COLUMNS = (
    Column("route", text(), required=True),
    Column("name", text()),
    Column("width_m", width_m),
)
ZONE_COLUMNS = (
    Column("zone", text(), required=True),
    Column("name", text()),
    Column("kind", one_of(ZONE_KINDS), required=True),
    Column("buffer_m", width_m),
    Column("classes", classes),
    Column("limit_kmh", limit_kmh),
    Column("hours", hours),
    Column("days", days),
    Column("dates", date_spans),
    Column("except_dates", date_spans),
    Column("from", moment, field="from_ms"),
    Column("to", moment, field="to_ms"),
    Column("reason", text()),
)
ROAD_PROPERTIES = tuple(column.name for column in ROAD_COLUMNS)
ROUTE_PROPERTIES = (*(column.name for column in ROUTE_COLUMNS), "leg_widths_m", "stops")
ZONE_PROPERTIES = tuple(column.name for column in ZONE_COLUMNS)


def parse_roads(name: str, data: bytes) -> Parsed[Road]:
    """`roads.geojson`; a MultiLineString is as many roads. A road against its line (`oneway` -1) is turned round.

    Raises:
        FilesRefused: with every error.
    """
    errors = Errors(name)
    roads: list[Road] = []
    rows: list[int] = []
    for row, properties, geometry in _features(errors, data):
        _check_class_limits(errors, row, properties)
        errors.look_for_unknown(row, properties, ROAD_PROPERTIES)
        fields = errors.read(ROAD_COLUMNS, row, properties)
        lines = _lines(errors, row, geometry, multi=True)
        if fields is None or not lines:
            continue
        direction = fields.pop("oneway", 0)
        limits = {str(key): fields.pop(f"limit_kmh_{key}") for key in CLASSES if f"limit_kmh_{key}" in fields}
        for line in lines:
            along = line[::-1] if direction < 0 else line
            roads.append(Road(coordinates=along, oneway=direction != 0, class_limits_kmh=limits, **fields))
            rows.append(row)
    errors.raise_if_any()
    return Parsed(name, tuple(roads), tuple(rows), errors.unknown())


def parse_routes(name: str, data: bytes) -> Parsed[Route]:
    """`routes.geojson`; each id once, a name of its own or its id.

    Raises:
        FilesRefused: with every error.
    """
    errors = Errors(name)
    routes: dict[str, Route] = {}
    rows: list[int] = []
    for row, properties, geometry in _features(errors, data):
        errors.look_for_unknown(row, properties, ROUTE_PROPERTIES)
        fields = errors.read(ROUTE_COLUMNS, row, properties)
        lines = _lines(errors, row, geometry, multi=False)
        stops = _stops(errors, row, properties.get("stops"))
        if fields is None or not lines:
            continue
        widths = _leg_widths(errors, row, properties, fields, legs=len(lines[0]) - 1)
        if fields["route"] in routes:
            errors.add(row, "route", fields["route"], BadValue("重复", "stands twice"))
            continue
        routes[fields["route"]] = Route(
            route=fields["route"], name=fields.get("name", fields["route"]), coordinates=lines[0],
            leg_half_widths_m=widths, stops=stops,
        )  # fmt: skip
        rows.append(row)
    errors.raise_if_any()
    return Parsed(name, tuple(routes.values()), tuple(rows), errors.unknown())


def parse_zones(name: str, data: bytes) -> Parsed[Zone]:
    """`zones.geojson`; each id once, a name of its own or its id. A MultiPolygon is one zone.

    Raises:
        FilesRefused: with every error.
    """
    errors = Errors(name)
    zones: dict[str, Zone] = {}
    rows: list[int] = []
    for row, properties, geometry in _features(errors, data):
        errors.look_for_unknown(row, properties, ZONE_PROPERTIES)
        fields = errors.read(ZONE_COLUMNS, row, properties)
        shape = _zone_shape(errors, row, geometry)
        if fields is None or shape is None:
            continue
        if "line" in shape and "buffer_m" not in fields:
            errors.add(row, "buffer_m", None, BadValue("线状区域必填", "required for a line"))
        if "line" not in shape:
            fields.pop("buffer_m", None)
        start, end = fields.get("from_ms"), fields.get("to_ms")
        if start is not None and end is not None and start >= end:
            errors.add(
                row, "to", None, BadValue("结束应晚于开始", "the end must be later than the beginning")
            )
        if fields["zone"] in zones:
            errors.add(row, "zone", fields["zone"], BadValue("重复", "stands twice"))
        zones[fields["zone"]] = Zone(**{"name": fields["zone"]} | fields | shape)
        rows.append(row)
    errors.raise_if_any()
    return Parsed(name, tuple(zones.values()), tuple(rows), errors.unknown())


def _features(errors: Errors, data: bytes) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Number, properties and geometry of each feature."""
    document = _document(errors, data)
    if document.get("type") == "Feature":
        document = {"type": "FeatureCollection", "features": [document]}
    features = document.get("features")
    if document.get("type") != "FeatureCollection" or not isinstance(features, list):
        errors.add(
            None,
            None,
            None,
            BadValue("应为 GeoJSON FeatureCollection", "expected a GeoJSON FeatureCollection"),
        )
        return
    crs = document.get("crs")
    if crs is not None and not any(word in json.dumps(crs) for word in ("CRS84", "4326")):
        errors.add(None, "crs", json.dumps(crs), BadValue("应为 WGS-84 (CRS84)", "expected WGS-84 (CRS84)"))
        return
    for row, feature in enumerate(features, 1):
        properties = feature.get("properties") or {} if isinstance(feature, dict) else None
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or not isinstance(geometry, dict):
            errors.add(
                row, "geometry", None, BadValue("应为带几何的 Feature", "expected a Feature with a geometry")
            )
            continue
        yield row, properties, geometry


def _document(errors: Errors, data: bytes) -> dict[str, Any]:
    source = decoded(errors, data)
    try:
        found = msgspec.json.decode(source)
    except (msgspec.DecodeError, RecursionError) as error:
        errors.add(_line_of_error(source), None, None, BadValue("不是有效的 JSON", f"not JSON: {error}"))
        found = {}
    errors.raise_if_any()
    return found if isinstance(found, dict) else {}


def _line_of_error(source: str) -> int | None:
    """The fast decoder counts bytes; the standard one counts lines, and is asked only when there is an error to place."""
    try:
        json.loads(source)
    except json.JSONDecodeError as error:
        return error.lineno
    except RecursionError:
        pass
    return None


def _lines(errors: Errors, row: int, geometry: dict[str, Any], *, multi: bool) -> list[tuple[Position, ...]]:
    """The lines of a geometry; none if there was an error."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    try:
        if kind == "LineString":
            return [_line(coordinates)]
        if kind == "MultiLineString" and multi and isinstance(coordinates, list) and coordinates:
            return [_line(part) for part in coordinates]
    except BadValue as bad:
        errors.add(row, "geometry", kind, bad)
        return []
    expected = "LineString / MultiLineString" if multi else "LineString"
    errors.add(row, "geometry", kind, BadValue(f"应为 {expected}", f"expected {expected}"))
    return []


def _zone_shape(errors: Errors, row: int, geometry: dict[str, Any]) -> dict[str, Any] | None:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    try:
        if kind == "LineString":
            return {"line": _line(coordinates)}
        if kind == "Polygon":
            return {"polygons": (_polygon(coordinates),)}
        if kind == "MultiPolygon" and isinstance(coordinates, list) and coordinates:
            return {"polygons": tuple(_polygon(part) for part in coordinates)}
    except BadValue as bad:
        errors.add(row, "geometry", kind, bad)
        return None
    expected = "Polygon / MultiPolygon / LineString"
    errors.add(row, "geometry", kind, BadValue(f"应为 {expected}", f"expected {expected}"))
    return None


def _line(coordinates: Any) -> tuple[Position, ...]:
    line = _positions(coordinates)
    if len(set(line)) < 2:
        raise BadValue("线至少应有两个不同的点", "expected a line of at least two distinct positions")
    return line


def _polygon(rings: Any) -> tuple[tuple[Position, ...], ...]:
    if not isinstance(rings, list) or not rings:
        raise BadValue("多边形没有环", "expected a polygon with at least one ring")
    found = tuple(_positions(ring) for ring in rings)
    for ring in found:
        if len(set(ring)) < 3 or ring[0] != ring[-1]:
            raise BadValue(
                "环应闭合且至少三个不同的点", "expected closed rings of at least three distinct positions"
            )
    bad = crosses_itself(found)
    if bad is not None:
        raise bad
    return found


def _positions(coordinates: Any) -> tuple[Position, ...]:
    if not isinstance(coordinates, list):
        raise BadValue("应为坐标列表", "expected a list of positions")
    return tuple(_position(place, position) for place, position in enumerate(coordinates, 1))


def _position(place: int, position: Any) -> Position:
    """[lon, lat]; a height is left out."""
    numbers = position[:2] if isinstance(position, list) else []
    if len(numbers) < 2 or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
        raise BadValue(f"第 {place} 个点应为 [经度, 纬度]", f"position {place}: expected [lon, lat]")
    lon, lat = map(float, numbers)
    if math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90:
        return lon, lat
    swapped = abs(lon) <= 90 and 90 < abs(lat) <= 180
    zh, en = (", 经纬度似乎颠倒", ", looks swapped: expected [lon, lat]") if swapped else ("", "")
    raise BadValue(
        f"第 {place} 个点 [{lon:g}, {lat:g}] 超出范围{zh}",
        f"position {place} [{lon:g}, {lat:g}] is not on Earth{en}",
    )


def _check_class_limits(errors: Errors, row: int, properties: dict[str, Any]) -> None:
    """A limit for a class that does not exist is a typing error that would lift a limit; other unknown properties are left alone."""
    for name, value in properties.items():
        if name.startswith("limit_kmh_") and name.removeprefix("limit_kmh_") not in set(CLASSES):
            known = " ".join(CLASSES)
            errors.add(
                row,
                name,
                value,
                BadValue(f"没有此车辆类别, 应为: {known}", f"no such class, expected: {known}"),
            )


def _leg_widths(
    errors: Errors, row: int, properties: dict[str, Any], fields: dict[str, Any], *, legs: int
) -> tuple[float, ...]:
    """Half width of each leg in metres: given one by one, or one for all."""
    given = properties.get("leg_widths_m")
    if given is None:
        return (fields.get("width_m", DEFAULT_HALF_WIDTH_M),) * legs
    if not isinstance(given, list) or len(given) != legs:
        count = len(given) if isinstance(given, list) else given
        errors.add(
            row, "leg_widths_m", count, BadValue(f"应有 {legs} 个, 每段一个", f"expected {legs}, one a leg")
        )
        return ()
    found: list[float] = []
    for width in given:
        try:
            found.append(width_m(width))
        except BadValue as bad:
            errors.add(row, "leg_widths_m", width, bad)
    return tuple(found)


def _stops(errors: Errors, row: int, stops: Any) -> tuple[Stop, ...]:
    if stops is None:
        return ()
    if not isinstance(stops, list) or not all(isinstance(stop, dict) for stop in stops):
        errors.add(
            row, "stops", stops, BadValue("应为站点列表", "expected a list of {name, lon, lat, radius_m}")
        )
        return ()
    read = [errors.read(STOP_COLUMNS, row, stop) for stop in stops]
    return tuple(Stop(**fields) for fields in read if fields is not None)
