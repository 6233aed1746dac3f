import { wordsOf } from "../words";

export const { say, useWords } = wordsOf({
  zh: {
    title: "车辆", lead: "按车牌或企业查找车辆", plate: "车牌", operator: "企业", class: "类别", division: "行政区划", search: "查找", none: "没有找到车辆", noneLead: "可输入车牌或企业名称的一部分,例如 A123 或 客运。", more: "更多",
    identity: "车辆信息", terminal: "终端", status: "状态", permit: "道路运输证", permitTo: "有效至", inspection: "检验有效期至", vin: "车架号", history: "登记变更", from: "起", to: "止", valid: "有效期",
    alerts: "告警", noAlerts: "没有告警", look: "回放", period: "时段", show: "显示", lastHours: "最近 {n} 小时", day: "当天", trips: "行程", stops: "停车", mileage: "里程", export: "导出", gaps: "数据缺口", positions: "{n} 个位置点",
    speed: "速度", chart: "速度曲线", noTrack: "这一时段没有位置数据", play: "播放", pause: "暂停", faster: "倍速", distance: "距离", began: "开始", ended: "结束", duration: "时长", maxSpeed: "最高速度", place: "位置", km: "km", kmh: "km/h",
    gap: "缺口 {time}", job: "已建立导出任务 {id},完成后可在“查询 → 任务”下载。", format: "格式", exportLead: "直接下载这一时段的轨迹:", active: "营运", late: "补传",
    bySource: "来源:{what}", odometer: "里程表", bypositions: "位置推算", mixed: "混合", ongoing: "未结束", limit: "一次至多 31 天", tracked: "轨迹", nowhere: "暂无最近位置",
  },
  en: {
    title: "Vehicles", lead: "Find a vehicle by its plate or operator", plate: "Plate", operator: "Operator", class: "Class", division: "Division", search: "Find", none: "No vehicle found", noneLead: "A part of the plate or of the operator's name is enough, e.g. A123.", more: "More",
    identity: "Identity", terminal: "Terminal", status: "Status", permit: "Permit", permitTo: "valid until", inspection: "Inspection due", vin: "VIN", history: "Registrations", from: "From", to: "To", valid: "Valid",
    alerts: "Alerts", noAlerts: "No alerts", look: "Playback", period: "Period", show: "Show", lastHours: "last {n} h", day: "this day", trips: "Trips", stops: "Stops", mileage: "Mileage", export: "Export", gaps: "Gaps in the data", positions: "{n} positions",
    speed: "Speed", chart: "Speed", noTrack: "No positions in this period", play: "Play", pause: "Pause", faster: "Speed-up", distance: "Distance", began: "Began", ended: "Ended", duration: "Duration", maxSpeed: "Top speed", place: "Place", km: "km", kmh: "km/h",
    gap: "gap of {time}", job: "Export {id} was begun; when it is done it can be downloaded from Search → jobs.", format: "Format", exportLead: "Download the track of this period:", active: "active", late: "uploaded later",
    bySource: "from {what}", odometer: "the odometer", bypositions: "positions", mixed: "both", ongoing: "not ended", limit: "at most 31 days at once", tracked: "Track", nowhere: "no latest position",
  },
});
