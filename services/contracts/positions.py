"""Positions files (interfaces section 2) to reports as they stand on the wire: JSON Lines, or CSV whose header uses the report's field names.

Nothing is judged here: what a file says wrongly leaves as a report that says it wrongly, so that one place gives every fault its
reason code. Bytes that are no UTF-8, `NaN`, text for a number and lines that are no row all pass through recognisably.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import IO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

NUMBERS = (
    "v",
    "lon",
    "lat",
    "speed_kmh",
    "recorder_speed_kmh",
    "heading",
    "altitude_m",
    "odometer_km",
    "satellites",
)
SWITCHES = ("fixed", "acc", "in_service", "pupils", "backfill")
TEXTS = ("terminal", "load", "driver", "datum")
LISTS = ("doors", "alarms")
TIME = "time"

BOM = b"\xef\xbb\xbf"
JSON_NAMES = (".jsonl", ".ndjson", ".json")
MOST_LINES = 16
"""A quoted value may run over so many lines; a quote that is not closed within them spoils its own line only."""
JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
WITHOUT_OFFSET = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?", re.ASCII)
OFFSET = re.compile(r"[+-](?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
BOOLEANS = {"true": "true", "1": "true", "false": "false", "0": "false"}

Zone = Callable[[str], str]
"""Completes a time that has no offset; other texts stay as they are."""


class UnreadableFile(OSError):
    """What was given is no positions file; says why. To a caller it is a file that cannot be read, like any other."""


class UnknownZone(ValueError):
    """`--tz` is neither an offset nor a name of a time zone: wrong usage, whatever the file holds."""


def parse_zone(tz: str | None) -> Zone:
    """How times without an offset are completed: `+08:00`, `Z`, or a name such as `Europe/London`; None: not at all.

    Raises:
        UnknownZone: says what is expected.
    """
    if tz is None:
        return lambda text: text
    if tz.upper() in {"Z", "UTC"}:
        return lambda text: text + "Z" if WITHOUT_OFFSET.fullmatch(text) else text
    if OFFSET.fullmatch(tz):
        return lambda text: text + tz if WITHOUT_OFFSET.fullmatch(text) else text
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(
            f"time zone {tz!r}: expected an offset such as +08:00, Z, or a name such as Asia/Shanghai"
        ) from error
    return lambda text: _in_zone(text, zone)


def _in_zone(text: str, zone: ZoneInfo) -> str:
    if not WITHOUT_OFFSET.fullmatch(text):
        return text
    try:
        moment = datetime.fromisoformat(text[:19].upper()).replace(tzinfo=zone)
    except ValueError:
        return text  # no such day or hour: the report's check will say so
    minutes = round((moment.utcoffset() or timedelta()) / timedelta(minutes=1))
    return f"{text}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def reports(
    stream: IO[bytes], *, renames: Mapping[str, str] | None = None, tz: str | None = None, name: str = ""
) -> Iterator[bytes]:
    """Each row of a file as the bytes of a report, in the file's order; blank lines are none.

    Args:
        stream: the file's bytes, unpacked.
        renames: their name to our name; a column that is renamed stands before one that bears our name already.
        tz: zone of times without an offset, see `parse_zone`.
        name: the file's name; its extension tells JSON Lines where the first byte does not.

    Raises:
        UnreadableFile: the header of a CSV has none of the fields, or `tz` is no zone.
    """
    zone, renames = parse_zone(tz), dict(renames or {})
    lines = (line for line in _without_bom(stream) if line.strip())
    first = next(lines, None)
    if first is None:
        return
    base = name.lower().removesuffix(".gz")
    if first.lstrip()[:1] == b"{" or base.endswith(JSON_NAMES):
        for line in chain([first], lines):
            yield _renamed(line, renames, zone) if renames or tz else line.rstrip(b"\r\n")
    else:
        yield from _csv(chain([first], lines), renames, zone)


def _without_bom(stream: IO[bytes]) -> Iterator[bytes]:
    lines = iter(stream)
    for first in lines:
        yield first.removeprefix(BOM)
        break
    yield from lines


def _renamed(line: bytes, renames: Mapping[str, str], zone: Zone) -> bytes:
    """A JSON line with our names and complete times; one that is no object stays as it is."""
    line = line.rstrip(b"\r\n")
    names: list[str] = []

    def pairs(found: list[tuple[str, object]]) -> None:
        names[:] = [name for name, _ in found]  # the outermost object is told last

    try:
        values = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        if line.count(b'":') != len(values):
            json.loads(line, object_pairs_hook=pairs)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return line
    taken = {renames[name] for name in values if name in renames}
    ours = {
        renames.get(name, name): bytes(raw)
        for name, raw in values.items()
        if name in renames or name not in taken
    }
    if TIME in ours and ours[TIME].startswith(b'"'):
        try:
            ours[TIME] = json.dumps(zone(json.loads(ours[TIME]))).encode()
        except ValueError:
            return line
    doubled = [
        (renames.get(name, name), ours.get(renames.get(name, name), b"null"))
        for name in names
        if names.count(name) > 1
    ]
    fields = [json.dumps(name).encode() + b":" + raw for name, raw in chain(ours.items(), doubled[1:])]
    return b"{" + b",".join(fields) + b"}"


def _csv(lines: Iterator[bytes], renames: Mapping[str, str], zone: Zone) -> Iterator[bytes]:
    feed: list[str] = []
    reader = csv.reader(iter(feed.pop, None), skipinitialspace=True)
    writers: list[tuple[int, str, Callable[[str], str]]] | None = None
    width = 0
    for text, whole in _rows(lines):
        row: list[str] | None = None
        if whole:
            feed.append(text)
            try:
                row = next(reader)
            except (
                csv.Error,
                IndexError,
            ):  # a value beyond the module's limit, a stray carriage return, a quote left open
                row = None
        if writers is None:
            header = [cell.strip() for cell in row or []]
            width, writers = len(header), _writers(header, renames, zone)
            if not writers:
                raise UnreadableFile(
                    f"the header {','.join(header)[:200]!r} names none of the fields of a report (terminal, time, lon, lat, ...);"
                    " rename with --map their_name=our_name"
                )
        elif row is None or any(row[width:]):
            yield text.strip("\r\n").encode("utf-8", "surrogateescape")
        else:
            count = len(row)
            cells = [key + write(row[place]) for place, key, write in writers if place < count and row[place]]
            yield ("{" + ",".join(cells) + "}").encode("utf-8", "surrogateescape")


def _rows(lines: Iterator[bytes]) -> Iterator[tuple[str, bool]]:
    """Rows as text, and whether their quotes are closed; bytes that are no UTF-8 are kept by surrogate escapes."""
    waiting: list[str] = []
    while True:
        text = waiting.pop(0) if waiting else _text(next(lines, None))
        if text is None:
            return
        if text.count('"') % 2 == 0:
            yield text, True
            continue
        more: list[str] = []
        quotes = text.count('"')
        while quotes % 2 and len(more) < MOST_LINES:
            following = waiting.pop(0) if waiting else _text(next(lines, None))
            if following is None:
                break
            more.append(following)
            quotes += following.count('"')
        if quotes % 2:
            waiting = more + waiting
            yield text, False
        else:
            yield text + "".join(more), True


def _text(line: bytes | None) -> str | None:
    return None if line is None else line.decode("utf-8", "surrogateescape")


def _writers(
    header: list[str], renames: Mapping[str, str], zone: Zone
) -> list[tuple[int, str, Callable[[str], str]]]:
    """For each column that is a field: its place, its JSON key and how its cells are written."""
    taken = {renames[cell] for cell in header if cell in renames}
    kinds: dict[str, Callable[[str], str]] = {
        TIME: lambda cell: _quoted(zone(cell.strip())),
        **dict.fromkeys(NUMBERS, _number),
        **dict.fromkeys(SWITCHES, _switch),
        **dict.fromkeys(TEXTS, _quoted),
        **dict.fromkeys(LISTS, _list),
    }
    return [
        (place, f'"{ours}":', kinds[ours])
        for place, cell in enumerate(header)
        if (ours := renames.get(cell, cell)) in kinds and (cell in renames or ours not in taken)
    ]


def _quoted(cell: str) -> str:
    return json.dumps(cell, ensure_ascii=False)


def _number(cell: str) -> str:
    cell = cell.strip()
    if JSON_NUMBER.fullmatch(cell):
        return cell
    return "NaN" if NOT_FINITE.fullmatch(cell) else _quoted(cell)


def _switch(cell: str) -> str:
    return BOOLEANS.get(cell.strip().lower()) or _quoted(cell)


def _list(cell: str) -> str:
    return json.dumps([part.strip() for part in cell.split("|")], ensure_ascii=False)
