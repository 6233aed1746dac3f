"""A fix as the reference reads it: the fields of `services/contracts/fix.py` as Python integers, with None for what is absent.

The packed record says "absent" by sentinels; here they are gone, so that none of them can be calculated with by mistake.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.contracts.fix import (
    ALARMS,
    DOORS,
    LOADS,
    NO_U2,
    NO_U4,
    STATUS_ACC,
    STATUS_ACC_KNOWN,
    STATUS_DOORS_KNOWN,
    STATUS_DOORS_SHIFT,
    STATUS_LOAD_MASK,
    STATUS_LOAD_SHIFT,
    STATUS_PUPILS,
    STATUS_PUPILS_KNOWN,
    Fixes,
    fix_columns,
)
from services.contracts.reasons import NOT_FIXED, SPEED_IMPLAUSIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One accepted or flagged report."""

    vehicle: int
    time_ms: int
    lon_e7: int
    lat_e7: int
    speed: int | None = None  # 0.1 km/h, satellite
    recorder_speed: int | None = None  # 0.1 km/h
    heading: int | None = None  # degrees
    odometer_m: int | None = None
    driver: int = 0  # surrogate; 0 no news, -1 card removed
    pupils: bool | None = None
    doors: tuple[str, ...] | None = None  # the open ones; None unknown
    load: str | None = None
    acc: bool | None = None
    alarms: tuple[str, ...] = ()
    not_fixed: bool = False
    speed_implausible: bool = False
    frozen: bool = False  # never reported: the receiver repeats its place

    @property
    def lon(self) -> float:
        """Degrees."""
        return self.lon_e7 / 1e7

    @property
    def lat(self) -> float:
        """Degrees."""
        return self.lat_e7 / 1e7

    @property
    def used_speed(self) -> int | None:
        """0.1 km/h: the satellite speed, else the recorder's."""
        return self.speed if self.speed is not None else self.recorder_speed

    @property
    def has_position(self) -> bool:
        """Takes part in route deviation."""
        return not self.not_fixed and not self.frozen

    @property
    def plausible(self) -> bool:
        """Takes part in fatigue, with a speed or without."""
        return self.has_position and not self.speed_implausible

    @property
    def has_speed(self) -> bool:
        """Takes part in speeding."""
        return self.plausible and self.used_speed is not None


def from_records(records: Fixes) -> list[Fix]:
    """A FIX structured array, of one vehicle or many, in its order."""
    return [_from_record(record) for record in records]


def _from_record(record: Any) -> Fix:
    status, flags = int(record["status"]), int(record["flags"])
    return Fix(
        vehicle=int(record["vehicle"]),
        time_ms=int(record["time_ms"]),
        lon_e7=int(record["lon_e7"]),
        lat_e7=int(record["lat_e7"]),
        speed=_known(record["speed"], NO_U2),
        recorder_speed=_known(record["recorder_speed"], NO_U2),
        heading=_known(record["heading"], NO_U2),
        odometer_m=_known(record["odometer_m"], NO_U4),
        driver=int(record["driver"]),
        pupils=bool(status & STATUS_PUPILS) if status & STATUS_PUPILS_KNOWN else None,
        doors=_doors(status),
        load=LOADS[(status & STATUS_LOAD_MASK) >> STATUS_LOAD_SHIFT] if status & STATUS_LOAD_MASK else None,
        acc=bool(status & STATUS_ACC) if status & STATUS_ACC_KNOWN else None,
        alarms=tuple(name for bit, name in enumerate(ALARMS) if int(record["alarms"]) >> bit & 1),
        not_fixed=bool(flags & NOT_FIXED),
        speed_implausible=bool(flags & SPEED_IMPLAUSIBLE),
    )


def _doors(status: int) -> tuple[str, ...] | None:
    if not status & STATUS_DOORS_KNOWN:
        return None
    return tuple(name for bit, name in enumerate(DOORS) if status >> (STATUS_DOORS_SHIFT + bit) & 1)


def _known(value: Any, absent: int) -> int | None:
    return None if int(value) == absent else int(value)


def to_records(fixes: Iterable[Fix]) -> Fixes:
    """The same fixes as a FIX structured array; `raw_offset` counts from 0."""
    listed = list(fixes)
    records = fix_columns(len(listed))
    records["raw_offset"] = np.arange(len(listed))
    for record, fix in zip(records, listed, strict=True):
        for name in ("vehicle", "time_ms", "lon_e7", "lat_e7", "driver"):
            record[name] = getattr(fix, name)
        for name in ("speed", "recorder_speed", "heading", "odometer_m"):
            if getattr(fix, name) is not None:
                record[name] = getattr(fix, name)
        if fix.pupils is not None:
            record["status"] |= STATUS_PUPILS_KNOWN | (STATUS_PUPILS if fix.pupils else 0)
        record["status"] |= _status(fix)
        record["alarms"] = sum(1 << ALARMS.index(name) for name in fix.alarms)
        record["flags"] = (NOT_FIXED if fix.not_fixed else 0) | (
            SPEED_IMPLAUSIBLE if fix.speed_implausible else 0
        )
    return records


def _status(fix: Fix) -> int:
    """Doors, load and ignition."""
    word = 0
    if fix.doors is not None:
        word |= STATUS_DOORS_KNOWN | sum(1 << (STATUS_DOORS_SHIFT + DOORS.index(name)) for name in fix.doors)
    if fix.load is not None:
        word |= LOADS.index(fix.load) << STATUS_LOAD_SHIFT
    if fix.acc is not None:
        word |= STATUS_ACC_KNOWN | (STATUS_ACC if fix.acc else 0)
    return word
