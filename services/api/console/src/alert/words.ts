import { wordsOf } from "../words";

export const { say, useWords } = wordsOf({
  zh: {
    measured: "实测", limit: "限值", over: "超出", lasted: "持续", ongoing: "仍在持续", began: "开始", ended: "结束", confidence: "可信度", basis: "依据", road: "路段", route: "线路",
    vehicle: "车辆", operator: "企业", driver: "驾驶员", vehiclePage: "车辆详情", reveal: "查看驾驶员", revealWhy: "查看驾驶员信息的事由(将记入审计)",
    speedChart: "速度曲线", speedChartLead: "横轴为时间,虚线为限值,橙色为告警区间", ledger: "驾驶时间线", ledgerLead: "自本段驾驶开始;绿色为休息", distanceChart: "偏离距离", noTrack: "这一时段没有轨迹",
    driving: "驾驶", stopped: "停车(不算休息)", rest: "休息", silent: "失联", history: "处理记录", nothingDone: "还没有人处理。", judged: "判定第 {n} 版", by: "由 {who}",
    note: "说明(可不填)", text: "说明", account: "账号(登录名或编号)", level: "紧急程度", due: "办结期限", reason: "办结原因", confirm: "确定", cancel: "取消",
    done: "已完成: {what}", conflict: "别人刚刚处理过这条告警,页面已更新,请再看一眼。", gone: "没有这条告警,或者无权查看。", supervised: "督办", overdue: "已超期", mine: "由我处理", assignee: "处理人",
    copy: "复制链接", copied: "已复制", print: "打印", kmh: "km/h", late: "迟到数据补判", why: "判定理由", viewing: "{who} 也在看这条告警",
    unmask: "显示完整姓名和电话", driverName: "姓名", phone: "电话", noPhone: "未登记", licence: "准驾车型", qualifiedFor: "从业资格", validTo: "资格有效期至", masked: "已脱敏",
  },
  en: {
    measured: "Measured", limit: "Limit", over: "Above by", lasted: "Lasted", ongoing: "still going on", began: "Began", ended: "Ended", confidence: "Confidence", basis: "Basis", road: "Road", route: "Route",
    vehicle: "Vehicle", operator: "Operator", driver: "Driver", vehiclePage: "Vehicle page", reveal: "Show driver", revealWhy: "Why the driver is looked up (goes into the audit)",
    speedChart: "Speed", speedChartLead: "time to the right; dashed: the limit; orange: the episode", ledger: "Driving time", ledgerLead: "since the spell began; green is rest", distanceChart: "Distance off route", noTrack: "no track of this time",
    driving: "driving", stopped: "stopped (no rest)", rest: "rest", silent: "silent", history: "What was done", nothingDone: "Nobody has acted yet.", judged: "judged, version {n}", by: "by {who}",
    note: "Note (optional)", text: "Note", account: "Account (login or id)", level: "Urgency", due: "To be resolved until", reason: "What came of it", confirm: "OK", cancel: "Cancel",
    done: "Done: {what}", conflict: "Somebody has just acted on this alert; the page is up to date again, look once more.", gone: "There is no such alert, or it is outside what you may see.", supervised: "Supervised", overdue: "overdue", mine: "mine", assignee: "Assigned to",
    copy: "Copy link", copied: "Copied", print: "Print", kmh: "km/h", late: "judged from late data", why: "Why", viewing: "{who} is looking at this alert, too",
    unmask: "Show name and telephone in full", driverName: "Name", phone: "Telephone", noPhone: "not registered", licence: "Licence class", qualifiedFor: "Qualified for", validTo: "Qualified until", masked: "masked",
  },
});
