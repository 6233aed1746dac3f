import { wordsOf } from "../words";

export const { say, useWords } = wordsOf({
  zh: {
    title: "交接班", from: "班次开始", to: "班次结束", untilNow: "到现在", show: "查看", thisShift: "本班", lastShift: "上一班", day: "最近 24 小时", print: "打印", zone: "北京时间",
    began: "本班新增告警", done: "本班处理操作", open: "现在未办结", overdue: "其中已超期", openTitle: "交给下一班的告警", doneTitle: "本班做了什么", resolutions: "办结原因", person: "人员", total: "合计",
    pressed: "督办与超期", taken: "已知晓或已派发", unseen: "无人确认", nothingOpen: "没有留给下一班的告警。", nothingDone: "这一班没有人做过处理。", nothingResolved: "这一班没有办结告警。",
    waiting: "已等待", holder: "处理人", due: "期限", late: "已超期", nobody: "无", shown: "只列出最紧急的 {shown} 条,共 {all} 条", partial: "未办结的告警太多,此处只读取了最近的一部分;上方的数字是全部。",
    old: "刷新失败,以下数字截至 {time}。", asOf: "统计截至 {time}", handling: "处理状态", what: "告警", vehicle: "车辆", whole: "全部列出",
  },
  en: {
    title: "Shift hand-over", from: "Shift began", to: "Shift ended", untilNow: "until now", show: "Show", thisShift: "This shift", lastShift: "Shift before", day: "Last 24 hours", print: "Print", zone: "Beijing time",
    began: "Alerts begun in the shift", done: "Actions in the shift", open: "Not resolved now", overdue: "of these overdue", openTitle: "Handed to the next shift", doneTitle: "What was done", resolutions: "How they were resolved", person: "Who", total: "Total",
    pressed: "Supervised or overdue", taken: "Acknowledged or assigned", unseen: "Acknowledged by nobody", nothingOpen: "Nothing is left to the next shift.", nothingDone: "Nobody acted in this shift.", nothingResolved: "Nothing was resolved in this shift.",
    waiting: "Waiting", holder: "Assigned to", due: "Due", late: "overdue", nobody: "nobody", shown: "only the {shown} most urgent of {all} are listed", partial: "There are too many unresolved alerts; only the latest are listed here. The figures above count all.",
    old: "Could not be refreshed; these figures are as of {time}.", asOf: "as of {time}", handling: "Handling", what: "Alert", vehicle: "Vehicle", whole: "List all",
  },
});
