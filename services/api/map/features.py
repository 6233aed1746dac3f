"""What the map's paths share: a collection of features, its ETag by the registry's version, and how fine a zoom needs a line."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi import Request, Response

from services.store.scope import View

GEOJSON = "application/geo+json"
TILE_PX = 512
MOST_ZOOM = 22.0


def pixel_deg(zoom: float) -> float:
    """Degrees of longitude a pixel at a zoom of MapLibre (tiles of 512 pixels)."""
    return float(360.0 / (TILE_PX * 2.0**zoom))


def tolerance_deg(zoom: float) -> float:
    """Half a pixel; 0 where the map is finer than any line: the line is not simplified."""
    return pixel_deg(zoom) / 2 if zoom < 17 else 0.0


def etag_of(version: int, view: View, request: Request) -> str:
    """The registry's version, and what of it was asked for: it is the same answer while both are."""
    asked = repr((view, sorted(request.query_params.multi_items()), request.url.path))
    return f'"{version}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"'


def headers_of(etag: str) -> dict[str, str]:
    """To be kept by one person's browser and asked for anew with If-None-Match."""
    return {"etag": etag, "cache-control": "private, no-cache", "vary": "Authorization, Cookie"}


def unchanged(request: Request, etag: str) -> Response | None:
    """304 where the client has it."""
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers_of(etag))
    return None


def feature(geometry: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A feature of a geometry that is GeoJSON text already."""
    return {
        "type": "Feature",
        "geometry": msgspec.Raw(geometry.encode()),
        "properties": dict(properties),
    }


def collection(features: Sequence[dict[str, Any]], limit: int, etag: str) -> Response:
    """At most `limit` features; one more than that says that there are more."""
    body = {
        "type": "FeatureCollection",
        "features": features[:limit],
        "truncated": len(features) > limit,
    }
    return Response(msgspec.json.encode(body), media_type=GEOJSON, headers=headers_of(etag))
