// Every alert that is not resolved, kept whole: the list as read, and over it what the stream told since. The last event of an alert is its truth.
import { getAll, get } from "../api/client";
import type { Alert, AlertPage } from "../api/schema";
import { codes, unresolved } from "../app/codes";
import { store, useStore } from "../app/store";
import { connect } from "./client";
import type { Following } from "./client";
import type { LinkState, ToTab, Told } from "./protocol";

const MOST = 6000;
const PAGE = 1000;
const AGAIN_MS = 3000;
/** Resolved alerts stay this long, so that whoever resolved one sees that it is done. */
const LINGER_MS = 60_000;

export interface Queue {
  alerts: ReadonlyMap<string, Alert>;
  loaded: boolean;
  more: boolean; // there are more than are kept here
  error: Error | null;
}

export interface Link {
  state: LinkState;
  freshMs: number;
  reset: boolean;
  resumed: boolean;
}

const queue = store<Queue>({ alerts: new Map(), loaded: false, more: false, error: null });
const link = store<Link>({ state: "connecting", freshMs: 0, reset: false, resumed: false });
const listeners = new Set<(event: Told) => void>();

export const useQueue = (): Queue => useStore(queue);
export const useLink = (): Link => useStore(link);
export const queueNow = (): Queue => queue.get();

/** Called for every event as it arrives, once each. */
export function onEvent(listen: (event: Told) => void): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

export function resolved(alert: Alert): boolean {
  return alert.handling === "resolved";
}

/** Lay an event over the alerts; an alert withdrawn before anybody touched it is gone. */
export function lay(alerts: Map<string, Alert>, event: Told): void {
  if (event.type === "alert.withdrawn" && event.data.handling === "open") alerts.delete(event.alert);
  else alerts.set(event.alert, event.data);
}

let following: Following | null = null;
let round = 0;
let waiting: Told[] = [];
let drawn = 0;

/** Begin, or begin again: the list, then the stream from the list's own position, so that nothing is missed and nothing doubled. */
export async function begin(): Promise<void> {
  const own = ++round;
  following ??= connect(take);
  try {
    const first = await get<AlertPage>("/v1/alerts", { limit: 1 }); // the position before the list: what comes meanwhile is told again
    const { items, more } = await getAll<Alert>("/v1/alerts", { handling: unresolved(), limit: PAGE }, MOST);
    if (own !== round) return;
    queue.set({ alerts: new Map(items.map((alert) => [alert.id, alert])), loaded: true, more, error: null });
    following.follow(first.feed, codes().event_types.map((one) => one.code));
  } catch (error) {
    if (own !== round) return;
    queue.update((before) => ({ ...before, error: error as Error }));
    setTimeout(() => own === round && begin(), AGAIN_MS);
  }
}

export function end(): void {
  round += 1;
  following?.close();
  following = null;
  queue.set({ alerts: new Map(), loaded: false, more: false, error: null });
}

function take(message: ToTab): void {
  if (message.say === "link") {
    link.update((before) => ({
      state: message.link, freshMs: message.freshMs, reset: before.reset,
      resumed: before.state === "away" && message.link === "live" ? true : before.resumed && message.link === "live",
    }));
  } else if (message.say === "reload") {
    link.update((before) => ({ ...before, reset: message.reset }));
    begin();
  } else {
    waiting.push(...message.events);
    drawn ||= setTimeout(drain, 50) as unknown as number; // a storm is drawn twenty times a second, not once per event
  }
}

function drain(): void {
  drawn = 0;
  const events = waiting;
  waiting = [];
  const next = new Map(queue.get().alerts);
  for (const event of events) {
    lay(next, event);
    if (resolved(event.data)) setTimeout(() => forget(event.alert), LINGER_MS);
  }
  queue.update((before) => ({ ...before, alerts: next }));
  for (const event of events) for (const listen of listeners) listen(event);
}

function forget(id: string): void {
  const known = queue.get().alerts.get(id);
  if (!known || !resolved(known)) return;
  const next = new Map(queue.get().alerts);
  next.delete(id);
  queue.update((before) => ({ ...before, alerts: next }));
}

/** Lay the answer to an action over the queue at once; the event that follows says the same. */
export function put(alert: Alert): void {
  const next = new Map(queue.get().alerts);
  next.set(alert.id, alert);
  queue.update((before) => ({ ...before, alerts: next }));
}

export function dismissNotes(): void {
  link.update((before) => ({ ...before, reset: false, resumed: false }));
}
