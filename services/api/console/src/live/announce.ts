// A new alert is heard, seen in the tab's title, and flashes; what is grave sounds different from what is light, and a storm sounds once.
import { rankOf } from "../app/codes";
import { soundIsOn } from "../app/preferences";
import type { SeverityName } from "../ui";

const QUIET_MS = 2500;
const TONES: Record<SeverityName, readonly number[]> = { critical: [880, 660, 880, 660], major: [784, 622], minor: [587], info: [] };

let context: AudioContext | null = null;
let lastMs = -Infinity;
let lastRank = -1;

/** Browsers let a page sound only after somebody has touched it. */
export function armSound(): void {
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume().catch(() => undefined);
}

/** Whether one may sound now: not again within a moment, unless it is graver. */
export function due(severity: SeverityName, nowMs: number, before: { ms: number; rank: number }): boolean {
  return TONES[severity].length > 0 && (nowMs - before.ms >= QUIET_MS || rankOf(severity) > before.rank);
}

export function sound(severity: SeverityName): void {
  const nowMs = Date.now();
  if (!soundIsOn() || !context || !due(severity, nowMs, { ms: lastMs, rank: lastRank })) return;
  [lastMs, lastRank] = [nowMs, rankOf(severity)];
  TONES[severity].forEach((frequency, place) => tone(frequency, place * 0.19));
}

function tone(frequency: number, after: number): void {
  if (!context) return;
  const begin = context.currentTime + after;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0.0001, begin);
  gain.gain.exponentialRampToValueAtTime(0.25, begin + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, begin + 0.17);
  const oscillator = context.createOscillator();
  oscillator.type = "triangle";
  oscillator.frequency.value = frequency;
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(begin);
  oscillator.stop(begin + 0.18);
}
