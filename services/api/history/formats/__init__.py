"""The formats of a track: one table; `?format=` wins over `Accept`, GeoJSON where neither says anything."""

from services.api.history.formats.base import Format, Head, Pages, Rows
from services.api.history.formats.geojson import GEOJSON
from services.api.history.formats.mfjson import MFJSON
from services.api.history.formats.parquet import PARQUET
from services.api.history.formats.text import CSV
from services.api.history.formats.xml import GPX, KML

__all__ = ["FORMATS", "Format", "Head", "Pages", "Rows", "accepted"]

FORMATS = {entry.name: entry for entry in (GEOJSON, MFJSON, CSV, GPX, KML, PARQUET)}


def accepted(accept: str) -> Format:
    """The format that an `Accept` header likes best; GeoJSON where it names none of ours."""
    best, liked = GEOJSON, 0.0
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        quality = _quality(parameters)
        for entry in FORMATS.values():
            if entry.media_type == media_type and quality > liked:
                best, liked = entry, quality
    return best


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
