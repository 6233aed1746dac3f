"""RFC 3339 times to Unix milliseconds: the usual forms for a whole batch at once, every other form one by one.

An offset is required (interfaces section 1); fractions are kept to the millisecond, half up; a leap second is clamped to :59.999.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

BAD_TIME = np.iinfo(np.int64).min
"""Stands for a text that is no RFC 3339 time with an offset."""

RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
USUAL_LENGTHS = (20, 24, 25, 29)  # ...ssZ, ...ss.mmmZ, ...ss+hh:mm, ...ss.mmm+hh:mm
DAYS_IN_MONTH = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def parse_time(text: str) -> tuple[int, bool] | None:
    """(Unix ms, whether it was a leap second) of one text; None where it is no RFC 3339 time with an offset."""
    match = RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    leap = second == 60
    offset_h, offset_m = int(match[9] or 0), int(match[10] or 0)
    if offset_h > 23 or offset_m > 59:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC)
    except ValueError:
        return None
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    fraction_ms = 999 if leap else _milliseconds(match[7] or "")
    offset_s = (offset_h * 60 + offset_m) * 60 * (-1 if match[8] == "-" else 1)
    return (seconds - offset_s) * 1000 + fraction_ms, leap


def _milliseconds(digits: str) -> int:
    padded = (digits + "0000")[:4]
    return (int(padded) + 5) // 10


def parse_times(texts: Sequence[str]) -> tuple[NDArray[np.int64], list[int]]:
    """Unix ms of each text, BAD_TIME where it is none, and the places of leap seconds."""
    result = np.full(len(texts), BAD_TIME, np.int64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for length in USUAL_LENGTHS:
        rows = np.flatnonzero(lengths == length)
        if len(rows) == 0:
            continue
        chosen = texts if len(rows) == len(texts) else [texts[place] for place in rows.tolist()]
        characters = np.frombuffer("".join(chosen).encode("ascii", "replace"), np.uint8).reshape(-1, length)
        times, good = _usual(characters, length)
        result[rows[good]] = times[good]
    leaps = []
    for place in np.flatnonzero(result == BAD_TIME).tolist():
        parsed = parse_time(texts[place])
        if parsed is not None:
            result[place] = parsed[0]
            if parsed[1]:
                leaps.append(place)
    return result, leaps


def _usual(characters: NDArray[np.uint8], length: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of texts of one of USUAL_LENGTHS, and which of them are good; the others go the slow way."""
    columns = np.ascontiguousarray(characters.T)
    good = np.ones(len(characters), bool)

    def number(*places: int) -> NDArray[np.int64]:
        value = np.zeros(columns.shape[1], np.int64)
        for place in places:
            digit = columns[place] - np.uint8(48)  # wraps above 9 for anything below "0"
            np.logical_and(good, digit <= 9, out=good)
            value = value * 10 + digit
        return value

    for place, sign in ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")):
        np.logical_and(good, columns[place] == ord(sign), out=good)
    year, month, day = number(0, 1, 2, 3), number(5, 6), number(8, 9)
    hour, minute, second = number(11, 12), number(14, 15), number(17, 18)
    milliseconds: NDArray[np.int64] | int = 0
    zone = 19
    if length in (24, 29):
        np.logical_and(good, columns[19] == ord("."), out=good)
        milliseconds, zone = number(20, 21, 22), 23
    if length in (20, 24):
        np.logical_and(good, columns[zone] == ord("Z"), out=good)
        offset_m: NDArray[np.int64] | int = 0
    else:
        sign_of = columns[zone]
        np.logical_and(good, (sign_of == ord("+")) | (sign_of == ord("-")), out=good)
        np.logical_and(good, columns[zone + 3] == ord(":"), out=good)
        offset_hour, offset_minute = number(zone + 1, zone + 2), number(zone + 4, zone + 5)
        np.logical_and(good, (offset_hour <= 23) & (offset_minute <= 59), out=good)
        offset_m = (offset_hour * 60 + offset_minute) * np.where(sign_of == ord("-"), -1, 1)
    good &= _is_date(year, month, day) & (hour <= 23) & (minute <= 59) & (second <= 59)
    days = _days_from_civil(year, month, day)
    return (((days * 24 + hour) * 60 + minute - offset_m) * 60 + second) * 1000 + milliseconds, good


def _is_date(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of them are days of the Gregorian calendar, from year 1 on."""
    leap_year = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last: NDArray[np.int64] = DAYS_IN_MONTH[np.clip(month, 1, 12) - 1] + (leap_year & (month == 2))
    return (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)


def _days_from_civil(
    year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Days since 1970-01-01 of proleptic Gregorian dates (Hinnant, "chrono-compatible low-level date algorithms")."""
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days: NDArray[np.int64] = (
        era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
    )
    return days
