"""Which road a fix is on.

What it flags
    Nothing by itself: speeding takes its limit from the road of a fix.

Legal basis
    None; the accuracy of position and speed that JT/T 794 asks of a terminal.

Opens, escalates, closes
    A fix is on the nearest road within `match_radius_m` whose direction fits its heading within `match_heading_deg`. Roads at most `tie_m`
    farther fit equally: nobody can say on which of them the vehicle was, so the one with the highest limit in force for it counts, and
    the confidence is 0.5 where their limits differ.

Ignores
    The direction, of a fix without a heading or slower than `moving_kmh`: a standing receiver's heading means nothing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.rules.parameters import tenths
from services.rules.rule import Parameter, Shared

PARAMETERS = (
    Parameter("match_radius_m", 30, "number", "m", 1, 500, "terminal accuracy 15 m, JT/T 794", "farthest road matched"),
    Parameter("match_heading_deg", 45, "number", "°", 1, 180, "design", "greatest difference of heading and road"),
    Parameter("moving_kmh", 5, "number", "km/h", 0, 50, "terminal accuracy 7.2 km/h, JT/T 794", "heading asked from here"),
    Parameter("tie_m", 15, "number", "m", 0, 500, "terminal accuracy 15 m, JT/T 794", "roads so little farther than the nearest fit equally"),
)  # fmt: skip
PARAMS = np.dtype(
    [("match_radius_m", "f8"), ("match_heading_deg", "f8"), ("tie_m", "f8"), ("moving", "u2")], align=True
)


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    for name in ("match_radius_m", "match_heading_deg", "tie_m"):
        row[name] = values[name]
    row["moving"] = tenths(values["moving_kmh"])


MATCHING = Shared("matching", PARAMETERS, PARAMS, pack)
