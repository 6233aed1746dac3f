"""Lines and areas between the config document's coordinates and PostGIS, exactly: doubles go in and the same doubles come out.

Text forms round (ST_AsGeoJSON to 9 digits), and a document that changes by being stored would be a new version at every import.
"""

import struct
from collections.abc import Sequence

import numpy as np

from services.contracts.registry import Position

HEAD = struct.Struct("<BI")
COUNT = struct.Struct("<I")
LITTLE = 1
LINESTRING, POLYGON, MULTIPOLYGON = 2, 3, 6
WITH_SRID = 0x20000000
SRID = COUNT.pack(4326)

Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]


class NotWkb(ValueError):
    """The bytes are another geometry than the column may hold."""


def line(positions: Sequence[Position]) -> bytes:
    """EWKB of a line."""
    return HEAD.pack(LITTLE, LINESTRING | WITH_SRID) + SRID + _positions(positions)


def multipolygon(polygons: Sequence[Polygon]) -> bytes:
    """EWKB of an area: each polygon its outer ring, then holes."""
    parts = [HEAD.pack(LITTLE, MULTIPOLYGON | WITH_SRID), SRID, COUNT.pack(len(polygons))]
    for polygon in polygons:
        parts += [HEAD.pack(LITTLE, POLYGON), COUNT.pack(len(polygon))]
        parts += [_positions(ring) for ring in polygon]
    return b"".join(parts)


def read_line(wkb: bytes) -> tuple[Position, ...]:
    """The positions of a line, from ST_AsBinary(line, 'NDR').

    Raises:
        NotWkb: it is something else.
    """
    _expect(wkb, 0, LINESTRING)
    return _read_positions(wkb, HEAD.size)[0]


def read_multipolygon(wkb: bytes) -> tuple[Polygon, ...]:
    """The polygons of an area, from ST_AsBinary(area, 'NDR').

    Raises:
        NotWkb: it is something else.
    """
    _expect(wkb, 0, MULTIPOLYGON)
    (count,) = COUNT.unpack_from(wkb, HEAD.size)
    at = HEAD.size + COUNT.size
    polygons = []
    for _ in range(count):
        _expect(wkb, at, POLYGON)
        (ring_count,) = COUNT.unpack_from(wkb, at + HEAD.size)
        at += HEAD.size + COUNT.size
        rings = []
        for _ in range(ring_count):
            ring, at = _read_positions(wkb, at)
            rings.append(ring)
        polygons.append(tuple(rings))
    return tuple(polygons)


def _positions(positions: Sequence[Position]) -> bytes:
    return COUNT.pack(len(positions)) + np.array(positions, "<f8").tobytes()


def _read_positions(wkb: bytes, at: int) -> tuple[Ring, int]:
    (count,) = COUNT.unpack_from(wkb, at)
    pairs = np.frombuffer(wkb, "<f8", 2 * count, at + COUNT.size).reshape(count, 2).tolist()
    return tuple((lon, lat) for lon, lat in pairs), at + COUNT.size + 16 * count


def _expect(wkb: bytes, at: int, kind: int) -> None:
    found = HEAD.unpack_from(wkb, at)
    if found != (LITTLE, kind):
        raise NotWkb(f"expected little-endian geometry {kind}, found {found}")
