"""JSON reports (interfaces section 1) to columns: whole batches by a typed, strict decoder; a bad record alone is looked at closely.

Every record is decoded by itself, so two malformed ones can never pass as one good one and a bad one never fails its batch. Joining a
batch for one call of the decoder was tried and gains nothing at this size of record. What the decoder does not see - doubled keys,
depth and bytes in fields it skips, integers beyond 64 bits - is looked for in the whole batch at once; only records of a batch that
shows something are looked at one by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.ingest.protocols.json_faults import (
    LISTS,
    MOST_BYTES,
    MOST_DEPTH,
    NUMBERS,
    SWITCHES,
    TEXTS,
    VERSION,
    classify,
)

QUOTE, COLON, SPACE = ord('"'), ord(":"), ord(" ")
MOST_EXACT = 2.0**63


class Report(msgspec.Struct, gc=False):
    """One report as its sender wrote it; None is absent or null."""

    terminal: str
    time: str
    lon: float | None = None  # absent, it may still carry an alarm: `checks` decides
    lat: float | None = None
    v: int | None = None
    speed_kmh: float | None = None
    recorder_speed_kmh: float | None = None
    heading: float | None = None
    altitude_m: float | None = None
    odometer_km: float | None = None
    satellites: float | None = None
    fixed: bool | None = None
    acc: bool | None = None
    in_service: bool | None = None
    load: str | None = None
    doors: tuple[str, ...] | None = None
    pupils: bool | None = None
    alarms: tuple[str, ...] | None = None
    driver: str | None = None
    datum: str | None = None
    backfill: bool | None = None


FIELDS = Report.__struct_fields__
NUMERIC = frozenset((*NUMBERS, *SWITCHES))
_DECODE = msgspec.json.Decoder(Report).decode
_REFUSED = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_ROW = attrgetter(*FIELDS)

Texts = tuple[str | None, ...]
Lists = tuple[tuple[str, ...] | None, ...]
Column = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch of values holds.

    Attributes:
        index: places of the readable records in the batch, ascending.
        numbers: float64 columns over the readable records, NaN where absent; switches are 0.0, 1.0 or NaN.
        texts: `terminal`, `time`, `load`, `driver`, `datum` over the readable records.
        lists: `doors` and `alarms` over the readable records.
        bad: (place, reason code) of the others, ascending.
    """

    index: NDArray[np.int64]
    numbers: dict[str, NDArray[np.float64]]
    texts: dict[str, Texts]
    lists: dict[str, Lists]
    bad: list[tuple[int, str]]


def decode(values: Sequence[bytes | None]) -> Decoded:
    """Read every record; none raises, each is either readable or has one code."""
    reports, bad = _read(values)
    faults = dict(bad)
    good = [value for place, value in enumerate(values) if place not in faults] if bad else values
    columns = _columns(reports)
    numbers = _numbers(columns)
    suspects = _suspects(good, columns, numbers)  # type: ignore[arg-type] # None is among the bad
    index = np.arange(len(values), dtype=np.int64)
    if bad:
        index = np.delete(index, [place for place, _ in bad])
    found = [(place, code) for place in suspects if (code := classify(good[place])) is not None]
    if found:
        drop = [place for place, _ in found]
        bad = sorted(bad + [(int(index[place]), code) for place, code in found])
        keep = np.ones(len(reports), bool)
        keep[drop] = False
        reports = [reports[place] for place in np.flatnonzero(keep).tolist()]
        index, columns = index[keep], _columns(reports)
        numbers = _numbers(columns)
    return Decoded(
        index,
        numbers,
        {name: columns[name] for name in TEXTS},  # type: ignore[misc]
        {name: columns[name] for name in LISTS},  # type: ignore[misc]
        bad,
    )


def _read(values: Sequence[bytes | None]) -> tuple[list[Report], list[tuple[int, str]]]:
    """The reports that the decoder takes, and the codes of the records it refuses or must not see."""
    bad: list[tuple[int, str]] = []
    for place, value in enumerate(values) if _outsized(values) else ():
        if value is None or not 0 < len(value) <= MOST_BYTES:
            bad.append((place, "EMPTY" if not value else "SIZE"))
    outsized = {place for place, _ in bad}
    places = [place for place in range(len(values)) if place not in outsized] if bad else None
    rest: Iterator[bytes | None] = iter([values[place] for place in places] if places is not None else values)
    reports: list[Report] = []
    refused = 0
    while True:
        try:
            reports.extend(map(_DECODE, rest))  # type: ignore[arg-type]
        except _REFUSED:
            at = len(reports) + refused
            place = at if places is None else places[at]
            bad.append((place, classify(values[place]) or "TYPE"))
            refused += 1
        else:
            return reports, sorted(bad)


def _outsized(values: Sequence[bytes | None]) -> bool:
    try:
        sizes = list(map(len, values))  # type: ignore[arg-type]
    except TypeError:  # a tombstone among them
        return True
    return bool(sizes) and (max(sizes) > MOST_BYTES or min(sizes) == 0)


def _columns(reports: list[Report]) -> dict[str, Column]:
    if not reports:
        return dict.fromkeys(FIELDS, ())
    return dict(zip(FIELDS, zip(*map(_ROW, reports), strict=True), strict=True))


def _numbers(columns: dict[str, Column]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array(columns[name], np.float64) for name in (*NUMBERS, *SWITCHES)}


def _suspects(
    values: Sequence[bytes], columns: dict[str, Column], numbers: dict[str, NDArray[np.float64]]
) -> list[int]:
    """Places of readable records that need the exact look; usually none."""
    suspects = {
        place for place, version in enumerate(columns["v"]) if version != VERSION and version is not None
    }
    for name in NUMBERS:
        column = numbers[name]
        if len(column) and (np.fmax.reduce(column) >= MOST_EXACT or np.fmin.reduce(column) <= -MOST_EXACT):
            suspects.update(np.flatnonzero(np.abs(column) >= MOST_EXACT).tolist())
    joined = b"\n".join(values)
    present = {name: _present(columns[name], numbers.get(name)) for name in FIELDS}
    keys, spaced = _colons(joined)
    if keys != sum(present.values()) or spaced:
        suspects.update(_perhaps_doubled(values, columns))
    brackets = joined.count(b"[") + joined.count(b"{")
    if brackets != len(values) + sum(present[name] for name in LISTS):
        suspects.update(_many_brackets(values))
    if not joined.isascii():
        suspects.update(_not_utf8(values, joined))
    return sorted(suspects)


def _present(column: Column, numbers: NDArray[np.float64] | None) -> int:
    """How many of a column are not None."""
    if numbers is not None:
        return len(numbers) - int(np.count_nonzero(np.isnan(numbers)))
    return len(column) - column.count(None)


def _colons(text: bytes) -> tuple[int, bool]:
    """How many colons stand behind a quote, and whether one stands behind a space."""
    signs = np.frombuffer(text, np.uint8)
    before = signs[:-1][signs[1:] == COLON]
    return int(np.count_nonzero(before == QUOTE)), bool((before <= SPACE).any())


def _perhaps_doubled(values: Sequence[bytes], columns: dict[str, Column]) -> list[int]:
    """Records whose count of `":` is not that of the fields they filled.

    A record has a key for each field present, so one with a field twice has more, unless space stands before some colon. The look
    itself decides; unknown and null fields bring harmless records here too.
    """
    rows = zip(*(columns[name] for name in FIELDS), strict=True)
    return [
        place
        for place, (value, row) in enumerate(zip(values, rows, strict=True))
        if _colons(value) != (len(FIELDS) - row.count(None), False)
    ]


def _many_brackets(values: Sequence[bytes]) -> list[int]:
    return [place for place, value in enumerate(values) if value.count(b"[") + value.count(b"{") > MOST_DEPTH]


def _not_utf8(values: Sequence[bytes], joined: bytes) -> list[int]:
    """Records that are not UTF-8; the decoder does not look into the fields that it skips."""
    if _is_utf8(joined):
        return []
    return [place for place, value in enumerate(values) if not _is_utf8(value)]


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
