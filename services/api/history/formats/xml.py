"""GPX 1.1 and KML 2.2 (gx:Track), written as text piece by piece.

A silence of more than 20 minutes begins a new segment. KML wants all moments of a track before its coordinates, so that a gx:Track holds one
page at most and a gx:MultiTrack joins them. Beside it stand LineStrings for programs that do not know gx:Track; their coordinates wait in a file
once they are more than a megabyte: memory does not grow with the period.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import IO
from xml.sax.saxutils import escape

import asyncpg

from services.api.history.formats.base import GAP_MS, Format, Head, Pages, Rows, degrees, flag_codes, tenths
from services.contracts.alert import iso
from services.store.times import to_ms

GPX_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="Roadwatch" xmlns="http://www.topografix.com/GPX/1/1" xmlns:rw="urn:roadwatch:gpx:1">
<metadata><name>{name}</name><desc>{desc}</desc></metadata>
<trk><name>{name}</name>"""
KML_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2">
<Document><name>{name}</name><description>{desc}</description>
<Placemark><name>{name}</name>"""


LINE_KEPT, COPIED = 1 << 20, 1 << 16


def pieces(rows: Rows, before_ms: int | None) -> Iterator[tuple[bool, Rows]]:
    """Parts of a page without a silence in them; True: a silence goes before the part, or nothing does."""
    start, last_ms, fresh = 0, before_ms, before_ms is None
    for place, row in enumerate(rows):
        at_ms = to_ms(row["at"])
        if last_ms is not None and at_ms - last_ms > GAP_MS:
            if place > start:
                yield fresh, rows[start:place]
            start, fresh = place, True
        last_ms = at_ms
    if len(rows) > start:
        yield fresh, rows[start:]


def words(head: Head) -> dict[str, str]:
    """Name and description, escaped."""
    text = " · ".join(part for part in (head.period, head.note) if part)
    return {"name": escape(head.name), "desc": escape(text)}


async def gpx(head: Head, pages: Pages) -> AsyncIterator[bytes]:
    """The GPX file in pieces; speeds and flags stand in extensions, GPX 1.1 having none of its own."""
    yield GPX_HEAD.format(**words(head)).encode()
    before_ms: int | None = None
    async for rows in pages:
        parts: list[str] = []
        for fresh, part in pieces(rows, before_ms):
            if fresh:
                parts.append("<trkseg>" if before_ms is None and not parts else "</trkseg>\n<trkseg>")
            parts += [_point(row) for row in part]
        before_ms = to_ms(rows[-1]["at"])
        yield "\n".join(parts).encode()
    yield (b"" if before_ms is None else b"</trkseg>") + b"</trk></gpx>\n"


def _point(row: asyncpg.Record) -> str:
    inner = "" if row["altitude_m"] is None else f"<ele>{row['altitude_m']}</ele>"
    inner += f"<time>{iso(to_ms(row['at']))}</time>"
    extra = "".join(
        f"<rw:{name}_kmh>{tenths(row[name])}</rw:{name}_kmh>"
        for name in ("speed", "recorder_speed")
        if row[name] is not None
    )
    extra += "" if row["heading"] is None else f"<rw:heading>{row['heading']}</rw:heading>"
    extra += (
        "".join(f"<rw:flag>{code}</rw:flag>" for code in flag_codes(row["flags"])) if row["flags"] else ""
    )
    inner += f"<extensions>{extra}</extensions>" if extra else ""
    return f'<trkpt lat="{degrees(row["lat"])}" lon="{degrees(row["lon"])}">{inner}</trkpt>'


async def kml(head: Head, pages: Pages) -> AsyncIterator[bytes]:
    """The KML file in pieces: one gx:MultiTrack of gx:Tracks; pages of one ride are joined by repeating the last position; then the lines."""
    yield KML_HEAD.format(**words(head)).encode()
    with tempfile.SpooledTemporaryFile(LINE_KEPT) as file:
        lines = Lines(file)
        async for piece in _tracks(pages, lines):
            yield piece
        yield f"</Placemark>\n<Placemark><name>{escape(head.name)}</name><MultiGeometry>".encode()
        lines.end()
        file.seek(0)
        while text := file.read(COPIED):
            yield text
    yield b"</MultiGeometry></Placemark></Document></kml>\n"


class Lines:
    """A LineString for each ride of two positions or more, written to a file as the positions come."""

    def __init__(self, file: IO[bytes]) -> None:
        """None yet."""
        self._file, self._first, self._is_open = file, "", False

    def add(self, rows: Rows, *, fresh: bool) -> None:
        """Positions; `fresh`: of another ride than those before."""
        places = [f"{degrees(row['lon'])},{degrees(row['lat'])}" for row in rows]
        if fresh:
            self.end()
            self._first, *places = places
        if places and not self._is_open:
            self._file.write(f"<LineString><tessellate>1</tessellate><coordinates>{self._first}".encode())
            self._is_open = True
        if places:
            self._file.write(f" {' '.join(places)}".encode())

    def end(self) -> None:
        """The ride is over."""
        if self._is_open:
            self._file.write(b"</coordinates></LineString>\n")
        self._is_open = False


async def _tracks(pages: Pages, lines: Lines) -> AsyncIterator[bytes]:
    """The tracks, whose places are given to `lines` as well."""
    last: Rows = ()
    async for rows in pages:
        parts = [] if last else ["<gx:MultiTrack><gx:interpolate>0</gx:interpolate>"]
        before_ms = to_ms(last[-1]["at"]) if last else None
        for fresh, part in pieces(rows, before_ms):
            parts.append(_track(part if fresh else [*last, *part]))
            lines.add(part, fresh=fresh)
        last = rows[-1:]
        yield "\n".join(parts).encode()
    yield b"</gx:MultiTrack>" if last else b""


def _track(rows: Rows) -> str:
    whens = "".join(f"<when>{iso(to_ms(row['at']))}</when>" for row in rows)
    coords = "".join(
        f"<gx:coord>{degrees(row['lon'])} {degrees(row['lat'])} {row['altitude_m'] or 0}</gx:coord>"
        for row in rows
    )
    angles = "".join(
        f"<gx:angles>{row['heading']} 0 0</gx:angles>" if row["heading"] is not None else "<gx:angles/>"
        for row in rows
    )
    return (
        f"<gx:Track><altitudeMode>clampToGround</altitudeMode>{whens}{coords}{angles}"
        f"<ExtendedData>{_speeds(rows)}</ExtendedData></gx:Track>"
    )


def _speeds(rows: Rows) -> str:
    values = "".join(f"<gx:value>{tenths(row['speed'], '')}</gx:value>" for row in rows)
    return f'<SchemaData><gx:SimpleArrayData name="speed_kmh">{values}</gx:SimpleArrayData></SchemaData>'


GPX = Format("gpx", "application/gpx+xml", "gpx", gpx)
KML = Format("kml", "application/vnd.google-earth.kml+xml", "kml", kml)
