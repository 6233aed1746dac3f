"""What every rule asks of a position before it believes it.

What it flags
    Nothing by itself. A receiver that has lost its satellites may go on repeating its last place while the vehicle drives; such a fix is
    *frozen*, and to the rules it is as though not fixed.

Legal basis
    None: it keeps one signal from deciding alone where the speeds of the same reports contradict it. A terminal's position is to be right
    within 15 m (JT/T 794), so 300 m that the speeds prove and the places deny cannot both be true.

Opens, escalates, closes
    A vehicle's anchor is its first fixed fix, and then each fixed fix farther than `frozen_m` from it, slower than `frozen_kmh`, without a
    speed or of an implausible one, or more than `frozen_gap_s` after the fixed fix before it. From the anchor on the way is added up that
    the lesser of two neighbouring speeds proves, over a minute at most for each pair; a fix at which it is more than `frozen_distance_m` is frozen.

Ignores
    The driver's card, which is read from a frozen fix too.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Row, Whole, inlined
from services.rules.geometry import within
from services.rules.parameters import milliseconds, tenths
from services.rules.rule import Parameter, Shared

COUNTED_MS = 60_000
"""So much of the time between two fixes counts at most: of a longer silence nobody knows how fast the vehicle went."""
STEPS_A_METRE = 36_000
"""A millisecond at 0.1 km/h is a step."""

PARAMETERS = (
    Parameter("frozen_m", 30, "number", "m", 0, 1000, "terminal accuracy 15 m, JT/T 794, twice", "no farther from the anchor is the same place"),
    Parameter("frozen_distance_m", 300, "number", "m", 0, 1_000_000, "design: ten times frozen_m", "way that the speeds must prove meanwhile"),
    Parameter("frozen_kmh", 10, "number", "km/h", 0, 300, "terminal accuracy 7.2 km/h, JT/T 794", "a slower fix may stand where it is"),
    Parameter("frozen_gap_s", 300, "number", "s", 0, 86_400, "design", "after a longer silence the place is believed anew"),
)  # fmt: skip
PARAMS = np.dtype([("near_m", "f8"), ("most", "i8"), ("gap_ms", "i8"), ("slow", "i4")], align=True)

ANCHOR_FIELDS = [
    ("fixed_ms", "i8"),  # last fixed fix; 0, longer ago than any gap, none
    ("driven", "i8"),  # steps proven since the anchor
    ("anchor_lon_e7", "i4"),
    ("anchor_lat_e7", "i4"),
    ("fixed_speed", "i4"),  # speed of the last fixed fix, 0 none or implausible
]
"""What is remembered of a vehicle to tell a frozen position."""


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    row["near_m"] = values["frozen_m"]
    row["most"] = round(values["frozen_distance_m"] * STEPS_A_METRE)
    row["gap_ms"] = milliseconds(values["frozen_gap_s"])
    row["slow"] = tenths(values["frozen_kmh"])


@inlined
def frozen(state: Row, fix: Row, speed: Whole, param: Row) -> bool:
    """Whether a fixed fix repeats its place; `state` has ANCHOR_FIELDS. `speed` in 0.1 km/h, below 0 none or implausible."""
    gap_ms = fix.time_ms - state.fixed_ms
    anew = speed < 0 or speed < param.slow or gap_ms > param.gap_ms
    if anew or not within(state.anchor_lon_e7, state.anchor_lat_e7, fix.lon_e7, fix.lat_e7, param.near_m):
        state.anchor_lon_e7 = fix.lon_e7
        state.anchor_lat_e7 = fix.lat_e7
        state.driven = 0
    else:
        state.driven += min(gap_ms, COUNTED_MS) * min(np.int64(speed), np.int64(state.fixed_speed))
    state.fixed_ms = fix.time_ms
    state.fixed_speed = max(speed, 0)
    return bool(state.driven > param.most)


PLAUSIBILITY = Shared("plausibility", PARAMETERS, PARAMS, pack)
