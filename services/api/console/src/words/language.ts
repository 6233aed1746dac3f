// Which language is shown; Chinese unless the reader chose English before.
import { useSyncExternalStore } from "react";

export type Language = "zh" | "en";

const PLACE = "language";
let chosen: Language = typeof localStorage !== "undefined" && localStorage.getItem(PLACE) === "en" ? "en" : "zh";
const told = new Set<() => void>();

export function language(): Language {
  return chosen;
}

export function chooseLanguage(next: Language): void {
  chosen = next;
  localStorage.setItem(PLACE, next);
  document.documentElement.lang = next === "zh" ? "zh-CN" : "en";
  for (const tell of told) tell();
}

function subscribe(tell: () => void): () => void {
  told.add(tell);
  return () => told.delete(tell);
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language);
}
