"""Checks of readable reports: ranges, clock, place, identity; one verdict and one reason each, decided over whole columns.

The first code that applies, in the order of `ORDER`, decides a report that is quarantined or rejected; flags of a report that passes
add up. No state between records and no clock: "now" is the record's own broker time stamp, and a file has none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.fix import (
    ALARM_BITS,
    DOORS,
    DRIVER_CARD_REMOVED,
    LOADS,
    NO_I2,
    NO_U2,
    NO_U4,
    SATELLITES_UNKNOWN,
    STATUS_ACC_KNOWN,
    STATUS_BACKFILL_KNOWN,
    STATUS_DOORS_KNOWN,
    STATUS_DOORS_SHIFT,
    STATUS_LOAD_SHIFT,
    STATUS_PUPILS_KNOWN,
    STATUS_SATELLITES_SHIFT,
    STATUS_SERVICE_KNOWN,
    Fixes,
    fix_columns,
)
from services.contracts.reasons import BY_CODE, FLAG_BITS, NOT_FIXED, SPEED_IMPLAUSIBLE, Verdict
from services.ingest.datum import TO_WGS84
from services.ingest.lookup import VehicleLookup
from services.ingest.protocols.json_faults import unclean
from services.ingest.protocols.times import BAD_TIME, parse_times

Area = tuple[float, float, float, float]
Columns = dict[str, tuple[Any, ...]]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

ORDER = (
    "RANGE_INT", "CTRL_CHAR", "TEXT_LENGTH", "TIME_FORMAT", "RANGE_SPEED", "RANGE_GEO", "SCHEMA", "DATUM", "ZERO_FIX",
    "SWAPPED", "UNIT_GEO", "OUT_OF_COUNTRY", "BAD_CLOCK", "FUTURE", "UNKNOWN_VEHICLE",
)  # fmt: skip
"""Precedence: what makes a report unreadable, then what makes its place, its time or its sender unknown."""

INT64 = 9.3e18
FIRST_TIME_MS = 1_104_537_600_000  # 2005-01-01T00:00:00Z
LAST_TIME_MS = 2_524_608_000_000  # 2050-01-01T00:00:00Z
FUTURE_MS = 60_000
MOST_SPEED_KMH, PLAUSIBLE_TENTHS = 300.0, 1600
SPEED_CONFLICT_TENTHS = 300
LONGEST_TERMINAL, LONGEST_DRIVER = 20, 64
LOWEST_M, HIGHEST_M = -500.0, 9000.0
MOST_ODOMETER_KM = 4_000_000.0
MOST_SATELLITES = 64.0


@dataclass(frozen=True, slots=True)
class Checked:
    """Verdicts over the records of a batch.

    Attributes:
        code: for each record the place in ORDER of what keeps it out, -1 if it passes.
        fixes: the records that pass, in their order; `driver` still 0 where `new_drivers` names the code.
        passed: places of those records.
        drivers: driver texts of the records that pass (None no news, "" card removed).
    """

    code: NDArray[np.int64]
    fixes: Fixes
    passed: NDArray[np.int64]
    drivers: list[str | None]


def numbers(column: tuple[Any, ...]) -> Floats:
    """A column of optional numbers, NaN where absent."""
    return np.array(column, np.float64)


def _constant(column: tuple[Any, ...]) -> bool:
    return column.count(column[0]) == len(column)


def _mapped(column: tuple[Any, ...], one: Callable[[Any], int]) -> NDArray[np.int64]:
    """`one(value)` for each value of a column of few distinct values."""
    if _constant(column):
        return np.full(len(column), one(column[0]), np.int64)
    memo = {value: one(value) for value in set(column)}
    return np.fromiter((memo[value] for value in column), np.int64, len(column))


def tenths(kmh: Floats) -> NDArray[np.int64]:
    """Speeds in 0.1 km/h, half up; NO_U2 where absent."""
    whole = np.floor(kmh * 10 + 0.5)
    # 83.45 * 10 is 834.4999...: what was written decides, not its nearest double
    whole += np.isclose(kmh * 10 - whole, 0.5, rtol=0, atol=1e-9)
    return np.where(np.isnan(kmh), NO_U2, np.nan_to_num(whole)).astype(np.int64)


def check(
    columns: Columns, received_ms: NDArray[np.int64] | None, area: Area, lookup: VehicleLookup
) -> Checked:
    """Judge readable reports column by column."""
    count = len(columns["terminal"])
    code = np.full(count, len(ORDER), np.int64)
    if not count:
        return Checked(code, fix_columns(0), np.zeros(0, np.int64), [])

    def mark(name: str, where: Bools) -> None:
        code[where] = np.minimum(code[where], ORDER.index(name))

    time_ms, leaps = parse_times(columns["time"])
    mark("TIME_FORMAT", time_ms == BAD_TIME)
    lon, lat = _position(columns, mark)
    _place(lon, lat, area, mark)
    _clock(time_ms, received_ms, mark)
    speeds = [_speed(columns[name], mark) for name in ("speed_kmh", "recorder_speed_kmh")]
    mark("SCHEMA", _mapped(columns["v"], lambda value: value not in (None, 1)) > 0)
    for name in ("heading", "altitude_m", "odometer_km", "satellites"):
        if None not in columns[name] or not _constant(columns[name]):
            mark("RANGE_INT", np.abs(np.nan_to_num(numbers(columns[name]))) >= INT64)
    vehicles = lookup.vehicles(columns["terminal"], time_ms)
    unknown = vehicles == 0
    mark("UNKNOWN_VEHICLE", unknown)
    _texts(columns, unknown, mark)
    passed = np.flatnonzero(code == len(ORDER))
    code[passed] = -1
    fixes = fix_columns(count)
    fixes["vehicle"] = vehicles
    fixes["time_ms"] = time_ms
    fixes["received_ms"] = 0 if received_ms is None else received_ms
    fixes["speed"], fixes["recorder_speed"] = (np.minimum(speed, NO_U2) for speed in speeds)
    with np.errstate(invalid="ignore"):
        fixes["lon_e7"], fixes["lat_e7"] = (_e7(degrees) for degrees in (lon, lat))
    fixes["flags"][leaps] |= FLAG_BITS["LEAP_SECOND"]
    _optional(columns, fixes)
    _words(columns, fixes)
    _contradictions(fixes)
    drivers = columns["driver"]
    if len(passed) < count:
        return Checked(code, fixes[passed], passed, [drivers[place] for place in passed.tolist()])
    return Checked(code, fixes, passed, list(drivers))


def _e7(degrees: Floats) -> NDArray[np.int32]:
    kept = np.floor(np.clip(degrees, -200.0, 200.0) * 1e7 + 0.5)
    return kept.astype(np.int64).astype(np.int32)


def _position(columns: Columns, mark: Callable[[str, Bools], None]) -> tuple[Floats, Floats]:
    """Longitude and latitude in WGS-84; positions off the Earth are left for `_place` to name."""
    lon, lat = numbers(columns["lon"]), numbers(columns["lat"])
    mark("RANGE_INT", (np.abs(lon) >= INT64) | (np.abs(lat) >= INT64))
    data = columns["datum"]
    if not (_constant(data) and data[0] in (None, "WGS-84")):
        for datum in set(data) - {None, "WGS-84"}:
            rows = np.array([item == datum for item in data])
            if datum not in TO_WGS84:
                mark("CTRL_CHAR" if unclean(datum) else "DATUM", rows)
                continue
            rows &= (np.abs(lon) <= 180) & (np.abs(lat) <= 90) & ((lon != 0) | (lat != 0))  # noqa: PLR2004
            lon[rows], lat[rows] = TO_WGS84[datum](lon[rows], lat[rows])
    return lon, lat


def _inside(lon: Floats, lat: Floats, area: Area) -> Bools:
    west, south, east, north = area
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _place(lon: Floats, lat: Floats, area: Area, mark: Callable[[str, Bools], None]) -> None:
    inside = _inside(lon, lat, area)
    zero = (lon == 0) & (lat == 0)
    mark("ZERO_FIX", zero)
    outside = ~inside & ~zero
    if not outside.any():
        return
    swapped = outside & _swap_certain(area) & _inside(lat, lon, area)
    mark("SWAPPED", swapped)
    off_earth = outside & ~swapped & ((np.abs(lon) > 180) | (np.abs(lat) > 90))  # noqa: PLR2004
    unit = off_earth & _unit_mistaken(lon, lat, area)
    mark("UNIT_GEO", unit)
    mark("RANGE_GEO", off_earth & ~unit)
    mark("OUT_OF_COUNTRY", outside & ~swapped & ~off_earth)


def _swap_certain(area: Area) -> bool:
    """Whether no longitude of the area can be one of its latitudes, as in China."""
    west, south, east, north = area
    return west > north or east < south


def _unit_mistaken(lon: Floats, lat: Floats, area: Area) -> Bools:
    """Degrees times 10^6 or 10^7, or degrees and minutes written as one number (10613.9 for 106 degrees 13.9 minutes)."""
    scaled = _inside(lon / 1e6, lat / 1e6, area) | _inside(lon / 1e7, lat / 1e7, area)
    return scaled | _inside(_from_minutes(lon), _from_minutes(lat), area)


def _from_minutes(number: Floats) -> Floats:
    degrees = np.trunc(number / 100)
    minutes = number - degrees * 100
    return np.where(np.abs(minutes) < 60, degrees + minutes / 60, np.nan)  # noqa: PLR2004


def _clock(
    time_ms: NDArray[np.int64], received_ms: NDArray[np.int64] | None, mark: Callable[[str, Bools], None]
) -> None:
    known = time_ms != BAD_TIME
    mark("BAD_CLOCK", known & ((time_ms < FIRST_TIME_MS) | (time_ms >= LAST_TIME_MS)))
    if received_ms is not None:
        mark("FUTURE", known & (time_ms > received_ms + FUTURE_MS))


def _speed(column: tuple[Any, ...], mark: Callable[[str, Bools], None]) -> NDArray[np.int64]:
    if column[0] is None and _constant(column):
        return np.full(len(column), NO_U2, np.int64)
    kmh = numbers(column)
    mark("RANGE_INT", np.abs(np.nan_to_num(kmh)) >= INT64)
    mark("RANGE_SPEED", (kmh < 0) | (kmh > MOST_SPEED_KMH))
    return tenths(np.where((kmh < 0) | (kmh > MOST_SPEED_KMH), np.nan, kmh))


def _texts(columns: Columns, unknown: Bools, mark: Callable[[str, Bools], None]) -> None:
    """Lengths and characters of texts; terminals that the registry knows need no look."""
    strange = np.zeros(len(unknown), bool)
    length = np.zeros(len(unknown), bool)
    for place in np.flatnonzero(unknown).tolist():
        terminal = columns["terminal"][place]
        strange[place] = unclean(terminal)
        length[place] = not 1 <= len(terminal) <= LONGEST_TERMINAL
    for name in ("driver", "load"):
        column = columns[name]
        if not (column[0] is None and _constant(column)):
            bad = {text for text in set(column) if text and not text.isprintable() and unclean(text)}
            if bad:
                strange |= np.array([text in bad for text in column])
    for name in ("doors", "alarms"):
        column = columns[name]
        bad_lists = {items for items in set(column) if items and any(unclean(item) for item in items)}
        if bad_lists:
            strange |= np.array([items in bad_lists for items in column])
    mark("CTRL_CHAR", strange)
    mark("TEXT_LENGTH", length)


def _optional(columns: Columns, fixes: Fixes) -> None:
    """Heading, altitude, odometer, satellites: out of range is flagged and dropped."""
    specifications = (
        ("heading", "heading", 0.0, 359.999, "RANGE_COURSE", NO_U2, 1.0),
        ("altitude_m", "altitude_m", LOWEST_M, HIGHEST_M, "RANGE_ALT", NO_I2, 1.0),
        ("odometer_km", "odometer_m", 0.0, MOST_ODOMETER_KM, "ODOMETER", NO_U4, 1000.0),
        ("satellites", "satellites", 0.0, MOST_SATELLITES, "SATELLITES", SATELLITES_UNKNOWN, 1.0),
    )
    for source, target, low, high, flag, absent, factor in specifications:
        column = columns[source]
        if column[0] is None and _constant(column):
            continue
        values = numbers(column)
        bad = (values < low) | (values > high)
        fixes["flags"][bad] |= FLAG_BITS[flag]
        values[bad] = np.nan
        whole = np.where(np.isnan(values), absent, np.nan_to_num(np.floor(values * factor + 0.5))).astype(np.int64)
        if target == "satellites":
            fixes["status"] = (whole << STATUS_SATELLITES_SHIFT).astype(np.uint32)
        else:
            fixes[target] = np.where(whole == 360, 0, whole) if target == "heading" else whole  # noqa: PLR2004


def _words(columns: Columns, fixes: Fixes) -> None:
    """The status and alarm words and the flags that come with them."""
    status = fixes["status"].astype(np.int64)
    for name, known in (
        ("acc", STATUS_ACC_KNOWN),
        ("in_service", STATUS_SERVICE_KNOWN),
        ("pupils", STATUS_PUPILS_KNOWN),
        ("backfill", STATUS_BACKFILL_KNOWN),
    ):
        status |= _mapped(columns[name], lambda value, known=known: 0 if value is None else known | (known << 1) * value)  # type: ignore[misc]
    flags = fixes["flags"].astype(np.int64)
    flags |= _mapped(columns["fixed"], lambda value: NOT_FIXED if value is False else 0)
    flags |= _mapped(columns["backfill"], lambda value: FLAG_BITS["BACKFILL"] if value else 0)
    flags |= _mapped(columns["load"], lambda value: FLAG_BITS["LOAD_UNKNOWN"] if value not in (None, *LOADS[1:]) else 0)
    status |= _mapped(columns["load"], lambda value: LOADS.index(value) << STATUS_LOAD_SHIFT if value in LOADS[1:] else 0)
    status |= _mapped(columns["doors"], _doors)
    flags |= _mapped(columns["doors"], lambda names: FLAG_BITS["DOOR_UNKNOWN"] if set(names or ()) - set(DOORS) else 0)
    flags |= _mapped(columns["alarms"], lambda names: FLAG_BITS["ALARM_UNKNOWN"] if set(names or ()) - ALARM_BITS.keys() else 0)
    alarms = _mapped(columns["alarms"], lambda names: sum(ALARM_BITS.get(name, 0) for name in set(names or ())))
    for speed in ("speed", "recorder_speed"):
        values = fixes[speed]
        flags |= np.where((values > PLAUSIBLE_TENTHS) & (values != NO_U2), SPEED_IMPLAUSIBLE, 0)
    fixes["status"], fixes["flags"], fixes["alarms"] = status, flags, alarms


def _doors(names: tuple[str, ...] | None) -> int:
    if names is None:
        return 0
    return STATUS_DOORS_KNOWN | sum(1 << (STATUS_DOORS_SHIFT + DOORS.index(name)) for name in set(names) & set(DOORS))


def _contradictions(fixes: Fixes) -> None:
    """Two speeds that cannot both be true (reliability catalogue row 39): kept and flagged, no rule leaves the fix out for it."""
    speed, recorder = fixes["speed"].astype(np.int64), fixes["recorder_speed"].astype(np.int64)
    both = (speed != NO_U2) & (recorder != NO_U2)
    fixes["flags"][both & (np.abs(speed - recorder) >= SPEED_CONFLICT_TENTHS)] |= FLAG_BITS["SPEED_CONFLICT"]


def driver_numbers(
    drivers: list[str | None], known: Callable[[str], int | None]
) -> tuple[NDArray[np.int32], NDArray[np.bool_], set[str]]:
    """Surrogates of driver texts (0 no news, -1 card removed), where a code is of wrong shape, and codes not known yet."""
    if not drivers or (drivers[0] is None and drivers.count(None) == len(drivers)):
        return np.zeros(len(drivers), np.int32), np.zeros(len(drivers), bool), set()
    memo: dict[str | None, int] = {None: 0, "": DRIVER_CARD_REMOVED}
    missing: set[str] = set()
    refused: set[str] = set()
    for text in set(drivers) - memo.keys():
        assert text is not None  # noqa: S101 - None stands in memo
        if not 1 <= len(text.strip()) <= LONGEST_DRIVER or not text.isprintable():
            refused.add(text)
            memo[text] = 0
            continue
        number = known(text)
        if number is None:
            missing.add(text)
            number = 0
        memo[text] = number
    result = np.fromiter((memo[text] for text in drivers), np.int32, len(drivers))
    bad = np.array([text in refused for text in drivers]) if refused else np.zeros(len(drivers), bool)
    return result, bad, missing


def verdict_of(code: str) -> Verdict:
    """The verdict of a reason code."""
    return BY_CODE[code].verdict
