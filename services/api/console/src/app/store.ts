// A value that components follow: the least that useSyncExternalStore needs.
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get: () => T;
  set: (next: T) => void;
  update: (change: (before: T) => T) => void;
  subscribe: (told: () => void) => () => void;
}

export function store<T>(first: T): Store<T> {
  let value = first;
  const told = new Set<() => void>();
  const set = (next: T): void => {
    if (Object.is(next, value)) return;
    value = next;
    for (const tell of told) tell();
  };
  return {
    get: () => value,
    set,
    update: (change) => set(change(value)),
    subscribe: (tell) => {
      told.add(tell);
      return () => told.delete(tell);
    },
  };
}

export function useStore<T>(from: Store<T>): T {
  return useSyncExternalStore(from.subscribe, from.get);
}
