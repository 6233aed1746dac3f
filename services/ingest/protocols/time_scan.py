"""A time in the usual form from its bytes, in compiled code; every other form is for `times`."""

import numpy as np

from services.compiled import inlined
from services.ingest.protocols.json_scan import ZERO, At, Bytes
from services.ingest.protocols.number_scan import NO_STEPS

DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
LONG_YEAR_DAYS, ERA_DAYS, EPOCH_DAYS = 365, 146_097, 719_468
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000


@inlined
def _two(data: Bytes, at: int) -> int:
    """Two digits; far below 0 if they are none."""
    tens, ones = int(data[At(at)]) - ZERO, int(data[At(at + 1)]) - ZERO
    return tens * 10 + ones if 0 <= tens <= 9 and 0 <= ones <= 9 else -100_000


@inlined
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 (Hinnant); NO_STEPS where there is no such day."""
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= DAYS_IN_MONTH[month] + leap):
        return NO_STEPS
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * ERA_DAYS + of_era * LONG_YEAR_DAYS + of_era // 4 - of_era // 100 + of_year - EPOCH_DAYS


@inlined
def _zone_ms(data: Bytes, at: int, length: int) -> int:
    """`Z` or `+hh:mm` as milliseconds east; NO_STEPS if it is neither."""
    if length == 1:
        return 0 if data[At(at)] == ord("Z") else NO_STEPS
    hours, minutes = _two(data, at + 1), _two(data, at + 4)
    if data[At(at + 3)] != ord(":") or not (0 <= hours <= 23 and 0 <= minutes <= 59):
        return NO_STEPS
    if data[At(at)] == ord("+"):
        return hours * HOUR_MS + minutes * MINUTE_MS
    return -(hours * HOUR_MS + minutes * MINUTE_MS) if data[At(at)] == ord("-") else NO_STEPS


@inlined
def usual_time_ms(data: Bytes, at: int, length: int) -> int:
    """`yyyy-mm-ddThh:mm:ss[.mmm](Z|+hh:mm)` as Unix milliseconds; NO_STEPS for every other form."""
    milliseconds, zone = 0, 19
    if length in (24, 29):
        last = int(data[At(at + 22)]) - ZERO
        milliseconds, zone = _two(data, at + 20) * 10 + last, 23
        if data[At(at + 19)] != ord(".") or not 0 <= last <= 9 or milliseconds < 0:
            return NO_STEPS
    elif length not in (20, 25):
        return NO_STEPS
    dashes = data[At(at + 4)] == ord("-") and data[At(at + 7)] == ord("-") and data[At(at + 10)] == ord("T")
    if not (dashes and data[At(at + 13)] == ord(":") and data[At(at + 16)] == ord(":")):
        return NO_STEPS
    days = _days(_two(data, at) * 100 + _two(data, at + 2), _two(data, at + 5), _two(data, at + 8))
    hour, minute, second = _two(data, at + 11), _two(data, at + 14), _two(data, at + 17)
    east = _zone_ms(data, at + zone, length - zone)
    if NO_STEPS in (days, east) or not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return NO_STEPS
    return days * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * 1000 + milliseconds - east
