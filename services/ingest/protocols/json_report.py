"""JSON reports (interfaces section 1) to columns: whole batches by a typed, strict decoder; a bad record alone is looked at closely.

Every record is decoded by itself, so two malformed ones can never pass as one good one and a bad one never fails its batch. The
decoder silently takes the last of doubled keys; a cheap count of keys against fields finds the records worth an exact look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.ingest.protocols.json_faults import classify, has_duplicate

SPACED_COLONS = (b" :", b"\t:", b"\n:", b"\r:")


class Report(msgspec.Struct, gc=False):
    """One report as its sender wrote it; None is absent or null."""

    terminal: str
    time: str
    lon: float
    lat: float
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
_DECODE = msgspec.json.Decoder(Report).decode
_RAW_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch of values holds.

    Attributes:
        index: places of the readable records in the batch.
        columns: for each field of `Report` its values over the readable records.
        bad: (place, reason code) of the others.
    """

    index: NDArray[np.int64]
    columns: dict[str, tuple[Any, ...]]
    bad: list[tuple[int, str]]


def decode(values: Sequence[bytes | None]) -> Decoded:
    """Read every record; none raises."""
    try:
        reports = [_DECODE(value) for value in values]  # type: ignore[arg-type]
        index = np.arange(len(values), dtype=np.int64)
        bad: list[tuple[int, str]] = []
        if max(map(len, values), default=0) > MOST_FAST:  # type: ignore[arg-type]
            return _decode_each(values)
    except (msgspec.MsgspecError, RecursionError, TypeError, UnicodeDecodeError):
        return _decode_each(values)
    return _without_duplicates(values, reports, index, bad)


MOST_FAST = 65_536


def _decode_each(values: Sequence[bytes | None]) -> Decoded:
    reports: list[Report] = []
    index: list[int] = []
    bad: list[tuple[int, str]] = []
    for place, value in enumerate(values):
        if value is None or len(value) > MOST_FAST:
            bad.append((place, classify(value, "")))
            continue
        try:
            reports.append(_DECODE(value))
            index.append(place)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            message = "recursion" if isinstance(error, RecursionError) else str(error)
            bad.append((place, classify(value, message)))
    return _without_duplicates(values, reports, np.array(index, np.int64), bad)


def _without_duplicates(
    values: Sequence[bytes | None], reports: list[Report], index: NDArray[np.int64], bad: list[tuple[int, str]]
) -> Decoded:
    columns = _columns(reports)
    own = [values[place] or b"" for place in index.tolist()] if bad else values
    doubled = _doubled(own, columns)  # type: ignore[arg-type]
    if doubled:
        bad = sorted(bad + [(int(index[place]), "DUP_KEY") for place in doubled])
        keep = np.ones(len(reports), bool)
        keep[doubled] = False
        columns = _columns([report for report, kept in zip(reports, keep.tolist(), strict=True) if kept])
        index = index[keep]
    return Decoded(index, columns, bad)


def _columns(reports: list[Report]) -> dict[str, tuple[Any, ...]]:
    if not reports:
        return {name: () for name in FIELDS}
    return dict(zip(FIELDS, zip(*map(msgspec.structs.astuple, reports), strict=True), strict=True))


def _doubled(values: Sequence[bytes], columns: dict[str, tuple[Any, ...]]) -> list[int]:
    """Places of records in which a known field stands twice.

    A record with as many `":` as fields present has every key once, unless a key is written with space before its colon; those,
    and all that do not tally (unknown or null fields, a `":` inside a text), are looked at by their keys.
    """
    if not values:
        return []
    present = np.zeros(len(values), np.int64)
    for column in columns.values():
        present += 1 if None not in column else np.array([item is not None for item in column])
    keys = np.fromiter((value.count(b'":') for value in values), np.int64, len(values))
    suspects = np.flatnonzero(keys != present).tolist()
    joined = b"\n".join(values)
    if any(spaced in joined for spaced in SPACED_COLONS):
        suspects = list(range(len(values)))
    return [place for place in suspects if _key_twice(values[place], int(keys[place]))]


def _key_twice(value: bytes, keys: int) -> bool:
    if not any(spaced in value for spaced in SPACED_COLONS) and len(_RAW_KEYS(value)) == keys:
        return False
    return has_duplicate(value)
