"""Plain reports to packed fixes in one compiled pass: the meaning behind `protocols/json_scan`, which reads their bytes.

Each function answers for one group of fields and says no as soon as there is anything to decide: then the report goes the long way,
untouched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.compiled import compiled, inlined
from services.contracts import fix as packed
from services.contracts.fix import Fixes, fix_columns
from services.contracts.reasons import FLAG_BITS, NOT_FIXED, SPEED_IMPLAUSIBLE
from services.ingest.checks import FIRST_TIME_MS, FUTURE_MS, LAST_TIME_MS, Area, unsuspected_ms
from services.ingest.lookup import LONGEST_TERMINAL, VehicleLookup
from services.ingest.packing import (
    CONFLICT_TENTHS,
    HIGHEST_M,
    LONGEST_DRIVER,
    LOWEST_M,
    MOST_ODOMETER_KM,
    MOST_SATELLITES,
    PLAUSIBLE_TENTHS,
)
from services.ingest.protocols.json_scan import (
    ABSENT,
    DECIMALS,
    DIGITS,
    FALSE,
    FIELDS,
    FIRST,
    KIND,
    LAST,
    LIST,
    MANTISSA,
    MOST_KEYS,
    NINE,
    NO_FIELD,
    NUMBER,
    QUOTE,
    SLOTS,
    SPACE,
    TEXT,
    TRUE,
    ZERO,
    At,
    Bytes,
    Ints,
    compiled_words,
    lex,
    same,
)
from services.ingest.protocols.number_scan import NO_STEPS, measured, steps
from services.ingest.protocols.time_scan import usual_time_ms
from services.ingest.tables import ABSENT as NOT_FOUND
from services.ingest.tables import FROM_MS, TO_MS, DriverTable, Table, find, table_of
from services.ingest.tables import NUMBER as NUMBER_OF

VEHICLE = NUMBER_OF

Row = Any
"""One record of FIX; its fields are attributes to compiled code."""


TERMINAL, TIME, LON, LAT, V, LOAD, DRIVER, DATUM, DOORS_AT, ALARMS_AT, FIXED, BACKFILL = (
    FIELDS.index(name)
    for name in (
        "terminal",
        "time",
        "lon",
        "lat",
        "v",
        "load",
        "driver",
        "datum",
        "doors",
        "alarms",
        "fixed",
        "backfill",
    )
)
SPEED, RECORDER, HEADING, ALTITUDE, ODOMETER, SATELLITES = (
    FIELDS.index(name)
    for name in ("speed_kmh", "recorder_speed_kmh", "heading", "altitude_m", "odometer_km", "satellites")
)
ACC, SERVICE, PUPILS = (FIELDS.index(name) for name in ("acc", "in_service", "pupils"))
NEEDED = 1 << TERMINAL | 1 << TIME | 1 << LON | 1 << LAT

WHOLE_DEGREES = 3
SURELY_HEADING = 359
LOAD_WORDS, LOAD_LENGTHS = compiled_words(packed.LOADS)
DOOR_WORDS, DOOR_LENGTHS = compiled_words(packed.DOORS)
ALARM_WORDS, ALARM_LENGTHS = compiled_words(packed.ALARMS)
DATUM_WORDS, DATUM_LENGTHS = compiled_words(("WGS-84",))
CARD_REMOVED = packed.DRIVER_CARD_REMOVED
NEVER = np.zeros(0, np.int64)
ANY_AGE_MS = 1 << 62
NOBODY = table_of(())
CONFLICT, BACKFILLED = FLAG_BITS["SPEED_CONFLICT"], FLAG_BITS["BACKFILL"]
SWITCH_BITS = np.array(
    [
        [ACC, packed.STATUS_ACC_KNOWN],
        [SERVICE, packed.STATUS_SERVICE_KNOWN],
        [PUPILS, packed.STATUS_PUPILS_KNOWN],
        [BACKFILL, packed.STATUS_BACKFILL_KNOWN],
    ],
    np.int64,
)
STATUS_DOORS_KNOWN, STATUS_DOORS_SHIFT = packed.STATUS_DOORS_KNOWN, packed.STATUS_DOORS_SHIFT
STATUS_LOAD_SHIFT, STATUS_SATELLITES_SHIFT = packed.STATUS_LOAD_SHIFT, packed.STATUS_SATELLITES_SHIFT
SATELLITES_UNKNOWN, NO_U2, NO_I2, NO_U4 = packed.SATELLITES_UNKNOWN, packed.NO_U2, packed.NO_I2, packed.NO_U4


@inlined
def _vehicle(data: Bytes, at: int, length: int, time_ms: int, terminals: Table) -> int:
    """The vehicle of a terminal at a time; 0 where the long way must look."""
    if not 1 <= length <= LONGEST_TERMINAL:
        return 0
    digits = True
    for offset in range(length):
        digits = digits and ZERO <= data[At(at + offset)] <= NINE
    while digits and length > 1 and data[At(at)] == ZERO:
        at, length = at + 1, length - 1
    slot = find(data, at, length, terminals)
    if slot == NOT_FOUND or not terminals[slot, FROM_MS] <= time_ms < terminals[slot, TO_MS]:
        return 0
    return int(terminals[slot, VEHICLE])


@inlined
def _placed(slots: Ints, area: Ints, row: Row) -> bool:
    if slots[LON, KIND] != NUMBER or slots[LAT, KIND] != NUMBER:
        return False
    if (
        slots[LON, DIGITS] - slots[LON, DECIMALS] > WHOLE_DEGREES
        or slots[LAT, DIGITS] - slots[LAT, DECIMALS] > WHOLE_DEGREES
    ):
        return False
    east, north = steps(slots, LON, 7), steps(slots, LAT, 7)
    if not (area[0] <= east <= area[2] and area[1] <= north <= area[3]) or (
        abs(east) <= 1 and abs(north) <= 1
    ):
        return False
    row.lon_e7, row.lat_e7 = east, north
    return True


@inlined
def _moved(slots: Ints, row: Row) -> bool:
    speed = measured(slots, SPEED, 0, 300, 1, NO_U2)
    recorder = measured(slots, RECORDER, 0, 300, 1, NO_U2)
    heading = measured(slots, HEADING, 0, SURELY_HEADING, 0, NO_U2)
    altitude = measured(slots, ALTITUDE, LOWEST_M, HIGHEST_M, 0, NO_I2)
    odometer = measured(slots, ODOMETER, 0, MOST_ODOMETER_KM, 3, NO_U4)
    if min(speed, recorder, heading, altitude, odometer) == NO_STEPS:
        return False
    row.speed, row.recorder_speed, row.heading, row.altitude_m, row.odometer_m = (
        speed,
        recorder,
        heading,
        altitude,
        odometer,
    )
    flags = 0
    if (speed != NO_U2 and speed > PLAUSIBLE_TENTHS) or (recorder != NO_U2 and recorder > PLAUSIBLE_TENTHS):
        flags |= SPEED_IMPLAUSIBLE
    if NO_U2 not in (speed, recorder) and abs(speed - recorder) >= CONFLICT_TENTHS:
        flags |= CONFLICT
    row.flags = flags
    return True


@compiled
def _named(data: Bytes, at: int, length: int, words: Bytes, lengths: Ints) -> int:
    for place in range(len(lengths)):
        if same(data, at, length, words, lengths, place):
            return place
    return NO_FIELD


@compiled
def _bits(data: Bytes, slots: Ints, slot: int, words: Bytes, lengths: Ints) -> int:
    """The names of a list as bits; NO_STEPS if one is unknown."""
    at, end, bits = slots[slot, FIRST], slots[slot, LAST], 0
    while at < end:
        if data[At(at)] == QUOTE:
            close = at + 1
            while data[At(close)] != QUOTE:
                close += 1
            place = _named(data, at + 1, close - at - 1, words, lengths)
            if place == NO_FIELD:
                return NO_STEPS
            bits |= 1 << place
            at = close
        at += 1
    return bits


@compiled
def _listed(data: Bytes, slots: Ints, row: Row) -> int:
    """Doors as part of the status word, alarms into their own; NO_STEPS where a name is unknown."""
    doors, alarms = 0, 0
    if slots[ALARMS_AT, KIND] != ABSENT:
        alarms = (
            _bits(data, slots, ALARMS_AT, ALARM_WORDS, ALARM_LENGTHS)
            if slots[ALARMS_AT, KIND] == LIST
            else NO_STEPS
        )
    if slots[DOORS_AT, KIND] != ABSENT:
        doors = (
            _bits(data, slots, DOORS_AT, DOOR_WORDS, DOOR_LENGTHS)
            if slots[DOORS_AT, KIND] == LIST
            else NO_STEPS
        )
        doors = NO_STEPS if doors == NO_STEPS else doors << STATUS_DOORS_SHIFT | STATUS_DOORS_KNOWN
    if NO_STEPS in (doors, alarms):
        return NO_STEPS
    row.alarms = alarms
    return doors


@inlined
def _stated(data: Bytes, slots: Ints, row: Row) -> bool:
    satellites = measured(slots, SATELLITES, 0, MOST_SATELLITES, 0, SATELLITES_UNKNOWN)
    doors = _listed(data, slots, row)
    if NO_STEPS in (satellites, doors):
        return False
    status = satellites << STATUS_SATELLITES_SHIFT | doors
    for place in range(len(SWITCH_BITS)):
        switch = slots[SWITCH_BITS[place, 0], KIND]
        if switch in (TRUE, FALSE):
            status |= SWITCH_BITS[place, 1] << (1 if switch == TRUE else 0) | SWITCH_BITS[place, 1]
        elif switch != ABSENT:
            return False
    if slots[LOAD, KIND] == TEXT:
        load = _named(
            data, slots[LOAD, FIRST], slots[LOAD, LAST] - slots[LOAD, FIRST], LOAD_WORDS, LOAD_LENGTHS
        )
        if load < 1:  # "unknown" is our word, not a sender's
            return False
        status |= load << STATUS_LOAD_SHIFT
    elif slots[LOAD, KIND] != ABSENT:
        return False
    row.status = status
    return True


@inlined
def _formal(data: Bytes, slots: Ints, row: Row) -> bool:
    """Version, datum, fix and backfill."""
    if slots[V, KIND] != ABSENT and not (
        slots[V, KIND] == NUMBER and slots[V, MANTISSA] == 1 and slots[V, DECIMALS] == 0
    ):
        return False
    if slots[DATUM, KIND] != ABSENT:
        length = slots[DATUM, LAST] - slots[DATUM, FIRST]
        if slots[DATUM, KIND] != TEXT or not same(
            data, slots[DATUM, FIRST], length, DATUM_WORDS, DATUM_LENGTHS, 0
        ):
            return False
    if slots[FIXED, KIND] not in (ABSENT, TRUE, FALSE):
        return False
    if slots[FIXED, KIND] == FALSE:
        row.flags |= NOT_FIXED
    if slots[BACKFILL, KIND] == TRUE:
        row.flags |= BACKFILLED
    return True


@inlined
def _driven(data: Bytes, slots: Ints, drivers: Table, code: Ints, row: Row) -> bool:
    """The driver's number; of a code that is not in the table where it stands, which is otherwise left at 0, 0.

    A plain text is padded with spaces alone. Small letters are left to whoever looks the code up: the table holds codes as they are shown.
    """
    if slots[DRIVER, KIND] != TEXT:
        return bool(slots[DRIVER, KIND] == ABSENT)
    at, end = slots[DRIVER, FIRST], slots[DRIVER, LAST]
    while at < end and data[At(at)] == SPACE:
        at += 1
    while at < end and data[At(end - 1)] == SPACE:
        end -= 1
    first = at
    while first < end and data[At(first)] == ZERO:
        first += 1
    if first == end:
        row.driver = CARD_REMOVED
        return True
    slot = find(data, at, end - at, drivers)
    if slot != NOT_FOUND:
        row.driver = drivers[slot, NUMBER_OF]
    elif end - at > LONGEST_DRIVER:
        return False
    else:
        code[0], code[1] = at, end
    return True


@inlined
def _report(
    data: Bytes, received_ms: int, old_ms: int, area: Ints, terminals: Table, drivers: Table, slots: Ints, code: Ints,
    row: Row,
) -> bool:  # fmt: skip
    if slots[TIME, KIND] != TEXT or slots[TERMINAL, KIND] != TEXT:
        return False
    time_ms = usual_time_ms(data, slots[TIME, FIRST], slots[TIME, LAST] - slots[TIME, FIRST])
    if not FIRST_TIME_MS <= time_ms < LAST_TIME_MS:
        return False
    if received_ms > 0 and not -FUTURE_MS <= received_ms - time_ms <= old_ms:
        return False
    vehicle = _vehicle(
        data, slots[TERMINAL, FIRST], slots[TERMINAL, LAST] - slots[TERMINAL, FIRST], time_ms, terminals
    )
    if vehicle == 0 or not (_placed(slots, area, row) and _moved(slots, row)):
        return False
    if not (_stated(data, slots, row) and _formal(data, slots, row)):
        return False
    row.vehicle, row.time_ms, row.received_ms = vehicle, time_ms, received_ms
    return _driven(data, slots, drivers, code, row)


@compiled
def _scan(
    data: Bytes, edges: Ints, received_ms: Ints, old_ms: int, area: Ints, terminals: Table, drivers: Table, fixes: Fixes, codes: Ints, taken: Bytes,
    order: Ints, slots: Ints,
) -> None:  # fmt: skip
    for place in range(len(taken)):
        for slot in range(len(slots)):
            slots[slot, KIND] = ABSENT
        seen = lex(data, edges[place], edges[place + 1], order, slots)
        if seen < 0 or seen & NEEDED != NEEDED:
            continue
        now_ms = received_ms[place] if len(received_ms) else 0
        taken[place] = _report(
            data, now_ms, old_ms, area, terminals, drivers, slots, codes[place], fixes[place]
        )


@dataclass(frozen=True, slots=True)
class Plain:
    """What the short way took.

    Attributes:
        taken: for each record whether it was.
        fixes: one for each record, meaningless where it was not taken; offsets are not filled in.
        codes: driver codes that were not in the table, by place; those of reports that were not taken mean nothing.
    """

    taken: NDArray[np.bool_]
    fixes: Fixes
    codes: dict[int, str]


def _surely_inside(area: Area) -> Ints:
    """The area in steps of 1e-7 degrees, a step narrower on each side: near its border the long way decides."""
    west, south, east, north = (degrees * 1e7 for degrees in area)
    return np.array(
        [np.ceil(west) + 1, np.ceil(south) + 1, np.floor(east) - 1, np.floor(north) - 1], np.int64
    )


def take(
    values: Sequence[bytes | None],
    received_ms: Ints | None,
    lookup: VehicleLookup,
    area: Area,
    drivers: DriverTable | None = None,
    oldest_days: int = 0,
) -> Plain:
    """Take the plain ones of a batch, of which a tombstone is none; `drivers` saves a look at each code, `oldest_days` is as in `checks.check`."""
    count = len(values)
    texts: Sequence[bytes] = values  # type: ignore[assignment]  # asking each whether it is None would cost as much as reading it
    try:
        joined = b"".join(texts)
    except TypeError:
        texts = [b"" if value is None else value for value in values]
        joined = b"".join(texts)
    edges = np.zeros(count + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), np.int64, count), out=edges[1:])
    fixes, spans, taken = fix_columns(count), np.zeros((count, 2), np.int64), np.zeros(count, np.uint8)
    _scan(
        np.frombuffer(joined, np.uint8), edges, NEVER if received_ms is None else received_ms,
        unsuspected_ms(oldest_days) if oldest_days else ANY_AGE_MS, _surely_inside(area),
        lookup.table, NOBODY if drivers is None else drivers.table, fixes, spans, taken,
        np.full(MOST_KEYS, NO_FIELD, np.int64), np.zeros(SLOTS, np.int64),
    )  # fmt: skip
    named = np.flatnonzero(spans[:, 1] * taken).tolist()
    codes = {place: joined[spans[place, 0] : spans[place, 1]].decode("ascii") for place in named}
    return Plain(taken.view(bool), fixes, codes)
