"""MF-JSON Prism (OGC 19-045r3): a MovingPoint with its moments, speed and heading as temporal properties with moments of their own.

Temporal properties have no nulls: a value that is absent has no moment there.
"""

from collections.abc import AsyncIterator

import msgspec

from services.api.history.formats.base import Format, Head, Pages, Rows, tenths
from services.api.history.formats.geojson import coordinates
from services.contracts.alert import iso
from services.store.times import to_ms

MEASURES = (
    ("speed", "speed", "KMH"),
    ("recorder_speed", "recorder_speed", "KMH"),
    ("heading", "heading", "DEG"),
)
"""Name, column of the row, unit of measure (UN/ECE code)."""
CRS = b'{"type":"Name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}}'
TRS = b'{"type":"Name","properties":{"name":"urn:ogc:data:time:iso8601"}}'


async def write(head: Head, pages: Pages) -> AsyncIterator[bytes]:
    """The document in pieces; coordinates first, since moments are kept as text until these are out."""
    moments, count = Moments(), 0
    yield b'{"type":"Feature","crs":%s,"trs":%s' % (CRS, TRS)
    async for rows in pages:
        opening = b',"temporalGeometry":{"type":"MovingPoint","coordinates":['
        yield (b"," if count else opening) + coordinates(rows)
        moments.add(rows)
        count += len(rows)
    if count:
        yield b'],"datetimes":[' + ",".join(moments.all).encode() + b'],"interpolation":"Linear"}'
    else:
        yield b',"temporalGeometry":null'
    yield b',"temporalProperties":['
    for place, piece in enumerate(moments.properties()):
        yield (b"," if place else b"") + piece
    properties = {"vehicle": head.vehicle, "plate": head.plate, "period": head.period, "positions": count}
    if head.simplified_m is not None:
        properties |= {"simplified_m": head.simplified_m, "note": head.note}
    yield b'],"geometry":null,"properties":' + msgspec.json.encode(properties) + b"}"


class Moments:
    """Moments and values, kept as text until the coordinates are out."""

    def __init__(self) -> None:
        """Empty."""
        self.all: list[str] = []
        self._measures: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name, _, _ in MEASURES}

    def add(self, rows: Rows) -> None:
        """A page."""
        texts = [f'"{iso(to_ms(row["at"]))}"' for row in rows]
        self.all.append(",".join(texts))
        for name, column, unit in MEASURES:
            there = [
                (text, row[column]) for text, row in zip(texts, rows, strict=True) if row[column] is not None
            ]
            if there:
                moments, values = self._measures[name]
                moments.append(",".join(text for text, _ in there))
                values.append(",".join(tenths(value) if unit == "KMH" else str(value) for _, value in there))

    def properties(self) -> list[bytes]:
        """The temporal properties that have values."""
        return [
            f'{{"datetimes":[{",".join(moments)}],"{name}":{{"type":"Measure","form":"{unit}",'
            f'"values":[{",".join(values)}],"interpolation":"{"Step" if unit == "DEG" else "Linear"}"}}}}'.encode()
            for name, _, unit in MEASURES
            for moments, values in (self._measures[name],)
            if moments
        ]


MFJSON = Format("mfjson", "application/mf+json", "", write)
