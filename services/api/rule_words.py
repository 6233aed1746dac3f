"""The rules in Chinese, beside the English of their own modules (services/api/rules.json); a test holds them together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleWords:
    """What a rule flags and on what law it stands; `parameters` by name."""

    flags: str
    basis: str
    course: str
    ignores: str
    parameters: dict[str, str]


WORDS = {
    "speeding": RuleWords(
        "车速超过其车型在该道路、地点与时段的限速,且不间断地持续超过 min_duration_s。",
        "道路交通安全法第42条;实施条例第45、78条;危险货物道路运输安全管理办法第46条;校车安全管理条例第35条;夜间系数据道路运输车辆动态监督管理办法;"
        "分档据道路交通安全违法行为记分管理办法;“持续超过30秒计一次、一分钟内多次合并”据考核表填表说明。",
        "连续超速的定位点为一段,首末相隔即其时长;超过 min_duration_s 时告警,merge_window_s 内的后续各段并入。级别随峰值对法定限速的超速比例而升;"
        "后续定位证明不会再有并入时结束。",
        "未定位、位置冻结、无车速或车速不可信(160 km/h 以上)的点视同没有,不打断任何一段。",
        {
            "statutory_kmh": "车型在各类道路上的法定限速,不论标牌",
            "unmatched_limit_kmh": "未匹配到道路时的限速",
            "night_factor": "夜间监控限速占白天的比例",
            "night_window": "夜间时段(当地时间)",
            "tolerance_kmh": "不视为超速的余量",
            "min_duration_s": "须持续超过的时长",
            "merge_window_s": "相隔不超过此时长的各段合并",
            "max_gap_s": "相邻点间隔超过此值即断开",
        },
    ),
    "fatigue": RuleWords(
        "驾驶员驾驶时间超过法定上限: 连续未休息、夜间连续未休息、24 小时内累计、7 日内累计。",
        "道路交通安全法实施条例第62条第7项;道路运输条例第28条;GA/T 2372-2026;道路运输车辆动态监督管理办法(客运);道路旅客运输企业安全管理规范第38条(7日44小时)。",
        "每车每人一本账。一程自首个行驶点至最近行驶点,不足休息时长的停车仍计驾驶;车速达 surely_kmh、较慢而离开原地、或位置已远离原地(不论车速)均为行驶。"
        "超过上限时告警,达上限 1.25 倍时升为严重。满 min_rest_s 的休息、容得下一次休息的无报、超过 max_silence_s 的无报或驾驶员离车同样久时结束。"
        "夜间另计;滚动累计在首个不再超限的点结束。",
        "未定位、位置冻结或车速不可信的点(驾驶员卡除外);点火状态与终端自带报警: 法律要求的是停车与休息。",
        {
            "moving_kmh": "离开停车地点后,达到此速度为行驶",
            "still_kmh": "不超过此速度为静止",
            "surely_kmh": "达到此速度即为行驶,不论何处",
            "leave_m": "超过此距离为离开原地",
            "stay_s": "在一处停留满此时长后,达到 surely_kmh 才算行驶",
            "displaced_m": "离停车地点超过此距离,不论车速即为已被开走",
            "min_rest_s": "停满此时长为休息",
            "max_gap_s": "更长的无报本身不证明什么",
            "rest_radius_m": "在此半径内视为未移动",
            "stray_s": "半径外的单个点在此时长内复原则不作数",
            "max_silence_s": "更长的无报在原地结束一程",
            "silent_drive_kmh": "推算无报期间路程所需时间的车速",
            "continuous_s": "最长连续驾驶",
            "night_window": "夜间时段(当地时间)",
            "night_continuous_s": "夜间最长连续驾驶",
            "rolling_24h_s": "24 小时内最长驾驶",
            "rolling_7d_s": "7 日内最长驾驶",
        },
    ),
    "route_deviation": RuleWords(
        "车辆在派班有效期内驶出其路线的走廊。",
        "校车应按审核确定的路线行驶(校车安全管理条例第30条);部分危险货物限按核定路线运输(危险货物道路运输安全管理办法第48条);"
        "班线与包车按其计划路线行驶,即派班本身。15 米余量为 JT/T 794 对终端的精度要求。",
        "距路线超过最近路段半宽与 margin_m 之和为偏离;相邻间隔不超过 max_gap_s 的连续偏离点,历时满 hold_s 且不少于 min_fixes 个时告警。"
        "满 10 分钟或 1 km 为较重,危险货物加一级。连续两点未偏离、无报超过 max_gap_s 或派班结束时结束。",
        "未定位或位置冻结的点;路线两端 ends_exempt_m 之内(场站);派班首个点在停车场站(depot)内时驶向路线的途中,至多 approach_s;行驶方向。",
        {
            "margin_m": "半宽之外允许的余量",
            "ends_exempt_m": "距两端此距离内不判",
            "approach_s": "自停车场站驶至路线的最长时间",
            "max_gap_s": "更长的无报断开并结束",
            "hold_s": "须持续的时长",
            "min_fixes": "且不少于的点数",
        },
    ),
    "plausibility": RuleWords(
        "本身不告警。接收机失锁后可能一直重复最后的位置而车辆仍在行驶: 这样的点视为位置冻结,各规则按未定位处理。",
        "无法条: 同一批报文中的车速否定其位置时,不凭单一信号下结论。JT/T 794 要求终端定位误差不超过 15 米,车速已证明行驶 300 米而位置不动,二者不能同真。",
        "首个定位点为锚点;此后离锚点超过 frozen_m、慢于 frozen_kmh、无车速或车速不可信、与前一定位点相隔超过 frozen_gap_s 的定位点为新的锚点。"
        "自锚点起按相邻两点较低车速累计路程(每对至多计一分钟),累计超过 frozen_distance_m 的点为位置冻结。",
        "驾驶员卡: 位置冻结的点仍读取驾驶员。",
        {
            "frozen_m": "离锚点不超过此距离视为同一位置",
            "frozen_distance_m": "其间车速须证明的路程",
            "frozen_kmh": "更慢的点可以停在原地",
            "frozen_gap_s": "更长的无报之后重新采信位置",
        },
    ),
    "matching": RuleWords(
        "本身不告警。超速按定位点所在道路取限速。",
        "无法条;依据 JT/T 794 对终端位置与速度精度的要求。",
        "取 match_radius_m 之内、方向与航向相差不超过 match_heading_deg 的最近道路。比它远不超过 tie_m 的道路同样符合: 无人能断定车在哪一条上,"
        "按该车此刻限速最高的一条判,各条限速不同时置信度为 0.5。",
        "无航向或慢于 moving_kmh 的点的方向: 静止时航向没有意义。",
        {
            "match_radius_m": "匹配道路的最远距离",
            "match_heading_deg": "航向与道路方向的最大夹角",
            "moving_kmh": "达到此速度才比较航向",
            "tie_m": "比最近道路远不超过此距离的道路同样符合",
        },
    ),
}
