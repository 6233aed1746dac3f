// Latest alerts as they happen: a first page by REST, then the stream from that page's own position, so that nothing is missed or doubled.
import { signedIn, signOut } from "/console/session.js";
import { applyWords, language, make, toggleLanguage, word } from "/console/words.js";

const MOST_ROWS = 500;
const PAGE = 100;
const CHECK_MS = 5000;
const STALE_MS = 15000;
const AGAIN_MS = 3000;
const EVENTS = ["alert.opened", "alert.updated", "alert.closed", "alert.revised", "alert.withdrawn",
  "alert.acknowledged", "alert.assigned", "alert.commented", "alert.supervised", "alert.resolved", "alert.reopened", "alert.escalated"];

const time = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const clock = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const byId = (id) => document.getElementById(id);
const body = byId("alerts");
const filters = byId("filters");

let meta = null;
let rows = new Map(); // alert id -> {alert, element}
let source = null;
let position = 0; // feed position that the page has reached
let earlier = null; // cursor of the next page
let freshMs = 0; // when the server last said that it is up to date
let blind = false; // signed in as somebody who sees no alerts
let generation = 0; // a reload makes what older requests answer void

function labels(table) {
  return Object.fromEntries((meta?.[table] ?? []).map((label) => [label.code, label[language]]));
}

function kindLabel(alert) {
  return meta?.kinds[alert.rule]?.find((kind) => kind.code === alert.kind)?.[language] ?? alert.kind;
}

function query() {
  const wanted = new URLSearchParams();
  for (const [name, value] of new FormData(filters)) if (value) wanted.set(name, value);
  return wanted;
}

async function json(path) {
  const answer = await fetch(path, { headers: { "Accept-Language": language } });
  const found = await answer.json();
  if (answer.status === 401) enter();
  if (!answer.ok) throw new Error(found.detail ?? answer.status);
  return found;
}

function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
}

function link(state) {
  byId("link").className = `link ${state}`;
  byId("link-text").textContent = word(state === "live" ? "live" : state === "away" ? "away" : "connecting");
}

function cells(alert) {
  const found = [
    make("td"), make("td"), make("td", "", time.format(new Date(alert.began))), make("td"), make("td", "", labels("classes")[alert.vehicle.class]),
    make("td", "", `${labels("rules")[alert.rule] ?? alert.rule} · ${kindLabel(alert)}`), make("td", "what", alert.sentence[language]),
    make("td", "operator", alert.vehicle.operator),
  ];
  found[0].append(make("span", `severity ${alert.severity}`, labels("severities")[alert.severity]));
  found[1].append(make("span", `state ${alert.state}`, labels("states")[alert.state]));
  found[3].append(make("span", `plate ${alert.vehicle.plate_color}`, alert.vehicle.plate));
  found[7].title = alert.vehicle.operator;
  return found;
}

function draw(alert, element) {
  element.className = alert.state;
  element.replaceChildren(...cells(alert));
}

const before = (one, other) => one.began > other.began || (one.began === other.began && one.id < other.id);
const moment = (alert) => ({ id: alert.id, began: Date.parse(alert.began) });

function show(alert, fresh) {
  const known = rows.get(alert.id);
  if (known && known.alert.version > alert.version) return;
  const element = known?.element ?? make("tr");
  draw(alert, element);
  if (fresh) element.classList.add("fresh");
  rows.set(alert.id, { alert, element });
  element.dataset.id = alert.id;
  let next = body.firstElementChild;
  while (next && (next === element || before(moment(rows.get(next.dataset.id).alert), moment(alert)))) next = next.nextElementSibling;
  if (next !== element.nextElementSibling || !known) body.insertBefore(element, next);
  if (fresh) while (rows.size > MOST_ROWS) drop(body.lastElementChild.dataset.id);
}

function drop(id) {
  rows.get(id)?.element.remove();
  rows.delete(id);
}

function wantedStill(alert) {
  const wanted = query();
  return ["rule", "severity", "state"].every((name) => !wanted.get(name) || alert[name] === wanted.get(name)) &&
    (!wanted.get("class") || alert.vehicle.class === wanted.get("class"));
}

function tally() {
  const open = { critical: 0, major: 0, minor: 0, info: 0 };
  for (const { alert } of rows.values()) if (alert.state === "open") open[alert.severity] += 1;
  const parts = Object.entries(open).filter(([, count]) => count).map(([severity, count]) => make("span", "", `${labels("severities")[severity]} ${count}`));
  byId("counts").replaceChildren(make("span", "", `${word("openCount")}:`), ...parts);
  byId("empty").hidden = rows.size > 0;
  byId("more").hidden = earlier === null;
}

function asOf(ms) {
  freshMs = Math.max(freshMs, ms);
  byId("as-of").textContent = clock.format(new Date(freshMs));
}

function take(message) {
  const event = JSON.parse(message.data);
  position = event.seq;
  asOf(Date.now());
  if (wantedStill(event.data)) show(event.data, true);
  else drop(event.data.id); // it was here and has left what is asked for
  tally();
}

function follow() {
  const own = generation;
  const wanted = query();
  wanted.delete("state"); // an alert that leaves the state asked for must be told, too
  wanted.delete("severity");
  wanted.set("after", position);
  source = new EventSource(`/v1/alerts/stream?${wanted}`);
  source.onopen = () => { link("live"); };
  source.onerror = () => {
    if (own !== generation) return;
    link("away");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => own === generation && load(), AGAIN_MS);
  };
  for (const name of EVENTS) source.addEventListener(name, take);
  source.addEventListener("reset", () => load(word("reset")));
}

async function load(said = "") {
  const own = ++generation;
  source?.close();
  link("connecting");
  try {
    meta ??= await json("/v1/meta");
    fillFilters();
    const page = await json(`/v1/alerts?${query()}&limit=${PAGE}`);
    if (own !== generation) return;
    rows = new Map();
    body.replaceChildren();
    for (const alert of page.items) show(alert, false);
    earlier = page.next;
    position = page.feed;
    asOf(Date.now());
    notice(said);
    tally();
    follow();
  } catch (error) {
    if (own !== generation) return;
    link("away");
    notice(`${word("loadFailed")}: ${error.message}`);
    setTimeout(() => own === generation && load(), AGAIN_MS);
  }
}

async function more() {
  const own = generation;
  const page = await json(`/v1/alerts?${query()}&limit=${PAGE}&cursor=${encodeURIComponent(earlier)}`);
  if (own !== generation) return;
  for (const alert of page.items) show(alert, false);
  earlier = page.next;
  tally();
}

function fillFilters() {
  for (const [name, table] of [["rule", "rules"], ["severity", "severities"], ["class", "classes"], ["state", "states"]]) {
    const select = filters.elements[name];
    const chosen = select.value;
    const options = [["", word("all")], ...Object.entries(labels(table))].map(([value, text]) => {
      const option = make("option", "", text);
      option.value = value;
      return option;
    });
    select.replaceChildren(...options);
    select.value = chosen;
  }
}

// The stream's comments are invisible to a page, so whether what it shows is still true it asks by itself.
async function check() {
  try {
    const answer = await fetch("/readyz");
    if (answer.ok && source?.readyState === EventSource.OPEN) asOf(Date.now());
  } catch { /* what is not fresh turns red below */ }
}

setInterval(check, CHECK_MS);
setInterval(() => document.querySelector(".as-of").classList.toggle("stale", freshMs > 0 && Date.now() - freshMs > STALE_MS), 1000);
filters.addEventListener("change", () => load());
filters.addEventListener("submit", (event) => event.preventDefault());
byId("more").addEventListener("click", () => more().catch((error) => notice(`${word("loadFailed")}: ${error.message}`)));
byId("language").addEventListener("click", () => {
  toggleLanguage();
  words();
  for (const { alert, element } of rows.values()) draw(alert, element);
});

function words() {
  applyWords();
  document.title = word("title");
  if (meta) fillFilters();
  if (blind) return notice(word("noAlerts"));
  link(source?.readyState === EventSource.OPEN ? "live" : "connecting");
  if (meta) tally();
}

// A session that is over is asked for anew, once, and the page goes on where it was.
let entering = null;
function enter() {
  entering ??= signedIn().then((me) => {
    entering = null;
    byId("who").textContent = me.name;
    if (me.permissions.includes("alerts:read")) return load();
    blind = true;
    words();
    for (const part of [filters, document.querySelector("table"), byId("link"), document.querySelector(".as-of")]) part.hidden = true;
    return notice(word("noAlerts"));
  }, (error) => {
    entering = null;
    notice(`${word("loadFailed")}: ${error.message}`);
    setTimeout(enter, AGAIN_MS);
  });
}

byId("sign-out").addEventListener("click", () => signOut().catch((error) => notice(error.message)));
words();
enter();
