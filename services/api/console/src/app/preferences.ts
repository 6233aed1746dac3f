// What a reader chose for this browser: theme and sound.
import { store, useStore } from "./store";

export type Theme = "dark" | "light";

const read = (name: string): string | null => (typeof localStorage === "undefined" ? null : localStorage.getItem(name));

const theme = store<Theme>(read("theme") === "light" ? "light" : "dark");
const sound = store(read("sound") !== "off");

export const useTheme = (): Theme => useStore(theme);
export const useSound = (): boolean => useStore(sound);
export const soundIsOn = (): boolean => sound.get();
export const themeNow = (): Theme => theme.get();
export const onTheme = theme.subscribe;

export function applyTheme(): void {
  document.documentElement.dataset["theme"] = theme.get();
}

export function toggleTheme(): void {
  theme.update((before) => (before === "dark" ? "light" : "dark"));
  localStorage.setItem("theme", theme.get());
  applyTheme();
}

export function toggleSound(): void {
  sound.update((before) => !before);
  localStorage.setItem("sound", sound.get() ? "on" : "off");
}
