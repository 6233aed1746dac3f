"""Driving with a door open.

What it flags
    A school bus, coach or charter that drives while its front, middle or rear door is known to be open.

Legal basis
    道路交通安全法实施条例 art. 62(1): no driving with doors not closed; 校车安全管理条例 art. 39 for school buses.

Opens, escalates, closes
    A run of fixes at `moving_kmh` or faster with such a door open, no two neighbours more than `max_gap_s` apart, that lasts `hold_s` over `min_fixes`
    opens; hits within `merge_s` are one episode. Major; critical once any of them had pupils on board.

Ignores
    Fixes that are not fixed, without a speed, or of implausible speed; doors that the report says nothing of; the driver's and other doors.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Rows, Tables, compiled
from services.contracts.alert import Sentence
from services.contracts.fix import DOORS, STATUS_DOORS_KNOWN, STATUS_DOORS_SHIFT, STATUS_PUPILS, Fixes
from services.contracts.registry import CLASSES
from services.rules.durations import minutes_en, minutes_zh, seconds
from services.rules.parameters import tenths
from services.rules.records import USE_SPEED
from services.rules.rule import Described, Names, Parameter
from services.rules.run_rules import Grades, pack_run, run_parameters, run_rule
from services.rules.runs import MOST_HITS, RUN_PARAMS, hit

KINDS = ("moving",)
MAJOR = 2
PASSENGER_DOORS = sum(1 << (STATUS_DOORS_SHIFT + DOORS.index(name)) for name in ("front", "middle", "rear"))
ART_62 = "实施条例 art. 62(1)"
PARAMETERS = (
    *run_parameters(KINDS, ART_62, hold_s={"moving": 5}, min_fixes={"moving": 2}, merge_s={"moving": 600}, max_gap_s={"moving": 60}),
    Parameter("moving_kmh", 10, "number", "km/h", 0, 50, "terminal accuracy 7.2 km/h, JT/T 794", "driving from this speed on"),
    Parameter("classes", ["school_bus", "coach", "charter"], "classes", "", 0, 0, ART_62, "classes that it is for"),
)  # fmt: skip
PARAMS = np.dtype([("run", RUN_PARAMS), ("moving", "u2"), ("classes", "u1", (len(CLASSES),))], align=True)


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    pack_run(row["run"], values, KINDS, Grades([MAJOR]))
    row["moving"] = tenths(values["moving_kmh"])
    row["classes"] = [name.value in values["classes"] for name in CLASSES]


@compiled
def mark(
    fixes: Fixes, context: Rows, tables: Tables, params: Rows, hits: Rows, count: Ints, start: int
) -> int:
    """Which fixes hit; see `runs.Mark`."""
    for i in range(start, len(fixes)):
        if count[0] + MOST_HITS > len(hits):
            return i
        row, param, status = context[i], params[context[i].period], fixes[i].status
        if row.use & USE_SPEED == 0 or row.speed < param.moving or not param.classes[row.vehicle_class]:
            continue
        if status & STATUS_DOORS_KNOWN and status & PASSENGER_DOORS:
            hit(hits, count, i, 0, 0, graver=1 if status & STATUS_PUPILS else 0)
    return len(fixes)


def describe(finding: np.void, _names: Names) -> Described:
    """The finding in words."""
    duration_ms, pupils = int(finding["peak"]), bool(finding["graver"])
    why = {
        "duration_s": seconds(duration_ms),
        "fixes": int(finding["fixes"]),
        "basis": ART_62,
        "pupils": pupils,
    }
    zh = f"车门未关行驶 {minutes_zh(duration_ms)}" + (", 车上有学生" if pupils else "")
    en = f"Drove {minutes_en(duration_ms)} with a door open" + (", pupils on board" if pupils else "")
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
    name="door_open", parameters=PARAMETERS, params_dtype=PARAMS, pack=pack, mark=mark, takes_part=USE_SPEED, describe=describe
)  # fmt: skip
