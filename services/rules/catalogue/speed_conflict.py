"""Two speeds that contradict each other.

What it flags
    A terminal whose satellite speed and recorder speed differ by more than `conflict_kmh` for long: one of the two is wrong, and so may be what is judged by them.

Legal basis
    GB/T 19056 (recorder: speed within 2 km/h); JT/T 794 (terminal: 7.2 km/h); 道路运输车辆动态监督管理办法 art. 26: devices in working order.

Opens, escalates, closes
    A run of fixes that tell both speeds, which differ by more than `conflict_kmh`, no two neighbours more than `max_gap_s` apart, that lasts `hold_s` over
    `min_fixes` opens; hits within `merge_s` are one episode. Always info: it is a fault of a device, and nothing the driver did.

Ignores
    Fixes that are not fixed or tell one speed alone. Implausible speeds count: they are what such a fault looks like.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Rows, Tables, compiled
from services.contracts.alert import Sentence
from services.contracts.fix import Fixes
from services.rules.durations import minutes_en, minutes_zh, seconds, whole
from services.rules.parameters import tenths
from services.rules.records import USE_BOTH_SPEEDS
from services.rules.rule import Described, Names, Parameter
from services.rules.run_rules import Grades, pack_run, run_parameters, run_rule
from services.rules.runs import MOST_HITS, RUN_PARAMS, hit

KINDS = ("conflict",)
INFO = 0
BASIS = "GB/T 19056; JT/T 794"
PARAMETERS = (
    *run_parameters(KINDS, "design", hold_s={"conflict": 120}, min_fixes={"conflict": 5}, merge_s={"conflict": 21_600}, max_gap_s={"conflict": 180}),
    Parameter("conflict_kmh", 20, "number", "km/h", 1, 300, BASIS, "difference beyond which one of them is wrong"),
)  # fmt: skip
PARAMS = np.dtype([("run", RUN_PARAMS), ("conflict", "i4")], align=True)


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    row["conflict"] = tenths(values["conflict_kmh"])
    pack_run(row["run"], values, KINDS, Grades([INFO]), limits=[int(row["conflict"])])


@compiled
def mark(
    fixes: Fixes, context: Rows, tables: Tables, params: Rows, hits: Rows, count: Ints, start: int
) -> int:
    """Which fixes hit; see `runs.Mark`."""
    for i in range(start, len(fixes)):
        if count[0] + MOST_HITS > len(hits):
            return i
        row = context[i]
        if row.use & USE_BOTH_SPEEDS == 0:
            continue
        apart = abs(np.int64(fixes[i].speed) - np.int64(fixes[i].recorder_speed))
        if apart > params[row.period].conflict:
            hit(hits, count, i, 0, 0, value=apart)
    return len(fixes)


def describe(finding: np.void, _names: Names) -> Described:
    """The finding in words."""
    peak, limit = int(finding["peak"]) / 10, int(finding["limit"]) / 10
    duration_ms = int(finding["ended_ms"]) - int(finding["began_ms"])
    why = {"duration_s": seconds(duration_ms), "fixes": int(finding["fixes"]), "basis": BASIS}
    zh = f"卫星速度与记录仪速度相差 {peak:g} km/h, 持续 {minutes_zh(duration_ms)}"
    en = f"Satellite and recorder speed {peak:g} km/h apart for {minutes_en(duration_ms)}"
    return Described("", KINDS[0], KINDS[0], whole(limit), whole(peak), "km/h", why, Sentence(zh=zh, en=en))


RULE = run_rule(
    name="speed_conflict", parameters=PARAMETERS, params_dtype=PARAMS, pack=pack, mark=mark, takes_part=USE_BOTH_SPEEDS, describe=describe
)  # fmt: skip
