// What a shift is, and how what it leaves is sorted. Shifts are twelve hours, from 8 and from 20 o'clock of Asia/Shanghai.
import type { Alert } from "../api/schema";
import { byUrgency } from "../live/order";
import { resolved } from "../stream/alerts";

const HOUR_MS = 3_600_000;
export const SHIFT_MS = 12 * HOUR_MS;
/** 08:00 of Asia/Shanghai is midnight of UTC, so shifts begin at multiples of twelve hours. */
const begunBy = (ms: number): number => Math.floor(ms / SHIFT_MS) * SHIFT_MS;
/** Whoever hands over a little late still means the shift that has just ended. */
const HANDING_OVER_MS = HOUR_MS;

export interface Shift {
  from: string;
  to: string | null; // null: until now
}

/** The shift to be handed over at a moment: in its first hour the one before, and what has come since. */
export function shiftAt(nowMs: number): Shift {
  return { from: new Date(begunBy(nowMs - HANDING_OVER_MS)).toISOString(), to: null };
}

/** The whole shift before the one to be handed over. */
export function shiftBefore(nowMs: number): Shift {
  const end = begunBy(nowMs - HANDING_OVER_MS);
  return { from: new Date(end - SHIFT_MS).toISOString(), to: new Date(end).toISOString() };
}

export function dayUntil(nowMs: number): Shift {
  return { from: new Date(nowMs - 24 * HOUR_MS).toISOString(), to: null };
}

/** The shift the address names; what is no time there is as if it were not there. */
export function shiftOf(query: URLSearchParams, nowMs: number): Shift {
  const from = timeOf(query.get("from"));
  return from === null ? shiftAt(nowMs) : { from, to: timeOf(query.get("to")) };
}

function timeOf(text: string | null): string | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

export type Section = "pressed" | "taken" | "unseen";
export const SECTIONS: readonly Section[] = ["pressed", "taken", "unseen"];

function sectionOf(alert: Alert): Section {
  if (alert.handled?.escalated || alert.handled?.supervision) return "pressed";
  return alert.handling === "open" ? "unseen" : "taken";
}

/** Unresolved alerts that began before `toMs`, each in one section, the most urgent first. */
export function sectionsOf(alerts: Iterable<Alert>, toMs: number): Record<Section, Alert[]> {
  const found: Record<Section, Alert[]> = { pressed: [], taken: [], unseen: [] };
  for (const alert of alerts) if (!resolved(alert) && Date.parse(alert.began) < toMs) found[sectionOf(alert)].push(alert);
  for (const section of SECTIONS) found[section].sort(byUrgency);
  return found;
}

/** The codes that were used at all, in the order given. */
export function usedOf(counts: Record<string, number>, order: readonly { code: string }[]): string[] {
  return order.map(({ code }) => code).filter((code) => (counts[code] ?? 0) > 0);
}
