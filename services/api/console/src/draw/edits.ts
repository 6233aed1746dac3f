// What a hand does to the points drawn, each step of it to be undone and done again; pure.
import type { Place } from "../search/DrawMap";
import { rounded, same } from "./geometry";

export type Places = readonly Place[];
export interface History {
  past: readonly Places[];
  now: Places;
  future: readonly Places[];
}

export type Edit =
  | { do: "add"; place: Place }
  | { do: "insert"; at: number; place: Place } // before the point that has that number
  | { do: "move"; at: number; place: Place }
  | { do: "remove"; at: number }
  | { do: "replace"; places: Places }
  | { do: "undo" }
  | { do: "redo" };

export const NOTHING: History = { past: [], now: [], future: [] };
const REMEMBERED = 200;

export function edited(history: History, edit: Edit): History {
  const { past, now, future } = history;
  if (edit.do === "undo") return past.length ? { past: past.slice(0, -1), now: past.at(-1) as Places, future: [now, ...future] } : history;
  if (edit.do === "redo") return future.length ? { past: [...past, now], now: future[0] as Places, future: future.slice(1) } : history;
  const next = changed(now, edit);
  return next === now ? history : { past: [...past, now].slice(-REMEMBERED), now: next, future: [] };
}

function changed(now: Places, edit: Exclude<Edit, { do: "undo" | "redo" }>): Places {
  switch (edit.do) {
    case "add":
      return same(now.at(-1), rounded(edit.place)) ? now : [...now, rounded(edit.place)];
    case "insert":
      return now.toSpliced(edit.at, 0, rounded(edit.place));
    case "move":
      return edit.at >= now.length || same(now[edit.at], rounded(edit.place)) ? now : now.with(edit.at, rounded(edit.place));
    case "remove":
      return edit.at >= 0 && edit.at < now.length ? now.toSpliced(edit.at, 1) : now;
    case "replace":
      return edit.places.length === 0 && now.length === 0 ? now : edit.places.map(rounded);
  }
}
