// Times are Asia/Shanghai on every screen, whatever the computer's own zone.
import { say } from ".";
import { language } from "./language";

const ZONE = "Asia/Shanghai";
const made = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language()} ${name}`;
  let found = made.get(key);
  if (!found) made.set(key, (found = new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", { timeZone: ZONE, hourCycle: "h23", ...options })));
  return found;
}

export const clock = (time: string | number): string =>
  format("clock", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(time));
export const shortTime = (time: string | number): string =>
  format("short", { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).format(new Date(time));
export const fullTime = (time: string | number): string =>
  format("full", { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(time));

/** A length of time in two units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return say("seconds", { n: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 10 && whole % 60 > 0) return `${say("minutes", { n: minutes })} ${say("seconds", { n: whole % 60 })}`;
  if (minutes < 60) return say("minutes", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return say("hours", { h: hours, m: minutes % 60 });
  return say("days", { d: Math.floor(hours / 24), h: hours % 24 });
}

export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(language() === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits }).format(value);

/** The moment a form field of type datetime-local means, read as Asia/Shanghai; as UTC on the wire. */
export function utcOf(local: string): string {
  return new Date(`${local.length === 16 ? `${local}:00` : local}+08:00`).toISOString();
}

/** What such a field shows for a moment. */
export function localOf(time: string | number): string {
  return new Date(new Date(time).getTime() + 8 * 3_600_000).toISOString().slice(0, 16);
}
