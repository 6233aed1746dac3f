// Short words about what was just done; they go away by themselves, failures only when read.
import { store, useStore } from "../app/store";
import { useWords } from "../words";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const STAYS_MS = 4000;
const toasts = store<readonly Toast[]>([]);
let last = 0;

export function toast(text: string, bad = false): void {
  const id = ++last;
  toasts.update((before) => [...before.slice(-3), { id, text, bad }]);
  if (!bad) setTimeout(() => drop(id), STAYS_MS);
}

const drop = (id: number): void => toasts.update((before) => before.filter((one) => one.id !== id));

export function Toasts() {
  const say = useWords();
  return (
    <div className="toasts" role="status" aria-live="polite">
      {useStore(toasts).map((one) => (
        <div key={one.id} className={`said ${one.bad ? "bad" : "good"}`}>
          <span className="grow">{one.text}</span>
          <button type="button" className="button quiet tiny" aria-label={say("close")} onClick={() => drop(one.id)}>×</button>
        </div>
      ))}
    </div>
  );
}
