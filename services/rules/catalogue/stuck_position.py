"""A position that stands while the vehicle drives.

What it flags
    A receiver that repeats one place while the vehicle tells of speed: nothing that is judged by its place can be trusted.

Legal basis
    道路运输车辆动态监督管理办法 art. 26: devices in working order, data true; GB/T 35658 (drift and frozen positions).

Opens, escalates, closes
    A run of fixes at `stuck_kmh` or faster, each within `stuck_m` of the run's first, no two neighbours more than `max_gap_s` apart, that lasts `hold_s` over
    `min_fixes` opens. A fix that fast but farther away ends the run and begins the next. Always minor.

Ignores
    Fixes that are not fixed, without a speed, or of implausible speed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Rows, Tables, compiled
from services.contracts.alert import Sentence
from services.contracts.fix import Fixes
from services.rules.durations import minutes_en, minutes_zh, seconds
from services.rules.parameters import tenths
from services.rules.records import USE_FIXED_SPEED
from services.rules.rule import Described, Names, Parameter
from services.rules.run_rules import Grades, pack_run, run_parameters, run_rule
from services.rules.runs import MOST_HITS, RUN_PARAMS, hit

KINDS = ("stuck",)
MINOR = 1
BASIS = "动态监督办法 art. 26; GB/T 35658"
PARAMETERS = (
    *run_parameters(KINDS, "design", hold_s={"stuck": 600}, min_fixes={"stuck": 5}, merge_s={"stuck": 0}, max_gap_s={"stuck": 180}),
    Parameter("stuck_kmh", 20, "number", "km/h", 1, 300, "terminal accuracy 7.2 km/h, JT/T 794", "driving, surely, from this speed on"),
    Parameter("stuck_m", 30, "number", "m", 1, 1000, "terminal accuracy 15 m, JT/T 794", "within it the position stands"),
)  # fmt: skip
PARAMS = np.dtype([("run", RUN_PARAMS), ("stuck", "u2")], align=True)


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    pack_run(row["run"], values, KINDS, Grades([MINOR]))
    row["run"]["reach_m"] = values["stuck_m"]
    row["stuck"] = tenths(values["stuck_kmh"])


@compiled
def mark(
    fixes: Fixes, context: Rows, tables: Tables, params: Rows, hits: Rows, count: Ints, start: int
) -> int:
    """Which fixes hit; see `runs.Mark`. Where they lie the machine asks."""
    for i in range(start, len(fixes)):
        if count[0] + MOST_HITS > len(hits):
            return i
        row = context[i]
        if row.use & USE_FIXED_SPEED and row.speed >= params[row.period].stuck:
            hit(hits, count, i, 0, 0)
    return len(fixes)


def describe(finding: np.void, _names: Names) -> Described:
    """The finding in words."""
    duration_ms = int(finding["peak"])
    why = {"duration_s": seconds(duration_ms), "fixes": int(finding["fixes"]), "basis": BASIS}
    zh = f"行驶中位置不动 {minutes_zh(duration_ms)}"
    en = f"Position stood still for {minutes_en(duration_ms)} while the vehicle drove"
    return Described(
        "",
        KINDS[0],
        KINDS[0],
        seconds(int(finding["limit"])),
        seconds(duration_ms),
        "s",
        why,
        Sentence(zh=zh, en=en),
    )


RULE = run_rule(
    name="stuck_position", parameters=PARAMETERS, params_dtype=PARAMS, pack=pack, mark=mark, takes_part=USE_FIXED_SPEED, describe=describe
)  # fmt: skip
