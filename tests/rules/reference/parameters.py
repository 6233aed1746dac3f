"""Every parameter's default in one place, and what of them is in force at a moment.

The figures are written down here a second time on purpose: a default that changes in the engine alone is found by comparing.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from services.contracts.fix import ALARMS
from services.contracts.registry import Config, VehicleClass

DAY_MS = 86_400_000
LOCAL_OFFSET_MS = 8 * 3_600_000

OFF_EXPRESSWAY = ("highway", "urban_expressway", "urban", "rural", "mountain")

DEFAULTS: dict[str, dict[str, Any]] = {
    "plausibility": {"frozen_m": 30, "frozen_distance_m": 300, "frozen_kmh": 10, "frozen_gap_s": 300},
    "matching": {"match_radius_m": 30, "match_heading_deg": 45, "moving_kmh": 5, "tie_m": 15},
    "speeding": {
        "statutory_kmh": {
            "coach": {"expressway": 100},
            "charter": {"expressway": 100},
            "freight": {"expressway": 100},
            "hazmat": {"expressway": 80, **dict.fromkeys(OFF_EXPRESSWAY, 60)},
            "school_bus": {"expressway": 80, **dict.fromkeys(OFF_EXPRESSWAY, 60)},
        },
        "unmatched_limit_kmh": {"coach": 100, "charter": 100, "hazmat": 80, "freight": 100, "school_bus": 80},
        "night_factor": {"coach": 0.8, "charter": 0.8},
        "night_window": "22:00-06:00",
        "tolerance_kmh": 0,
        "min_duration_s": 30,
        "merge_window_s": 60,
        "max_gap_s": 180,
    },
    "fatigue": {
        "moving_kmh": 5,
        "still_kmh": 3,
        "surely_kmh": 20,
        "leave_m": 50,
        "stay_s": 120,
        "displaced_m": 500,
        "silent_drive_kmh": 80,
        "stray_s": 300,
        "min_rest_s": 1200,
        "max_gap_s": 1200,
        "rest_radius_m": 500,
        "max_silence_s": 3600,
        "continuous_s": 14_400,
        "night_continuous_s": 7200,
        "night_window": "22:00-06:00",
        "rolling_24h_s": 28_800,
        "rolling_7d_s": 158_400,
    },
    "route_deviation": {
        "margin_m": 15,
        "ends_exempt_m": 500,
        "approach_s": 1800,
        "max_gap_s": 600,
        "hold_s": 60,
        "min_fixes": 3,
    },
}

ALARMS_AT_ONCE = ("emergency", "collision", "rollover_prewarning", "stolen")
ALARMS_OF_FAULTS = ("power_lost", "gnss_antenna_open", "camera_fault")
DEFAULTS |= {
    "terminal_alarm": {
        "enabled": True,
        "hold_s": {name: 0 if name in ALARMS_AT_ONCE else 60 for name in ALARMS},
        "min_fixes": {name: 1 if name in ALARMS_AT_ONCE else 2 for name in ALARMS},
        "merge_s": {name: 21_600 if name in ALARMS_OF_FAULTS else 300 for name in ALARMS},
        "max_gap_s": 600,
        "alarms": {
            "emergency": "critical",
            "collision": "critical",
            "stolen": "critical",
            "rollover_prewarning": "major",
            "illegal_displacement": "minor",
            "gnss_antenna_open": "minor",
            "camera_fault": "info",
            "fatigue": "info",
        },
    },
    "silence": {
        "enabled": True,
        "silence_s": 600,
        "moving_kmh": 20,
        "moved_m": 5000,
        "far_m": 20_000,
        "excused_s": 3600,
    },
    "identity": {
        "enabled": True,
        "jump_m": 2000,
        "jump_kmh": 300,
        "near_m": 2000,
        "window_s": 600,
        "min_returns": 6,
    },
    "stuck_position": {
        "enabled": True,
        "hold_s": 600,
        "min_fixes": 5,
        "merge_s": 0,
        "max_gap_s": 180,
        "stuck_kmh": 20,
        "stuck_m": 30,
    },
    "speed_conflict": {
        "enabled": True,
        "hold_s": 120,
        "min_fixes": 5,
        "merge_s": 21_600,
        "max_gap_s": 180,
        "conflict_kmh": 20,
    },
    "door_open": {
        "enabled": True,
        "hold_s": 5,
        "min_fixes": 2,
        "merge_s": 600,
        "max_gap_s": 60,
        "moving_kmh": 10,
        "classes": ["school_bus", "coach", "charter"],
    },
}

CEILING = {"coach": 1000, "charter": 1000, "hazmat": 800, "freight": 1000, "school_bus": 800}
"""0.1 km/h; not a parameter."""


@dataclass(frozen=True)
class Parameters:
    """One rule's values at one moment."""

    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def ms(self, name: str) -> int:
        """A duration in seconds as whole milliseconds."""
        return half_up(Fraction(str(self.values[name])) * 1000)

    def tenths(self, name: str) -> int:
        """A speed in km/h as whole 0.1 km/h."""
        return tenths(self.values[name])

    def window(self, name: str) -> tuple[int, int]:
        """A window as local ms of the day, from and to."""
        start, end = self.values[name].split("-")
        return _of_day_ms(start), _of_day_ms(end)


def _of_day_ms(text: str) -> int:
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000


def half_up(value: Fraction) -> int:
    """The nearest whole number, a half upwards."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def tenths(kmh: float) -> int:
    """km/h as whole 0.1 km/h, half up, of the figure as it is written."""
    return half_up(Fraction(str(kmh)) * 10)


def in_force(config: Config, rule: str, time_ms: int) -> Parameters:
    """Defaults, overridden by what the rule sets in force at a time say; matching's are still accepted under speeding."""
    given = _given(config, rule, time_ms)
    if rule == "matching":
        older = _given(config, "speeding", time_ms)
        given = {
            name: older[name]
            for name in ("match_radius_m", "match_heading_deg", "moving_kmh")
            if name in older
        } | given
    if rule == "speeding":
        given = {name: value for name, value in given.items() if name in DEFAULTS["speeding"]}
    values = dict(DEFAULTS[rule])
    for name, value in given.items():
        values[name] = _overlaid(values[name], value) if isinstance(value, dict) else value
    return Parameters(values)


def _given(config: Config, rule: str, time_ms: int) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for rule_set in config.rules:
        if (rule_set.from_ms is None or rule_set.from_ms <= time_ms) and (
            rule_set.to_ms is None or time_ms < rule_set.to_ms
        ):
            given.update(rule_set.parameters.get(rule, {}))
    return given


def _overlaid(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """An object with what another names put over it, class by class and, inside a class, road class by road class."""
    result = dict(old)
    for name, value in new.items():
        if isinstance(value, dict):
            result[name] = _overlaid(old.get(name) or {}, value)
        else:
            result[name] = value
    return result


def class_at(config: Config, vehicle: int, time_ms: int) -> VehicleClass:
    """A vehicle's class at a time; where no registration holds, of the last one begun, else of the first."""
    rows = sorted(
        (row for row in config.vehicles if row.id == vehicle),
        key=lambda row: row.valid_from_ms or -DAY_MS * 10**6,
    )
    begun = [row for row in rows if row.valid_from_ms is None or row.valid_from_ms <= time_ms]
    for row in begun:
        if row.valid_to_ms is None or time_ms < row.valid_to_ms:
            return row.vehicle_class
    return (begun[-1] if begun else rows[0]).vehicle_class


def local_ms(time_ms: int) -> int:
    """Local time of day in ms."""
    return (time_ms + LOCAL_OFFSET_MS) % DAY_MS


def local_day(time_ms: int) -> date:
    """The local date."""
    return date(1970, 1, 1) + timedelta(days=(time_ms + LOCAL_OFFSET_MS) // DAY_MS)


def inside(window: tuple[int, int], moment_ms: int) -> bool:
    """Whether a local time of day lies in from <= t < to, over midnight too."""
    start, end = window
    if start <= end:
        return start <= moment_ms < end
    return moment_ms >= start or moment_ms < end
