// Which alerts are one storm: the api says it, and is asked again when alerts come and go, at most every few seconds. What it has not told yet stands alone.
import { useEffect, useState } from "react";
import { get } from "../api/client";
import type { Alert, GroupList } from "../api/schema";
import type { Storms } from "./order";

const LEAST_MS = 5000;
const SETTLE_MS = 500;
const LISTED = 5000; // all that the api groups
const NONE: Storms = new Map();

export function stormsOf(list: Pick<GroupList, "items">): Storms {
  return new Map(list.items.filter((group) => group.storm).flatMap((group) => group.items.map((one) => [one.id, group.id] as const)));
}

/** Asks now and, whenever `alerts` is another, again; `wanted` false: nothing stands together. */
export function useStorms(wanted: boolean, alerts: ReadonlyMap<string, Alert>): Storms {
  const [storms, setStorms] = useState<Storms>(NONE);
  const [pacer] = useState(() => new Pacer(() => get<GroupList>("/v1/alerts/groups", { listed: LISTED }).then((list) => setStorms(stormsOf(list)))));
  useEffect(() => {
    if (wanted) pacer.want();
  }, [wanted, alerts, pacer]);
  useEffect(() => () => pacer.stop(), [pacer]);
  return wanted ? storms : NONE;
}

/** Does something soon after it is wanted, and not again before a while has passed; what fails is tried again. */
export class Pacer {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private doneMs = -Infinity;

  constructor(private readonly work: () => Promise<void>) {}

  want(): void {
    this.timer ??= setTimeout(() => this.run(), Math.max(SETTLE_MS, this.doneMs + LEAST_MS - Date.now()));
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private run(): void {
    this.timer = undefined;
    this.doneMs = Date.now();
    this.work().catch(() => this.want());
  }
}
