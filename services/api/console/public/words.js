// The two languages of the pages; Chinese unless the reader chose English before. Codes get their words from /v1/meta.
export const WORDS = {
  zh: {
    title: "路哨 · 实时告警", asOf: "数据截至", docs: "接口文档", rule: "规则", severity: "等级", class: "类别", state: "状态", began: "开始时间",
    vehicle: "车辆", what: "说明", operator: "企业", empty: "没有符合条件的告警。新的告警会自动出现。", more: "显示更早的", all: "全部",
    live: "实时", connecting: "连接中…", away: "连接中断,正在重连…", reset: "数据库已恢复到较早的状态,列表已重新读取。", other: "English", loadFailed: "读取失败",
    openCount: "列表中进行中", home: "实时告警", signIn: "登录", signOut: "退出", login: "登录名", password: "密码", code: "验证码",
    changePassword: "首次登录,请设置新密码(至少 12 个字符)", new: "新密码", go: "确定",
    provider: "统一身份登录", noAlerts: "此账号无权查看告警。可用的操作见接口文档。", body: "请求内容", parameter: "参数", type: "类型", meaning: "说明",
  },
  en: {
    title: "Roadwatch · live alerts", asOf: "data as of", docs: "API", rule: "Rule", severity: "Severity", class: "Class", state: "State", began: "Began",
    vehicle: "Vehicle", what: "What", operator: "Operator", empty: "No alerts meet the conditions. New ones appear by themselves.", more: "Show earlier ones",
    all: "all", live: "live", connecting: "connecting…", away: "connection lost, trying again…", reset: "The database was set back; the list was read anew.",
    other: "中文", loadFailed: "could not be read", openCount: "open in the list", home: "Live alerts", signIn: "Sign in", signOut: "Sign out", login: "Login", password: "Password",
    code: "One-time code", changePassword: "Choose a new password (at least 12 characters)", new: "New password", go: "OK",
    provider: "Sign in at the identity provider", noAlerts: "This account may not see alerts; the API page lists what it can do.", body: "Body",
    parameter: "Parameter", type: "Type", meaning: "Meaning",
  },
};

export let language = localStorage.getItem("language") === "en" ? "en" : "zh";

export function word(key) {
  return WORDS[language][key];
}

export function toggleLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
}

export function applyWords() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = word(element.dataset.text);
  document.getElementById("language").textContent = word("other");
}

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
