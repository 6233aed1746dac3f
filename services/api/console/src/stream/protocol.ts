// What the stream's worker and the tabs say to each other.
import type { Event as AlertEvent } from "../api/schema";

export type Told = AlertEvent;
export type LinkState = "connecting" | "live" | "away" | "out";

export type ToWorker =
  | { say: "follow"; after: number; types: readonly string[] } // from the feed position of the list that the tab has just read; the types of events that there are
  | { say: "leave" };

export type ToTab =
  | { say: "events"; events: Told[] }
  | { say: "link"; link: LinkState; freshMs: number }
  | { say: "reload"; reset: boolean }; // what lies between is not kept here: read the list anew
