"""Checks of readable reports: texts, ranges, clock, place, identity; one verdict and one reason each, decided over whole columns.

What keeps a report out is the first code that applies to it in the order of `contracts.reasons`: what makes it unreadable before what
makes its place, its time or its sender unknown. No state between records and no clock: "now" is the record's own broker time stamp,
and a file has none. `packing` turns what passes into fixes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.datum import TO_WGS84
from services.contracts.fix import HEARD_ANYWHERE
from services.contracts.reasons import REJECTING
from services.contracts.registry import normal_driver
from services.ingest.lookup import LONGEST_TERMINAL, VehicleLookup
from services.ingest.protocols.json_faults import unclean
from services.ingest.protocols.json_report import Decoded
from services.ingest.protocols.times import BAD_TIME, parse_times

Area = tuple[float, float, float, float]
"""West, south, east, north in WGS-84 degrees, borders included."""
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Times = NDArray[np.int64]
Mark = Callable[[str, Bools], None]

RANK = {code: rank for rank, code in enumerate(REJECTING)}
PASSED = len(REJECTING)
UNUSABLE = [RANK[code] for code in ("MISSING", "ZERO_FIX", "SWAPPED", "UNIT_GEO", "OUT_OF_COUNTRY")]
"""What may be wrong with a place for an alarm to be heard all the same."""

FIRST_TIME_MS = 1_104_537_600_000  # 2005-01-01T00:00:00Z (interfaces section 5)
LAST_TIME_MS = 2_524_608_000_000  # 2050-01-01T00:00:00Z
DAY_MS = 86_400_000
ROLLOVER_DAYS = (
    7_168  # GPS numbers its weeks with ten bits: a receiver that takes the wrong turn is 1,024 weeks behind
)
FUTURE_MS = 60_000  # a terminal's clock may be that much ahead of the broker's
MOST_SPEED_KMH = 300.0
MOST_LON, MOST_LAT = 180.0, 90.0
DEFAULT_DATA = frozenset((None, "WGS-84"))


@dataclass(frozen=True, slots=True)
class Checked:
    """What the columns say, and who passes.

    Attributes:
        rank: for each record the place in `REJECTING` of what keeps it out, PASSED if nothing does.
        vehicles: vehicle ids, 0 unknown.
        time_ms: Unix ms.
        leaps: places of times written with second 60.
        lon, lat: WGS-84 degrees; 0 where `heard`.
        heard: those that pass for their alarm alone, without a usable place.
    """

    rank: NDArray[np.int64]
    vehicles: NDArray[np.int32]
    time_ms: Times
    leaps: list[int]
    lon: Floats
    lat: Floats
    heard: Bools


def check(
    decoded: Decoded, received_ms: Times | None, area: Area, lookup: VehicleLookup, oldest_days: int = 0
) -> Checked:
    """Judge readable reports.

    Args:
        decoded: the reports.
        received_ms: the broker's time stamp of each, None for a file.
        area: the service area.
        lookup: what is known of terminals.
        oldest_days: a time so many days older than its arrival is a wrong clock; 0: not asked.
    """
    numbers, texts = decoded.numbers, decoded.texts
    rank = np.full(len(decoded.index), PASSED, np.int64)

    def mark(code: str, where: Bools) -> None:
        rank[where] = np.minimum(rank[where], RANK[code])

    time_ms, leaps = parse_times(texts["time"])  # type: ignore[arg-type] # required: never None
    vehicles = lookup.vehicles(texts["terminal"], time_ms)  # type: ignore[arg-type]
    _clock(time_ms, received_ms, oldest_days, mark)
    for name in ("speed_kmh", "recorder_speed_kmh"):
        wrong = (numbers[name] < 0) | (numbers[name] > MOST_SPEED_KMH)
        if wrong.any():
            mark("RANGE_SPEED", wrong)
    lon, lat = _position(decoded, mark)
    if not vehicles.all():
        mark("UNKNOWN_VEHICLE", vehicles == 0)
        _terminals(texts["terminal"], np.flatnonzero(vehicles == 0), mark)  # type: ignore[arg-type]
    _characters(decoded, np.flatnonzero(time_ms == BAD_TIME), mark)
    place = _place(lon, lat, area)
    heard = (rank == PASSED) & _heard(decoded, place)
    np.minimum(rank, place, out=rank, where=~heard)
    if heard.any():
        lon, lat = np.where(heard, 0.0, lon), np.where(heard, 0.0, lat)
    return Checked(rank, vehicles, time_ms, leaps, lon, lat, heard)


def _heard(decoded: Decoded, place: NDArray[np.int64]) -> Bools:
    """Reports of a place that cannot be used, or of none, with an alarm that must be heard all the same."""
    alarms = decoded.lists["alarms"]
    heard = np.zeros(len(place), bool)
    for row in np.flatnonzero(np.isin(place, UNUSABLE)).tolist():
        heard[row] = not HEARD_ANYWHERE.isdisjoint(alarms[row] or ())
    return heard


def _clock(time_ms: Times, received_ms: Times | None, oldest_days: int, mark: Mark) -> None:
    unread = time_ms == BAD_TIME
    wrong = (time_ms < FIRST_TIME_MS) | (time_ms >= LAST_TIME_MS)
    if wrong.any():
        mark("TIME_FORMAT", unread)
        mark("BAD_CLOCK", wrong & ~unread)
    if received_ms is not None:
        future = (time_ms > received_ms + FUTURE_MS) & (received_ms > 0)  # a broker without a clock says -1
        if future.any():
            mark("FUTURE", future)
        if oldest_days:
            _age(received_ms - time_ms, oldest_days, (received_ms > 0) & ~unread, mark)


def _age(age_ms: Times, oldest_days: int, asked: Bools, mark: Mark) -> None:
    old = asked & (age_ms > unsuspected_ms(oldest_days))
    if old.any():
        mark("CLOCK_ROLLOVER", old & rolled_over(age_ms))
        mark("BAD_CLOCK", old & (age_ms > oldest_days * DAY_MS))


def rolled_over(behind_ms: Times) -> Bools:
    """Whether a clock that far behind has lost a turn of the week number."""
    return np.abs(behind_ms - ROLLOVER_DAYS * DAY_MS) <= DAY_MS


def unsuspected_ms(oldest_days: int) -> int:
    """How old a time may be for there to be nothing to decide about its age."""
    return min(oldest_days, ROLLOVER_DAYS - 1) * DAY_MS - 1


def _position(decoded: Decoded, mark: Mark) -> tuple[Floats, Floats]:
    """Longitude and latitude in WGS-84; positions off the Earth are left for `_place` to name."""
    lon, lat = decoded.numbers["lon"], decoded.numbers["lat"]
    data = decoded.texts["datum"]
    others = set(data) - DEFAULT_DATA
    if others:
        lon, lat = lon.copy(), lat.copy()
    for datum in others:
        rows = np.array([item == datum for item in data])
        if datum not in TO_WGS84:
            mark("DATUM", rows)
            continue
        rows &= (np.abs(lon) <= MOST_LON) & (np.abs(lat) <= MOST_LAT) & ((lon != 0) | (lat != 0))
        lon[rows], lat[rows] = TO_WGS84[datum](lon[rows], lat[rows])
    return lon, lat


def _inside(lon: Floats, lat: Floats, area: Area) -> Bools:
    west, south, east, north = area
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _place(lon: Floats, lat: Floats, area: Area) -> NDArray[np.int64]:
    """What is wrong with each place, as a rank; PASSED where nothing is."""
    rank = np.full(len(lon), PASSED, np.int64)
    zero = (np.abs(lon) < 5e-8) & (np.abs(lat) < 5e-8)
    outside = ~_inside(lon, lat, area) | zero
    if not outside.any():
        return rank

    def mark(code: str, where: Bools) -> None:
        rank[where] = RANK[code]

    absent = np.isnan(lon) | np.isnan(lat)
    mark("MISSING", absent)
    mark("ZERO_FIX", zero)
    outside &= ~zero & ~absent
    swapped = outside & _swap_certain(area) & _inside(lat, lon, area)
    mark("SWAPPED", swapped)
    off_earth = outside & ~swapped & ((np.abs(lon) > MOST_LON) | (np.abs(lat) > MOST_LAT))
    unit = off_earth & _unit_mistaken(lon, lat, area)
    mark("UNIT_GEO", unit)
    mark("RANGE_GEO", off_earth & ~unit)
    mark("OUT_OF_COUNTRY", outside & ~swapped & ~off_earth)
    return rank


def _swap_certain(area: Area) -> bool:
    """Whether no longitude of the area can be one of its latitudes, as in China."""
    west, south, east, north = area
    return west > north or east < south


def _unit_mistaken(lon: Floats, lat: Floats, area: Area) -> Bools:
    """Degrees times 10^6 or 10^7, or degrees and minutes written as one number (10613.9 for 106 degrees 13.9 minutes).

    Both must be as great as a tenth of a degree would be in that unit, a degree for minutes: 200/91 is no position in any unit.
    """
    least = np.minimum(np.abs(lon), np.abs(lat))
    micro = (least >= 1e5) & _inside(lon / 1e6, lat / 1e6, area)
    tenth_micro = (least >= 1e6) & _inside(lon / 1e7, lat / 1e7, area)
    minutes = (least >= 100) & _inside(_from_minutes(lon), _from_minutes(lat), area)
    return micro | tenth_micro | minutes


def _from_minutes(number: Floats) -> Floats:
    degrees = np.trunc(number / 100)
    minutes = number - degrees * 100
    return np.where(np.abs(minutes) < 60, degrees + minutes / 60, np.nan)


def _terminals(terminals: tuple[str, ...], unknown: NDArray[np.int64], mark: Mark) -> None:
    """Length and characters of terminals; those that the registry knows need no look."""
    where = np.zeros(len(terminals), bool)
    for place in unknown.tolist():
        where[place] = not 1 <= len(terminals[place]) <= LONGEST_TERMINAL
    mark("TEXT_LENGTH", where)
    mark("CTRL_CHAR", _of(unknown, terminals, len(where)))


def _characters(decoded: Decoded, unread: NDArray[np.int64], mark: Mark) -> None:
    """Control and invisible characters in any text; one that could be read as a time has none."""
    count = len(decoded.index)
    if len(unread):
        mark("CTRL_CHAR", _of(unread, decoded.texts["time"], count))  # type: ignore[arg-type]
    for name in ("driver", "load", "datum"):
        column = decoded.texts[name]
        bare = normal_driver if name == "driver" else str
        bad = {text for text in set(column) if text and unclean(bare(text))}
        if bad:
            mark("CTRL_CHAR", np.fromiter((text in bad for text in column), bool, count))
    for name in ("doors", "alarms"):
        lists = decoded.lists[name]
        bad_lists = {items for items in set(lists) if items and any(map(unclean, items))}
        if bad_lists:
            mark("CTRL_CHAR", np.fromiter((items in bad_lists for items in lists), bool, count))


def _of(places: NDArray[np.int64], texts: tuple[str, ...], count: int) -> Bools:
    where = np.zeros(count, bool)
    for place in places.tolist():
        where[place] = unclean(texts[place])
    return where
