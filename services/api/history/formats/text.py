"""CSV for spreadsheets: UTF-8 with BOM, CRLF (RFC 4180), and no cell that a spreadsheet would run as a formula."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from zoneinfo import ZoneInfo

from services.api.history.formats.base import Format, Head, Pages, degrees, flag_codes, tenths
from services.contracts.alert import iso
from services.store.times import to_ms

BOM = "\ufeff".encode()
COLUMNS = ("vehicle", "plate", "time", "time_local", "lon", "lat", "speed_kmh", "recorder_speed_kmh", "heading", "altitude_m", "odometer_km", "flags")  # fmt: skip
LOCAL = ZoneInfo("Asia/Shanghai")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guarded(text: str) -> str:
    """A text that a spreadsheet takes as text: an apostrophe goes before what it would run. Numbers of ours are not guarded: -5.2 stays a number."""
    return f"'{text}" if text.startswith(FORMULA) else text


def lines(cells: Iterable[Iterable[object]]) -> bytes:
    """Lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue().encode()


async def write(head: Head, pages: Pages) -> AsyncIterator[bytes]:
    """The file in pieces; where it was simplified, every line says to how many metres."""
    simplified = [] if head.simplified_m is None else [f"{head.simplified_m:g}"]
    yield BOM + lines([[*COLUMNS, *(["simplified_m"] if simplified else [])]])
    plate = guarded(head.plate)
    async for rows in pages:
        yield lines(
            [
                head.vehicle, plate, iso(to_ms(row["at"])), row["at"].astimezone(LOCAL).isoformat(timespec="milliseconds"), degrees(row["lon"]), degrees(row["lat"]), tenths(row["speed"], ""),
                tenths(row["recorder_speed"], ""), row["heading"], row["altitude_m"],
                "" if row["odometer_m"] is None else f"{row['odometer_m'] / 1000:.3f}".rstrip("0").rstrip("."),
                guarded("|".join(flag_codes(row["flags"]))), *simplified,
            ]
            for row in rows
        )  # fmt: skip


CSV = Format("csv", "text/csv", "csv", write)
