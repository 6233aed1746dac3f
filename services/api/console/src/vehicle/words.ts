import { wordsOf } from "../words";

export const { say, useWords } = wordsOf({
  zh: {
    title: "车辆", lead: "按车牌或企业查找车辆", plate: "车牌", operator: "企业", class: "类别", division: "行政区划", search: "查找", none: "没有找到车辆", noneLead: "可输入车牌或企业名称的一部分,例如 A123 或 客运。", more: "更多",
    identity: "车辆信息", terminal: "终端", status: "状态", permit: "道路运输证", permitTo: "有效至", inspection: "检验有效期至", vin: "车架号", history: "登记变更", from: "起", to: "止",
    alerts: "告警", noAlerts: "没有告警", look: "回放", show: "显示", lastHours: "最近 {n} 小时", trips: "行程", stops: "停车", mileage: "里程", gaps: "数据缺口", positions: "{n} 个位置点",
    chart: "速度曲线", noTrack: "这一时段没有位置数据", play: "播放", pause: "暂停", distance: "距离", began: "开始", ended: "结束", duration: "时长", maxSpeed: "最高速度", place: "位置", km: "km", kmh: "km/h",
    gap: "缺口 {time}", exportLead: "直接下载这一时段的轨迹:", active: "营运",
    ongoing: "未结束", tracked: "轨迹",
    measured: "距离依据", source_odometer: "里程表", source_positions: "定位", source_mixed: "里程表与定位", source_none: "—", notOdometer: "未采用里程表的原因",
    doubt_absent: "无读数", doubt_backwards: "读数倒退", doubt_leap: "读数跳变", doubt_too_little: "读数少于实际行程(停走或精度不足)", doubt_too_much: "读数多于实际行程",
    health: "终端", reports: "报文", backfilled: "另有补传 {n} 条", truncated: "仅统计最新的 {n} 条", taken: "终端时间", received: "接收时间", clock: "时钟", interval: "上报间隔", flagged: "带质量标记", withoutSpeed: "无速度", frozen: "重复位置", satellites: "卫星数",
    clock_right: "正常", clock_behind: "持续偏慢 {time}", clock_ahead: "持续偏快 {time}", clock_unsteady: "不稳定,偏差相差 {time}", clock_unknown: "报文不足,无法判断", speed: "速度", speed_told: "正常", noReports: "这一时段没有报文",
    speed_missing: "半数以上报文无速度,无法判定超速", speed_stuck: "车辆移动时速度为 0,无法判定超速", speed_unknown: "—", utcLead: "偏差约为 8 小时:终端可能把 UTC 时间当作北京时间发送。",
  },
  en: {
    title: "Vehicles", lead: "Find a vehicle by its plate or operator", plate: "Plate", operator: "Operator", class: "Class", division: "Division", search: "Find", none: "No vehicle found", noneLead: "A part of the plate or of the operator's name is enough, e.g. A123.", more: "More",
    identity: "Identity", terminal: "Terminal", status: "Status", permit: "Permit", permitTo: "valid until", inspection: "Inspection due", vin: "VIN", history: "Registrations", from: "From", to: "To",
    alerts: "Alerts", noAlerts: "No alerts", look: "Playback", show: "Show", lastHours: "last {n} h", trips: "Trips", stops: "Stops", mileage: "Mileage", gaps: "Gaps in the data", positions: "{n} positions",
    chart: "Speed", noTrack: "No positions in this period", play: "Play", pause: "Pause", distance: "Distance", began: "Began", ended: "Ended", duration: "Duration", maxSpeed: "Top speed", place: "Place", km: "km", kmh: "km/h",
    gap: "gap of {time}", exportLead: "Download the track of this period:", active: "active",
    ongoing: "not ended", tracked: "Track",
    measured: "Measured by", source_odometer: "odometer", source_positions: "positions", source_mixed: "odometer and positions", source_none: "—", notOdometer: "Odometer not used because",
    doubt_absent: "no reading", doubt_backwards: "it went backwards", doubt_leap: "it leapt", doubt_too_little: "it says less than the way driven (stands still, or counts coarsely)", doubt_too_much: "it says more than the way driven",
    health: "Terminal", reports: "Reports", backfilled: "and {n} uploaded later", truncated: "the newest {n} only", taken: "Taken", received: "Received", clock: "Clock", interval: "Interval", flagged: "With a quality flag", withoutSpeed: "Without speed", frozen: "Repeating their place", satellites: "Satellites",
    clock_right: "right", clock_behind: "steadily {time} behind", clock_ahead: "steadily {time} ahead", clock_unsteady: "unsteady, offsets {time} apart", clock_unknown: "too few reports to tell", speed: "Speed", speed_told: "told", noReports: "No reports in this period",
    speed_missing: "half of the reports or more tell no speed: speeding cannot be judged", speed_stuck: "the vehicle moves and tells 0 km/h: speeding cannot be judged", speed_unknown: "—", utcLead: "About 8 hours: the terminal may send UTC as local time.",
  },
});
