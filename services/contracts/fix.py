"""One fix as it travels: a 64-byte little-endian record, so that a batch is read with `numpy.frombuffer` and no fix costs a Python object.

Absent optional values have a sentinel of their own and are never 0: 0 km/h and "no speed" are different statements about a vehicle.
"""

import numpy as np
from numpy.typing import NDArray

FIX = np.dtype(
    [
        ("vehicle", "<i4"),  # surrogate id of the registry, > 0
        ("driver", "<i4"),  # surrogate of the card's code; 0 no news, -1 card removed
        ("time_ms", "<i8"),  # when the position was taken, Unix ms UTC
        ("received_ms", "<i8"),  # broker timestamp of the report in gps.raw, Unix ms UTC (0 in a file)
        ("lon_e7", "<i4"),  # 1e-7 degree, WGS-84
        ("lat_e7", "<i4"),  # 1e-7 degree, WGS-84
        ("speed", "<u2"),  # GNSS speed, 0.1 km/h, 0-3000; NO_U2 absent
        ("recorder_speed", "<u2"),  # recorder (VSS) speed, 0.1 km/h, 0-3000; NO_U2 absent
        ("heading", "<u2"),  # degrees from north, clockwise, 0-359; NO_U2 absent
        ("altitude_m", "<i2"),  # metres, -500-9000; NO_I2 absent
        ("odometer_m", "<u4"),  # metres; NO_U4 absent
        ("alarms", "<u4"),  # normalised alarm word, bit i = ALARMS[i]
        ("status", "<u4"),  # normalised status word, see STATUS_*
        ("flags", "<u4"),  # quality flags, bit i = reasons.FLAGS[i]
        ("raw_offset", "<i8"),  # offset of the report in gps.raw (line number in a file)
    ]
)
FIX_BYTES = 64

NO_U2 = 0xFFFF
NO_I2 = -0x8000
NO_U4 = 0xFFFF_FFFF
DRIVER_NO_NEWS = 0
DRIVER_CARD_REMOVED = -1

ALARMS = (
    "emergency", "overspeed", "fatigue", "dangerous_driving", "gnss_fault", "gnss_antenna_open", "gnss_antenna_short",
    "power_undervoltage", "power_lost", "display_fault", "tts_fault", "camera_fault", "card_module_fault",
    "overspeed_prewarning", "fatigue_prewarning", "forbidden_time_driving", "tyre_pressure", "blind_spot",
    "daily_driving_exceeded", "overtime_parking", "area_in_out", "route_in_out", "segment_time", "route_deviation",
    "vss_fault", "fuel_abnormal", "stolen", "illegal_ignition", "illegal_displacement", "collision",
    "rollover_prewarning", "illegal_door_opening",
)  # fmt: skip
"""Normalised alarm names; the place in the tuple is the bit. JT/T 808-2019 table 25; bit 31 keeps the 2013 meaning."""
ALARM_BITS = {name: 1 << bit for bit, name in enumerate(ALARMS)}
HEARD_ANYWHERE = frozenset(
    ("emergency", "collision", "stolen", "rollover_prewarning", "illegal_displacement", "gnss_antenna_open", "camera_fault", "fatigue")
)  # fmt: skip
"""Alarms for which a report without a usable place is kept: those that the rule `terminal_alarm` tells of by default (catalogue section 4)."""

STATUS_ACC_KNOWN, STATUS_ACC = 1 << 0, 1 << 1
STATUS_SERVICE_KNOWN, STATUS_SERVICE = 1 << 2, 1 << 3
STATUS_LOAD_SHIFT, STATUS_LOAD_MASK = 4, 0b11 << 4  # 0 unknown, else place in LOADS
STATUS_DOORS_KNOWN = 1 << 6
STATUS_DOORS_SHIFT = 7  # five bits, DOORS
STATUS_PUPILS_KNOWN, STATUS_PUPILS = 1 << 12, 1 << 13
STATUS_BACKFILL_KNOWN, STATUS_BACKFILL = 1 << 14, 1 << 15
STATUS_SATELLITES_SHIFT, STATUS_SATELLITES_MASK = 16, 0x7F << 16  # SATELLITES_UNKNOWN when absent
SATELLITES_UNKNOWN = 0x7F

LOADS = ("unknown", "empty", "half", "full")
DOORS = ("front", "middle", "rear", "driver", "other")

Fixes = NDArray[np.void]


def fix_columns(count: int) -> Fixes:
    """`count` fixes with every optional value absent and everything else 0."""
    fixes = np.zeros(count, FIX)
    fixes["speed"] = fixes["recorder_speed"] = fixes["heading"] = NO_U2
    fixes["altitude_m"] = NO_I2
    fixes["odometer_m"] = NO_U4
    fixes["status"] = SATELLITES_UNKNOWN << STATUS_SATELLITES_SHIFT
    return fixes
