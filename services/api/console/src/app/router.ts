// Where we are: the path and its query, kept in the address so that a page can be sent to a colleague.
import { useMemo, useSyncExternalStore } from "react";

const told = new Set<() => void>();
const tell = (): void => {
  for (const one of told) one();
};
if (typeof addEventListener !== "undefined") addEventListener("popstate", tell);

function subscribe(one: () => void): () => void {
  told.add(one);
  return () => told.delete(one);
}

export function go(to: string, replace = false): void {
  if (to === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  tell();
}

export const usePath = (): string => useSyncExternalStore(subscribe, () => location.pathname);

export function useQuery(): URLSearchParams {
  const text = useSyncExternalStore(subscribe, () => location.search);
  return useMemo(() => new URLSearchParams(text), [text]);
}

/** Change some of the query, leaving the others; empty or null takes one away. */
export function setQuery(changes: Record<string, string | readonly string[] | null>, replace = true): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    if (value === null || value === "") continue;
    if (typeof value === "string") query.set(name, value);
    else for (const one of value) query.append(name, one);
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ""), replace);
}
