// Keys that work wherever no text is being entered; each with a word, so that the overlay can list what there is.
import { useEffect } from "react";
import { store, useStore } from "./store";
import type { Word } from "../words";

export interface Shortcut {
  keys: readonly string[];
  word?: Word;
  text?: string; // in the place of a word: what the api calls it
  run: () => void;
}

const registered = store<readonly Shortcut[]>([]);

export const useShortcutList = (): readonly Shortcut[] => useStore(registered);

/** Offer shortcuts while the component is there; later ones win. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    registered.update((before) => [...before, ...shortcuts]);
    return () => registered.update((before) => before.filter((one) => !shortcuts.includes(one)));
  }, [shortcuts]);
}

export function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

export function handleKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (typing(event.target) && event.key !== "Escape") return;
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  const found = registered.get().toReversed().find((one) => one.keys.includes(event.key));
  if (!found) return;
  event.preventDefault();
  found.run();
}
