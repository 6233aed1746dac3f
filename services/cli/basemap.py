"""`roadwatch basemap`: the console's offline map, made from the map packages of the dependency group `demo` (docs/console-map.md)."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import run_typer
from services.simulator.basemap import files
from services.simulator.basemap.layers import LAYERS, Feature
from services.simulator.sources import MissingMapError

FAILED, REFUSED = 1, 3


def basemap(
    out: Annotated[Path, typer.Argument(help="folder of the map files 输出目录")],
    region: Annotated[
        str, typer.Option(help="GB/T 2260: two digits of a province or four of a city 省(两位)或市(四位)代码")
    ] = files.NINGXIA,
    add: Annotated[
        list[Path] | None, typer.Option(help="GeoJSON of your own: roads, names … 自有图层,可重复")
    ] = None,
) -> None:
    """Make the console's offline map. 生成离线底图。"""
    try:
        own = [feature for path in add or [] for feature in own_features(path)]
        sizes = files.write(out, files.find_region(region), own)
    except (MissingMapError, OSError) as error:
        sys.stderr.write(f"roadwatch basemap: {error}\n")
        raise typer.Exit(FAILED) from error
    except ValueError as error:
        sys.stderr.write(f"roadwatch basemap: {error}\n")
        raise typer.Exit(REFUSED) from error
    for name, size in sizes.items():
        sys.stderr.write(f"{out / name}  {size / 1000:.0f} kB\n")


def own_features(path: Path) -> list[Feature]:
    """The features of an operator's file, each with a `layer` the console knows.

    Raises:
        ValueError: no GeoJSON, or a feature of no known layer; says where.
    """
    try:
        features: list[Feature] = json.loads(path.read_text(encoding="utf-8"))["features"]
        found = [(feature["properties"] or {}).get("layer") for feature in features]
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected a GeoJSON FeatureCollection ({error!r})") from error
    for i, layer in enumerate(found):
        if layer not in LAYERS:
            raise ValueError(
                f"{path}: features/{i}/properties/layer is {layer!r}; expected one of {', '.join(LAYERS)}"
            )
    return features


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(basemap, "roadwatch basemap", arguments)
