"""Columns of checked reports to packed fixes: units, sentinels, the status and alarm words, and the flags that come with them.

Numbers are kept half up (interfaces section 5). What was written in decimal decides: 0.25 is not exactly representable times ten in
every neighbour of it, so a hair is added before rounding, far below any digit that travels.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.contracts.fix import (
    ALARM_BITS,
    DOORS,
    DRIVER_CARD_REMOVED,
    DRIVER_NO_NEWS,
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
from services.contracts.reasons import FLAG_BITS, NOT_FIXED, PLACE_UNUSABLE, SPEED_IMPLAUSIBLE
from services.contracts.registry import normal_driver
from services.ingest.checks import Checked
from services.ingest.protocols.json_report import Decoded

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLAUSIBLE_TENTHS = 1600  # GB/T 35658's range ends at 160 km/h
CONFLICT_TENTHS = 300
"""GNSS and recorder speed so far apart contradict each other; smaller gaps are delay."""
LOWEST_M, HIGHEST_M = -500, 9000
MOST_ODOMETER_KM = 4_000_000
MOST_SATELLITES = 64
FULL_CIRCLE = 360
LONGEST_DRIVER = 64
MOST_REMEMBERED = 4096
SWITCHES = (
    ("acc", STATUS_ACC_KNOWN),
    ("in_service", STATUS_SERVICE_KNOWN),
    ("pupils", STATUS_PUPILS_KNOWN),
    ("backfill", STATUS_BACKFILL_KNOWN),
)
"""The bit after that of "known" is the switch itself."""


def half_up(values: Floats, factor: float, hair: float, absent: int) -> Ints:
    """`values * factor`, rounded half up; `absent` where NaN."""
    whole = np.floor(values * factor + (0.5 + hair))
    return np.where(np.isnan(whole), absent, whole).astype(np.int64)


def pack(decoded: Decoded, checked: Checked, passed: Ints, received_ms: Ints | None, offsets: Ints) -> Fixes:
    """Fixes of the records that passed, in their order; drivers are still 0 (see `driver_numbers`)."""
    everyone = len(passed) == len(decoded.index)

    def number(name: str) -> Floats:
        return decoded.numbers[name] if everyone else decoded.numbers[name][passed]

    fixes = fix_columns(len(passed))
    if not len(passed):
        return fixes
    fixes["vehicle"] = checked.vehicles[passed]
    fixes["time_ms"] = checked.time_ms[passed]
    fixes["received_ms"] = 0 if received_ms is None else received_ms[passed]
    fixes["raw_offset"] = offsets[passed]
    fixes["lon_e7"] = half_up(checked.lon[passed], 1e7, 1e-6, 0)
    fixes["lat_e7"] = half_up(checked.lat[passed], 1e7, 1e-6, 0)
    flags = np.zeros(len(passed), np.int64)
    flags[np.isin(passed, checked.leaps)] |= FLAG_BITS["LEAP_SECOND"]
    _speeds(fixes, flags, number)
    _optional(fixes, flags, number)
    _switches(fixes, flags, number)
    _words(fixes, flags, decoded, None if everyone else passed)
    flags[checked.heard[passed]] |= NOT_FIXED | PLACE_UNUSABLE
    fixes["flags"] = flags
    return fixes


def _speeds(fixes: Fixes, flags: Ints, number: Callable[[str], Floats]) -> None:
    speed = half_up(number("speed_kmh"), 10, 1e-9, NO_U2)
    recorder = half_up(number("recorder_speed_kmh"), 10, 1e-9, NO_U2)
    for tenths in (speed, recorder):
        flags[(tenths > PLAUSIBLE_TENTHS) & (tenths != NO_U2)] |= SPEED_IMPLAUSIBLE
    both = (speed != NO_U2) & (recorder != NO_U2)
    flags[both & (np.abs(speed - recorder) >= CONFLICT_TENTHS)] |= FLAG_BITS["SPEED_CONFLICT"]
    fixes["speed"], fixes["recorder_speed"] = speed, recorder


def _within(values: Floats, low: float, high: float, flag: str, flags: Ints) -> Floats:
    """The values with those out of range dropped and flagged."""
    wrong = (values < low) | (values > high)
    if not wrong.any():
        return values
    flags[wrong] |= FLAG_BITS[flag]
    return np.where(wrong, np.nan, values)


def _optional(fixes: Fixes, flags: Ints, number: Callable[[str], Floats]) -> None:
    """Heading, altitude, odometer, satellites: out of range is flagged and dropped."""
    before_full = float(np.nextafter(FULL_CIRCLE, 0))
    heading = half_up(_within(number("heading"), 0, before_full, "RANGE_COURSE", flags), 1, 1e-9, NO_U2)
    fixes["heading"] = np.where(heading == FULL_CIRCLE, 0, heading)
    altitude = _within(number("altitude_m"), LOWEST_M, HIGHEST_M, "RANGE_ALT", flags)
    fixes["altitude_m"] = half_up(altitude, 1, 1e-9, NO_I2)
    odometer = _within(number("odometer_km"), 0, MOST_ODOMETER_KM, "ODOMETER", flags)
    fixes["odometer_m"] = half_up(odometer, 1000, 1e-5, NO_U4)
    satellites = _within(number("satellites"), 0, MOST_SATELLITES, "SATELLITES", flags)
    fixes["status"] = half_up(satellites, 1, 1e-9, SATELLITES_UNKNOWN) << STATUS_SATELLITES_SHIFT


def _switches(fixes: Fixes, flags: Ints, number: Callable[[str], Floats]) -> None:
    status = fixes["status"].astype(np.int64)
    for name, known in SWITCHES:
        switch = number(name)
        status |= np.where(np.isnan(switch), 0, known + (known << 1) * switch).astype(np.int64)
    flags[number("fixed") == 0] |= NOT_FIXED
    flags[number("backfill") == 1] |= FLAG_BITS["BACKFILL"]
    fixes["status"] = status


class _Words(dict[object, tuple[int, int]]):
    """Word and flag of a value, remembered: a fleet uses few different values, a stranger may use any."""

    def __init__(self, make: Callable[[object], tuple[int, int]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: object) -> tuple[int, int]:
        made = self._make(value)
        if len(self) < MOST_REMEMBERED:
            self[value] = made
        return made


def _load(value: object) -> tuple[int, int]:
    if value is None:
        return 0, 0
    if value in LOADS[1:]:
        return LOADS.index(str(value)) << STATUS_LOAD_SHIFT, 0
    return 0, FLAG_BITS["LOAD_UNKNOWN"]


def _doors(names: object) -> tuple[int, int]:
    if not isinstance(names, tuple):
        return 0, 0
    word = STATUS_DOORS_KNOWN
    for name in set(names).intersection(DOORS):
        word |= 1 << (STATUS_DOORS_SHIFT + DOORS.index(name))
    return word, FLAG_BITS["DOOR_UNKNOWN"] if set(names).difference(DOORS) else 0


def _alarms(names: object) -> tuple[int, int]:
    if not isinstance(names, tuple):
        return 0, 0
    word = sum(ALARM_BITS.get(name, 0) for name in set(names))
    return word, FLAG_BITS["ALARM_UNKNOWN"] if set(names).difference(ALARM_BITS) else 0


def _words(fixes: Fixes, flags: Ints, decoded: Decoded, passed: Ints | None) -> None:
    """The parts of the words that are told by names."""
    for column, make, target in (
        (decoded.texts["load"], _load, "status"),
        (decoded.lists["doors"], _doors, "status"),
        (decoded.lists["alarms"], _alarms, "alarms"),
    ):
        values: Sequence[object] = column if passed is None else [column[place] for place in passed.tolist()]
        words = np.array(list(map(_Words(make).__getitem__, values)), np.int64)
        fixes[target] |= words[:, 0].astype(np.uint32)
        flags |= words[:, 1]


def driver_numbers(
    drivers: Sequence[str | None], known: Callable[[str], int | None]
) -> tuple[NDArray[np.int32], list[int], set[str]]:
    """Surrogates of driver texts, places of codes of wrong shape (dropped), and codes that have no number yet, as `normal_driver` has them.

    A code has 1 to 64 printable characters; "" says that the card was removed, None says nothing.
    """
    count = len(drivers)
    if drivers.count(None) == count:
        return np.zeros(count, np.int32), [], set()
    memo: dict[str | None, int] = {}
    missing: set[str] = set()
    refused: set[str] = set()
    for text in set(drivers):
        code = normal_driver(text or "")
        if text is None or not code:
            memo[text] = DRIVER_NO_NEWS if text is None else DRIVER_CARD_REMOVED
            continue
        number: int | None = DRIVER_NO_NEWS
        if len(code) > LONGEST_DRIVER or not code.isprintable():
            refused.add(text)
        elif (number := known(code)) is None:
            missing.add(code)
        memo[text] = number or DRIVER_NO_NEWS
    numbers = np.fromiter(map(memo.__getitem__, drivers), np.int32, count)
    return (
        numbers,
        [place for place, code in enumerate(drivers) if code in refused] if refused else [],
        missing,
    )
