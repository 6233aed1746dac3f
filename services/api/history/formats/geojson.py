"""GeoJSON (RFC 7946) in the manner of MF-JSON Trajectory: any GeoJSON tool opens it, times and speeds stand beside the coordinates.

Coordinates go out as they are read; what comes after them in the document waits as text.
"""

from collections.abc import AsyncIterator

import msgspec
import numpy as np

from services.api.history.formats.base import Format, Head, Pages, Rows, degrees, flag_codes, tenths
from services.contracts.alert import iso
from services.contracts.datum import wgs84_to_gcj02
from services.store.times import to_ms

GCJ02_NOTE = "coordinates are GCJ-02, not the WGS-84 that RFC 7946 asks for; 非标准:坐标为 GCJ-02"


async def write(head: Head, pages: Pages) -> AsyncIterator[bytes]:
    """The document in pieces."""
    opening = b'{"type":"Feature",' + (b'"non_standard":"%s",' % GCJ02_NOTE.encode() if head.gcj02 else b"")
    columns = Columns()
    waiting = b""  # a single position is a Point: the first waits until there is another
    async for rows in pages:
        text = coordinates(rows, gcj02=head.gcj02)
        if not columns.count and len(rows) == 1:
            waiting = text
        elif columns.count == 0 or waiting:
            yield opening + b'"geometry":{"type":"LineString","coordinates":['
            yield (waiting + b"," if waiting else b"") + text
            waiting, opening = b"", b""
        else:
            yield b"," + text
        columns.add(rows)
    if waiting:
        yield opening + b'"geometry":{"type":"Point","coordinates":%s}' % waiting
    elif columns.count:
        yield b"]}"
    else:
        yield opening + b'"geometry":null'
    for piece in columns.properties(head):
        yield piece


def coordinates(rows: Rows, *, gcj02: bool = False) -> bytes:
    """`[lon,lat],…`."""
    places = [(row["lon"], row["lat"]) for row in rows]
    if gcj02:
        lon, lat = np.array(places, np.float64).T
        places = list(zip(*(part.tolist() for part in wgs84_to_gcj02(lon, lat)), strict=True))
    return ",".join(f"[{degrees(lon)},{degrees(lat)}]" for lon, lat in places).encode()


class Columns:
    """What stands beside the coordinates, kept as text until they are all out."""

    def __init__(self) -> None:
        """Empty."""
        self.count = 0
        self._columns: dict[str, list[str]] = {
            "datetimes": [],
            "speeds_kmh": [],
            "recorder_speeds_kmh": [],
            "headings": [],
        }
        self._flags: dict[str, list[int]] = {}

    def add(self, rows: Rows) -> None:
        """A page."""
        columns = self._columns
        columns["datetimes"].append(",".join(f'"{iso(to_ms(row["at"]))}"' for row in rows))
        columns["speeds_kmh"].append(",".join(tenths(row["speed"]) for row in rows))
        columns["recorder_speeds_kmh"].append(",".join(tenths(row["recorder_speed"]) for row in rows))
        columns["headings"].append(
            ",".join("null" if row["heading"] is None else str(row["heading"]) for row in rows)
        )
        for place, row in enumerate(rows, self.count):
            for code in flag_codes(row["flags"]) if row["flags"] else ():
                self._flags.setdefault(code, []).append(place)
        self.count += len(rows)

    def properties(self, head: Head) -> list[bytes]:
        """The rest of the document."""
        pieces = [
            b',"properties":{"vehicle":%d,"plate":%s'
            % (head.vehicle, msgspec.json.encode(head.plate or None))
        ]
        if head.gcj02:
            pieces.append(b',"crs":"GCJ-02"')
        if head.simplified_m is not None:
            pieces.append(f',"simplified_m":{head.simplified_m:g}'.encode())
        pieces += [f',"{name}":[{",".join(parts)}]'.encode() for name, parts in self._columns.items()]
        flags = ",".join(f'"{code}":{places}' for code, places in self._flags.items())
        return [*pieces, f',"flags":{{{flags}}}'.encode(), b"}}"]


GEOJSON = Format("geojson", "application/geo+json", "", write)
