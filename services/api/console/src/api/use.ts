// Hooks over the client: what is asked when a component appears, asked anew when its key changes, dropped when it leaves.
import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  data: T | null;
  error: Error | null;
  loading: boolean;
  again: () => void;
}

/** `key` null: nothing is asked yet. What was there before stays while the new is on its way, unless `key` changed. */
export function useAsked<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string | null; data: T | null; error: Error | null }>({ key: null, data: null, error: null });
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((before) => before + 1), []);
  useEffect(() => {
    if (key === null) return undefined;
    const control = new AbortController();
    ask(control.signal).then(
      (data) => control.signal.aborted || setState({ key, data, error: null }),
      (error: unknown) => control.signal.aborted || setState((before) => ({ key, data: before.key === key ? before.data : null, error: asError(error) })),
    );
    return () => control.abort();
    // oxlint-disable-next-line exhaustive-deps -- `key` names what `ask` asks
  }, [key, round]);
  const own = state.key === key;
  return { data: own ? state.data : null, error: own ? state.error : null, loading: key !== null && !own, again };
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
