"""The terminal's own alarms.

What it flags
    An alarm bit that the terminal sets: the panic button, a collision, a stolen vehicle, an antenna that is cut.

Legal basis
    JT/T 808-2019 table 25 (alarm word); JT/T 809 (platforms pass alarms on); 道路运输车辆动态监督管理办法 art. 25: alarms are handled at once.

Opens, escalates, closes
    A run of fixes that carry the alarm, no two neighbours more than `max_gap_s` apart, that lasts `hold_s` over `min_fixes` opens; the panic button, a collision, a
    rollover and a stolen vehicle open with the first. Fixes within `merge_s` are one episode. Severity is what `alarms` says.

Ignores
    Alarms to which `alarms` gives no severity. Fixes that are not fixed take part: a panic button without reception must be heard.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Rows, Tables, compiled
from services.contracts.alert import SEVERITIES, Sentence
from services.contracts.fix import ALARMS, Fixes
from services.rules.durations import minutes_en, minutes_zh, seconds
from services.rules.records import USE_REPORT
from services.rules.rule import Described, Names, Parameter
from services.rules.run_rules import Grades, pack_run, run_parameters, run_rule
from services.rules.runs import MOST_HITS, RUN_PARAMS, hit

KINDS = ALARMS
TABLE_25 = "JT/T 808-2019 table 25"
AT_ONCE = ("emergency", "collision", "rollover_prewarning", "stolen")
FAULTS = ("power_lost", "gnss_antenna_open", "camera_fault")
SEVERITY_OF = {
    "emergency": "critical",
    "collision": "critical",
    "stolen": "critical",
    "rollover_prewarning": "major",
    "illegal_displacement": "minor",
    "gnss_antenna_open": "minor",
    "camera_fault": "info",
    "fatigue": "info",
}
PARAMETERS = (
    *run_parameters(
        KINDS, TABLE_25,
        hold_s={name: 0 if name in AT_ONCE else 60 for name in KINDS},
        min_fixes={name: 1 if name in AT_ONCE else 2 for name in KINDS},
        merge_s={name: 21_600 if name in FAULTS else 300 for name in KINDS},
        max_gap_s=dict.fromkeys(KINDS, 600),
    ),
    Parameter("alarms", SEVERITY_OF, "severities", "", 0, 0, TABLE_25, "how grave an alarm is; null: it is not told", KINDS),
)  # fmt: skip
PARAMS = np.dtype([("run", RUN_PARAMS), ("told", "u4")], align=True)


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    given = [values["alarms"].get(name) for name in KINDS]
    pack_run(
        row["run"], values, KINDS, Grades([0 if name is None else SEVERITIES.index(name) for name in given])
    )
    row["told"] = sum(1 << bit for bit, name in enumerate(given) if name is not None)


@compiled
def mark(
    fixes: Fixes, context: Rows, tables: Tables, params: Rows, hits: Rows, count: Ints, start: int
) -> int:
    """Which fixes hit; see `runs.Mark`."""
    for i in range(start, len(fixes)):
        if count[0] + MOST_HITS > len(hits):
            return i
        told = np.int64(fixes[i].alarms) & np.int64(params[context[i].period].told)
        bit = 0
        while told != 0:
            if told & 1:
                hit(hits, count, i, bit, bit)
            told >>= 1
            bit += 1
    return len(fixes)


def describe(finding: np.void, _names: Names) -> Described:
    """The finding in words."""
    kind, duration_ms = KINDS[int(finding["kind"])], int(finding["peak"])
    why = {"duration_s": seconds(duration_ms), "fixes": int(finding["fixes"]), "basis": TABLE_25}
    zh, en = WORDS[kind]
    if duration_ms:
        zh, en = f"{zh}, 持续 {minutes_zh(duration_ms)}", f"{en} for {minutes_en(duration_ms)}"
    return Described(
        "", kind, kind, seconds(int(finding["limit"])), seconds(duration_ms), "s", why, Sentence(zh=zh, en=en)
    )


WORDS = {
    "emergency": ("紧急报警", "Panic button"),
    "overspeed": ("终端报超速", "Terminal says: too fast"),
    "fatigue": ("终端报疲劳驾驶", "Terminal says: driver tired"),
    "dangerous_driving": ("终端报危险驾驶行为", "Terminal says: dangerous driving"),
    "gnss_fault": ("卫星定位模块故障", "Satellite receiver at fault"),
    "gnss_antenna_open": ("卫星天线未接或被剪断", "Satellite antenna cut or not connected"),
    "gnss_antenna_short": ("卫星天线短路", "Satellite antenna short-circuited"),
    "power_undervoltage": ("终端主电源欠压", "Main power of the terminal too low"),
    "power_lost": ("终端主电源掉电", "Main power of the terminal lost"),
    "display_fault": ("终端显示器故障", "Display of the terminal at fault"),
    "tts_fault": ("语音模块故障", "Voice module at fault"),
    "camera_fault": ("摄像头故障", "Camera at fault"),
    "card_module_fault": ("证件识读模块故障", "Card reader at fault"),
    "overspeed_prewarning": ("终端超速预警", "Terminal warns of speeding"),
    "fatigue_prewarning": ("终端疲劳驾驶预警", "Terminal warns of fatigue"),
    "forbidden_time_driving": ("终端报违规行驶", "Terminal says: driving at a forbidden time"),
    "tyre_pressure": ("胎压预警", "Tyre pressure warning"),
    "blind_spot": ("右转盲区异常", "Blind spot warning"),
    "daily_driving_exceeded": ("终端报当天累计驾驶超时", "Terminal says: too much driving today"),
    "overtime_parking": ("终端报超时停车", "Terminal says: parked too long"),
    "area_in_out": ("终端报进出区域", "Terminal says: area entered or left"),
    "route_in_out": ("终端报进出路线", "Terminal says: route entered or left"),
    "segment_time": (
        "终端报路段行驶时间不足或过长",
        "Terminal says: time on a stretch too short or too long",
    ),
    "route_deviation": ("终端报路线偏离", "Terminal says: off route"),
    "vss_fault": ("车辆速度传感器故障", "Vehicle speed sensor at fault"),
    "fuel_abnormal": ("油量异常", "Fuel level abnormal"),
    "stolen": ("车辆被盗", "Vehicle stolen"),
    "illegal_ignition": ("车辆非法点火", "Illegal ignition"),
    "illegal_displacement": ("车辆非法位移", "Illegal displacement"),
    "collision": ("碰撞报警", "Collision"),
    "rollover_prewarning": ("侧翻预警", "Rollover warning"),
    "illegal_door_opening": ("非法开门报警", "Illegal door opening"),
}

RULE = run_rule(
    name="terminal_alarm", parameters=PARAMETERS, params_dtype=PARAMS, pack=pack, mark=mark, takes_part=USE_REPORT, describe=describe
)  # fmt: skip
