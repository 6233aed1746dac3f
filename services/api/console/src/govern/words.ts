import { wordsOf } from "../words";

export const { say, useWords } = wordsOf({
  zh: {
    noWebhooks: "还没有推送地址。新增一个,启用时会先发一条签名的测试请求。", noDeliveries: "还没有推送记录。", noKeys: "还没有密钥。", noAudit: "没有符合条件的审计记录。",
    expressway: "高速", highway: "公路", urbanExpressway: "城市快速路", urban: "城市道路", rural: "乡村道路", mountain: "山区道路", sameAsDefault: "同现行值",
    webhooks: "事件推送", accounts: "账号与密钥", map: "路线与区域", rules: "规则", audit: "审计", system: "系统状态", mine: "我的账号", none: "没有内容", more: "更多", notFor: "此账号没有可管理的内容。",
    created: "建立", state: "状态", url: "地址", types: "事件类型", failures: "连续失败", description: "说明", add: "新增", cancel: "取消", confirm: "确定", ping: "发送签名测试", enable: "启用", disable: "停用", remove: "删除", rotate: "更换密钥", deliveries: "投递记录", redeliver: "重新投递", recover: "补发", since: "起", until: "止",
    secretOnce: "密钥只显示这一次,请立即保存:", keyOnce: "密钥只显示这一次,请立即保存:", passwordOnce: "初始密码只显示这一次:", pending: "待验证", active: "启用", paused: "暂停", disabled: "停用", algorithm: "签名算法", event: "事件", attempts: "尝试", tries: "每次尝试", next: "下次", response: "响应", status: "状态", delivered: "已送达", waiting: "等待", held: "排队等前一条", exhausted: "已放弃", withheld: "未发送", again: "重发", recorded: "已记录", recoverDone: "补发任务 {id} 已开始", sure: "确定要{what}吗?", allTypes: "全部", pinged: "测试已送出:看投递记录。", done: "已完成",
    login: "登录名", name: "姓名", role: "角色", scope: "数据范围", divisions: "行政区划前缀(逗号分隔)", operators: "企业(逗号分隔)", locked: "已锁定", unlock: "解锁", reset: "重置密码", deactivate: "停用账号", activate: "启用账号", keys: "密钥", newKey: "新建密钥", permissions: "权限", expires: "有效期至", used: "上次使用", revoke: "吊销", revoked: "已吊销", everything: "全部", myKeys: "我的密钥", password: "修改密码", old: "原密码", new: "新密码(至少 12 个字符)", changed: "密码已修改",
    roads: "道路", routes: "线路", zones: "区域", datum: "坐标为 WGS-84。公开地图(高德、腾讯等)使用 GCJ-02,偏移可达 700 米:从那里描下来的线路不能直接使用。", view: "查看", draw: "绘制", tooFar: "请放大地图以显示道路",
    basis: "法律依据", flags: "识别什么", course: "开始、升级、结束", ignores: "不计入", parameters: "参数", value: "现行值", default: "缺省", range: "范围", unit: "单位", source: "出处", kinds: "类型", from: "自", sets: "规则集版本", inForce: "现行", superseded: "已被取代", otherTime: "其他时期", version: "版本",
    dispatcher: "调度员", supervisor: "督办主管", authority: "交通主管部门", enterprise: "运输企业", partner: "合作平台", system_admin: "系统管理员", security_admin: "安全管理员", audit_admin: "审计管理员",
    time: "时间", actor: "操作人", action: "操作", object: "对象", outcome: "结果", purpose: "事由", detail: "明细", hash: "链哈希", filter: "筛选", chain: "每一行都带有前一行的哈希;roadwatch audit verify 验证整条链。",
    service: "服务", rate: "速率(条/秒)", position: "位置", owner: "进程", minute: "最近一分钟", hour: "最近一小时", accepted: "接受", flagged: "接受并标记", quarantined: "隔离", rejectedCount: "拒绝", operator: "企业", vehicles: "车辆", last: "最近报告", longest: "按失联时间", streams: "打开的事件流", feed: "最新事件号", backlog: "待推送", jobs: "任务", database: "数据库", kafkaAway: "Kafka 没有应答", unknown: "尚不清楚", silence: "静默 {time}",
    rejects: "拒收报文", rejectsLead: "被隔离或拒绝的报文原样保留 30 天,每次查看都记入审计;数字为最近一小时的条数", showAll: "查看全部", noRejects: "没有拒收的报文", older: "更早的", stoppedAt: "查找了 {count} 条后停止,更早的尚未查找。", bytes: "{count} 字节", cutAt: "只显示前 {shown} 字节,共 {count} 字节", noText: "不是可显示的文本",
    refresh: "刷新", lag: "积压", reason: "原因", partition: "分区",
  },
  en: {
    noWebhooks: "No endpoint yet. Add one; enabling it sends a signed ping first.", noDeliveries: "Nothing has been delivered yet.", noKeys: "No key yet.", noAudit: "No row of the audit meets this.",
    expressway: "expressway", highway: "highway", urbanExpressway: "urban expressway", urban: "urban", rural: "rural", mountain: "mountain", sameAsDefault: "the same",
    webhooks: "Webhooks", accounts: "Accounts and keys", map: "Routes and zones", rules: "Rules", audit: "Audit", system: "System", mine: "My account", none: "Nothing here", more: "More", notFor: "This account has nothing to govern.",
    created: "Created", state: "State", url: "URL", types: "Event types", failures: "Failures in a row", description: "Description", add: "Add", cancel: "Cancel", confirm: "OK", ping: "Send a signed ping", enable: "Enable", disable: "Disable", remove: "Delete", rotate: "Rotate secret", deliveries: "Deliveries", redeliver: "Redeliver", recover: "Recover", since: "Since", until: "Until",
    secretOnce: "The secret is shown this once; keep it now:", keyOnce: "The key is shown this once; keep it now:", passwordOnce: "The first password is shown this once:", pending: "to be verified", active: "active", paused: "paused", disabled: "disabled", algorithm: "Signature", event: "Event", attempts: "Attempts", tries: "Attempts", next: "Next", response: "Response", status: "Status", delivered: "delivered", waiting: "waiting", held: "behind another", exhausted: "given up", withheld: "withheld", again: "again", recorded: "recorded", recoverDone: "Recovery {id} was begun", sure: "Really: {what}?", allTypes: "all", pinged: "The ping was sent: see the deliveries.", done: "Done",
    login: "Login", name: "Name", role: "Role", scope: "Scope", divisions: "Division prefixes (comma)", operators: "Operators (comma)", locked: "locked", unlock: "Unlock", reset: "Reset password", deactivate: "Deactivate", activate: "Activate", keys: "Keys", newKey: "New key", permissions: "Permissions", expires: "Expires", used: "Last used", revoke: "Revoke", revoked: "revoked", everything: "everything", myKeys: "My keys", password: "Change password", old: "Old password", new: "New password (12 characters at least)", changed: "The password was changed",
    roads: "Roads", routes: "Routes", zones: "Zones", datum: "Coordinates are WGS-84. Public Chinese maps (Amap, Tencent …) use GCJ-02, up to 700 m away: what was traced there must not be used as it is.", view: "View", draw: "Draw", tooFar: "Zoom in to see roads",
    basis: "Legal basis", flags: "What it flags", course: "Opens, escalates, closes", ignores: "Ignores", parameters: "Parameters", value: "In force", default: "Default", range: "Range", unit: "Unit", source: "Source", kinds: "Kinds", from: "from", sets: "Versions of the rules", inForce: "in force", superseded: "superseded", otherTime: "other time", version: "Version",
    dispatcher: "dispatcher", supervisor: "supervisor", authority: "authority", enterprise: "enterprise", partner: "partner", system_admin: "system administrator", security_admin: "security administrator", audit_admin: "audit administrator",
    time: "Time", actor: "Who", action: "Action", object: "Object", outcome: "Outcome", purpose: "Purpose", detail: "Detail", hash: "Hash", filter: "Filter", chain: "Every row carries the hash of the one before; roadwatch audit verify proves the chain.",
    service: "Service", rate: "Rate (1/s)", position: "Position", owner: "Process", minute: "last minute", hour: "last hour", accepted: "accepted", flagged: "accepted, flagged", quarantined: "quarantined", rejectedCount: "rejected", operator: "Operator", vehicles: "Vehicles", last: "Last report", longest: "longest silent first", streams: "Open streams", feed: "Last event", backlog: "To be delivered", jobs: "Jobs", database: "Database", kafkaAway: "Kafka does not answer", unknown: "not known yet", silence: "silent for {time}",
    rejects: "Rejected reports", rejectsLead: "what was quarantined or rejected is kept as it came for 30 days; each look goes into the audit; the figures are of the last hour", showAll: "Show all", noRejects: "No report was kept out", older: "Older", stoppedAt: "The search stopped after {count} records; what is older has not been searched yet.", bytes: "{count} bytes", cutAt: "The first {shown} of {count} bytes", noText: "Not text that can be shown",
    refresh: "Refresh", lag: "Lag", reason: "Reason", partition: "Partition",
  },
});

export const ROLES = ["dispatcher", "supervisor", "authority", "enterprise", "partner", "system_admin", "security_admin", "audit_admin"] as const;

/** A role in words; one that the console does not know yet as the api names it. */
export function roleWord(role: string): string {
  const known = ROLES.find((one) => one === role);
  return known ? say(known) : role;
}
