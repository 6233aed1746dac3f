"""The layers of a map file as GeoJSON features; `layer` in the properties says which. docs/console-map.md is their description."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from services.simulator import geo, places, sources
from services.simulator.basemap.borders import Borders, borders
from services.simulator.basemap.chains import chains, joined, length_m
from services.simulator.geo import Line
from services.simulator.network import build_network
from services.simulator.sources import Box, Division

Feature = dict[str, Any]

LAYERS = ("division", "border", "road", "river", "lake", "place", "label")
"""All layers a map file may hold."""
LEVELS = {"0000": "province", "00": "city"}
"""Level of a division by the end of its code; any other is a district's."""
LABEL_GRID = 24
"""A name stands at the point, of a grid of so many squared over its largest ring, that is farthest from the border."""
RIVERS = {
    "黄河": ((103.2, 36.0), (103.83, 36.06), (104.2, 36.3), (104.65, 36.57), (104.3, 37.05), (104.95, 37.47), (105.7, 37.5),
           (106.0, 37.88), (106.3, 38.2), (106.52, 38.6), (106.75, 39.1), (106.85, 39.5), (106.72, 40.0), (107.0, 40.3)),
    "清水河": ((106.28, 36.0), (106.15, 36.4), (105.95, 36.9), (105.65, 37.2), (105.55, 37.46)),
}  # fmt: skip
"""Rivers of the scenario's region by a rough course (public knowledge): the water data carries no names."""
RIVER_REACH_M = 25_000.0


def level_of(code: str) -> str:
    """`province`, `city` or `district`, from six digits of GB/T 2260."""
    return next((level for end, level in LEVELS.items() if code.endswith(end)), "district")


def division_features(divisions: Sequence[Division], tolerance_m: float, *, fill: str = "") -> list[Feature]:
    """Borders once each with the highest level they divide, 境界线, and polygons of those whose code begins with `fill`."""
    areas = [division for division in divisions if division.code]
    found = borders(areas, tolerance_m)
    features = [
        _feature(
            "division", _polygons(found.polygon(i)), level=level_of(area.code), code=area.code, name=area.name
        )
        for i, area in enumerate(areas)
        if area.code.startswith(fill) and found.polygon(i)
    ]
    features += _border_lines(found)
    for division in divisions:
        if not division.code:
            lines = [geo.simplify(np.array(line), tolerance_m) for line in division.rings]
            features.append(_feature("border", _lines(lines), level="country", name=division.name))
    return features


def _border_lines(found: Borders) -> list[Feature]:
    """One feature a level: a border of one side only is the coast's or the country's, or the edge of what was asked for."""
    by_level: dict[str, list[Line]] = {}
    for line, codes in zip(found.arcs, found.sides, strict=True):
        if len(codes) > 1:
            by_level.setdefault(_divides(codes), []).append(line)
        elif level_of(codes[0]) == "province":
            by_level.setdefault("country", []).append(line)
    return [_feature("border", _lines(lines), level=level) for level, lines in sorted(by_level.items())]


def _divides(codes: Sequence[str]) -> str:
    if len({code[:2] for code in codes}) > 1:
        return "province"
    return "city" if len({code[:4] for code in codes}) > 1 else "district"


def labels(divisions: Iterable[Division], box: Box | None = None) -> list[Feature]:
    """The name of each division, at a point well inside it; with a box, of those whose point lies in it."""
    found = []
    for division in divisions:
        if not division.code:
            continue
        lon, lat = inner_point(np.array(max(division.rings, key=len)))
        if box is None or sources.within((lon, lat), box):
            found.append(
                _feature(
                    "label",
                    _point(lon, lat),
                    level=level_of(division.code),
                    code=division.code,
                    name=division.name,
                )
            )
    return found


def inner_point(ring: Line) -> tuple[float, float]:
    """The point of a grid over a closed ring that lies inside and farthest from it."""
    (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
    steps = (np.arange(LABEL_GRID) + 0.5) / LABEL_GRID
    lon, lat = np.meshgrid(west + steps * (east - west), south + steps * (north - south))
    points = np.column_stack((lon.ravel(), lat.ravel()))
    inside = points[_inside(points, ring)]
    if not len(inside):
        return float((west + east) / 2), float((south + north) / 2)
    lon_at, lat_at = inside[np.argmax(geo.distances(inside, ring[:: max(1, len(ring) // 400)]))]
    return float(lon_at), float(lat_at)


def _inside(points: Line, ring: Line) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether a ray from each point to the east crosses the ring an odd number of times."""
    (x1, y1), (x2, y2) = ring[:-1].T, ring[1:].T
    rise = np.where(y2 == y1, 1.0, y2 - y1)
    lon, lat = points[:, :1], points[:, 1:]
    crossed = ((y1 > lat) != (y2 > lat)) & (lon < x1 + (lat - y1) * (x2 - x1) / rise)
    return np.asarray(crossed.sum(axis=1) % 2 == 1)


def roads(box: Box, tolerance_m: float, least_m: float) -> list[Feature]:
    """Highways without names or classes, those of at least `least_m`, as one feature."""
    lines = [line for line in chains(sources.highways(box)) if length_m(line) >= least_m]
    return [_feature("road", _lines([geo.simplify(line, tolerance_m) for line in lines]))]


def named_roads(tolerance_m: float) -> list[Feature]:
    """The scenario's roads with class, number and name, one feature a road: as its registry has them."""
    network = build_network()
    by_road: dict[tuple[str, str, str], list[Line]] = {}
    for _, _, numbers in network.chains:
        parts = [network.sections[i] for i in numbers]
        named = next((part for part in parts if part.ref), parts[0])
        key = (named.ref, named.name.split(" ")[0], named.road_class.value)
        by_road.setdefault(key, []).append(geo.simplify(geo.join([part.line for part in parts]), tolerance_m))
    return [
        _feature("road", _lines(lines), ref=ref, name=name, **{"class": road_class})
        for (ref, name, road_class), lines in sorted(by_road.items())
    ]


def towns() -> list[Feature]:
    """The scenario's towns; `rank` 1 the capital, 2 cities, 3 the others."""
    return [
        _feature(
            "place", _point(town.lon, town.lat), name=town.name, rank=1 if i == 0 else 2 if town.ring_m else 3
        )
        for i, town in enumerate(places.TOWNS)
    ]


def waters(box: Box, detail: Literal["i", "l"], tolerance_m: float, least_m: float) -> list[Feature]:
    """Rivers of at least `least_m`, those we know by name apart, and lakes."""
    named: dict[str, list[Line]] = {}
    for line in joined(sources.waters("rivers", detail, box)):
        if length_m(line) >= least_m:
            named.setdefault(river_name(line), []).append(geo.simplify(line, tolerance_m))
    rivers = [
        _feature("river", _lines(lines), **({"name": name} if name else {}))
        for name, lines in sorted(named.items())
    ]
    lakes = [
        _feature("lake", _polygons([geo.simplify(shore, tolerance_m)]))
        for shore in _shores(box, detail, least_m)
    ]
    return rivers + lakes


def _shores(box: Box, detail: Literal["i", "l"], least_m: float) -> list[Line]:
    shores = [_closed(ring) for ring in sources.waters("gshhs", detail, box)]
    return [shore for shore in shores if len(shore) > 3 and length_m(shore) >= least_m]


def _closed(ring: Line) -> Line:
    return ring if np.array_equal(ring[0], ring[-1]) else np.vstack((ring, ring[:1]))


def river_name(line: Line) -> str:
    """The river along whose rough course the whole line lies, most of it closely, or ""."""
    for name, course in RIVERS.items():
        away = geo.distances(line, np.array(course))
        if away.max() <= RIVER_REACH_M and away.mean() <= RIVER_REACH_M / 2:
            return name
    return ""


def _feature(layer: str, geometry: dict[str, Any], **properties: Any) -> Feature:
    return {"type": "Feature", "properties": {"layer": layer, **properties}, "geometry": geometry}


def _point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": _rounded(np.array([[lon, lat]]))[0]}


def _lines(lines: Sequence[Line]) -> dict[str, Any]:
    return {"type": "MultiLineString", "coordinates": [_rounded(line) for line in lines]}


def _polygons(rings: Sequence[Line]) -> dict[str, Any]:
    """Every ring a polygon of its own: the boundary data has no holes but enclaves, which lie on top with their own name."""
    return {"type": "MultiPolygon", "coordinates": [[_rounded(ring)] for ring in rings]}


def _rounded(line: Line) -> list[list[float]]:
    """To 0.0001 degree, 11 m at most: finer than any source."""
    return [[round(float(lon), 4), round(float(lat), 4)] for lon, lat in line]


def coarser(feature: Feature) -> Feature:
    """The feature with coordinates to 0.01 degree, about a kilometre: a third smaller, enough where a pixel is more."""
    shape = feature["geometry"]
    return {**feature, "geometry": {**shape, "coordinates": _to_hundredths(shape["coordinates"])}}


def _to_hundredths(part: Any) -> Any:
    return [_to_hundredths(inner) for inner in part] if isinstance(part, list) else round(part, 2)
