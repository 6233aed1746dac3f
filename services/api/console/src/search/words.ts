import { wordsOf } from "../words";

export const { say, useWords } = wordsOf({
  zh: {
    presence: "谁曾在场", near: "谁在附近", jobs: "任务", presenceLead: "在地图上点出一个区域(多边形)或一段路(折线),查出这段时间内到过的车辆;两次定位之间穿过的也算,并注明。", nearLead: "在地图上点一下事发地点,列出附近车辆。",
    polygon: "区域", line: "路段", undo: "撤销一点", clear: "清除", buffer: "路段两侧(米)", from: "起", to: "止", classes: "车辆类别", anyClass: "全部类别", search: "查询", searching: "查询中…", asJob: "作为任务在后台查询",
    drawFirst: "请先在地图上点出至少三个点", drawLine: "请先在地图上点出至少两个点", found: "共 {n} 辆", truncated: "(只列出前 {n} 辆)", none: "没有车辆到过这里", noneNear: "附近没有车辆",
    class: "类别", fixes: "定位数", between: "两次定位之间穿过", radius: "半径(米)", bearing: "方位", age: "数据距今", speed: "速度", hazmat: "危险货物",
    job: "任务", kind: "类型", state: "状态", progress: "进度", created: "建立", result: "下载结果", cancel: "取消", noJobs: "没有任务", waiting: "排队", running: "进行中", done: "完成", failed: "失败", cancelled: "已取消", export: "导出", "webhook.recover": "补发事件", began: "任务 {id} 已建立", kmh: "km/h", m: "米",
    pick: "请在地图上点击事发地点", at: "地点",
  },
  en: {
    presence: "Who was there", near: "Who is near", jobs: "Jobs", presenceLead: "Click an area (polygon) or a stretch of road (line) on the map to find the vehicles that were there; those that crossed between two positions count, and are marked.", nearLead: "Click where it happened to list the vehicles around.",
    polygon: "Area", line: "Road", undo: "Undo a point", clear: "Clear", buffer: "Both sides of it (m)", from: "From", to: "To", classes: "Class", anyClass: "all classes", search: "Search", searching: "Searching…", asJob: "search in the background, as a job",
    drawFirst: "Click at least three points on the map first", drawLine: "Click at least two points on the map first", found: "{n} vehicles", truncated: "(the first {n} are listed)", none: "No vehicle was there", noneNear: "No vehicle is near",
    class: "Class", fixes: "Positions", between: "crossed between two positions", radius: "Radius (m)", bearing: "Bearing", age: "Age", speed: "Speed", hazmat: "dangerous goods",
    job: "Job", kind: "Kind", state: "State", progress: "Progress", created: "Begun", result: "Download", cancel: "Cancel", noJobs: "No jobs", waiting: "waiting", running: "running", done: "done", failed: "failed", cancelled: "cancelled", export: "export", "webhook.recover": "events again", began: "Job {id} was begun", kmh: "km/h", m: "m",
    pick: "Click the place on the map", at: "Place",
  },
});
