// Which alert is looked at first: what nobody has seen before what somebody has, the graver before the lighter, the longer waiting before the newer.
import type { Alert } from "../api/schema";
import { rankOf } from "../app/codes";
import { resolved } from "../stream/alerts";

function stage(alert: Alert): number {
  if (resolved(alert)) return 3;
  if (alert.handled?.escalated) return -1; // overdue: before everything
  return alert.handling === "open" ? 0 : 1;
}

export function byUrgency(one: Alert, other: Alert): number {
  return (
    stage(one) - stage(other) ||
    rankOf(other.severity) - rankOf(one.severity) ||
    (one.began < other.began ? -1 : one.began > other.began ? 1 : 0) ||
    (one.id < other.id ? -1 : 1)
  );
}

export interface Filters {
  rule: string[];
  class: string[];
  severity: string[];
  handling: string[];
  operator: string;
  division: string;
  mine: boolean;
  text: string;
}

export const MULTIPLE = ["rule", "class", "severity", "handling"] as const;

export function filtersOf(query: URLSearchParams): Filters {
  return {
    rule: query.getAll("rule"), class: query.getAll("class"), severity: query.getAll("severity"), handling: query.getAll("handling"),
    operator: query.get("operator") ?? "", division: query.get("division") ?? "", mine: query.get("mine") === "1", text: query.get("q") ?? "",
  };
}

export const anyFilter = (filters: Filters): boolean =>
  filters.mine || [...MULTIPLE.map((name) => filters[name].length), filters.operator.length, filters.division.length, filters.text.length].some((count) => count > 0);

/** Whether an alert meets the filters; `me` is whose "mine" is. */
export function meets(alert: Alert, filters: Filters, me: string): boolean {
  const among = (wanted: string[], value: string): boolean => wanted.length === 0 || wanted.includes(value);
  return (
    among(filters.rule, alert.rule) && among(filters.class, alert.vehicle.class) && among(filters.severity, alert.severity) && among(filters.handling, alert.handling) &&
    (!filters.operator || alert.vehicle.operator.includes(filters.operator)) &&
    (!filters.division || alert.vehicle.division.startsWith(filters.division)) &&
    (!filters.mine || alert.handled?.assignee?.id === me) &&
    (!filters.text || textOf(alert).includes(filters.text.toLowerCase()))
  );
}

const textOf = (alert: Alert): string => [alert.vehicle.plate, alert.vehicle.operator, alert.driver ?? "", alert.sentence.zh, alert.sentence.en].join(" ").toLowerCase();

export type Row = { kind: "alert"; alert: Alert; within: boolean } | { kind: "group"; key: string; alerts: Alert[]; open: boolean };

/** Which alerts are one storm, by the alert's id: the api says it (storms.ts). */
export type Storms = ReadonlyMap<string, string>;

/** Rows of the queue, in order; alerts of one storm that are equally far handled stand together under their most urgent, and nothing is hidden that is not counted. */
export function rowsOf(alerts: readonly Alert[], storms: Storms, opened: ReadonlySet<string>): Row[] {
  const sorted = alerts.toSorted(byUrgency);
  const keyOf = (alert: Alert): string | null => {
    const storm = storms.get(alert.id);
    return storm === undefined ? null : `${stage(alert)}|${storm}`;
  };
  const groups = new Map<string, Alert[]>();
  for (const alert of sorted) {
    const key = keyOf(alert);
    const known = key === null ? undefined : groups.get(key);
    if (known) known.push(alert);
    else if (key !== null) groups.set(key, [alert]);
  }
  const rows: Row[] = [];
  const told = new Set<string>();
  for (const alert of sorted) {
    const key = keyOf(alert);
    const group = key === null ? [] : groups.get(key) ?? [];
    if (key === null || group.length < 2) rows.push({ kind: "alert", alert, within: false });
    else if (!told.has(key)) {
      told.add(key);
      rows.push({ kind: "group", key, alerts: group, open: opened.has(key) });
      if (opened.has(key)) rows.push(...group.map((one): Row => ({ kind: "alert", alert: one, within: true })));
    }
  }
  return rows;
}
