// What was done in the shift: who did how much of what, and what came of what was resolved.
import type { ShiftActor, ShiftDone } from "../api/schema";
import { useLabel, useMeta } from "../app/session";
import { Empty, Table } from "../ui";
import type { Column } from "../ui";
import { number } from "../words/format";
import { usedOf } from "./shift";
import { useWords } from "./words";

export function Done({ done }: { done: ShiftDone }) {
  const say = useWords();
  return (
    <div className="handover-done">
      <section className="panel padded stack">
        <h2>{say("doneTitle")}</h2>
        {done.total === 0 ? <Empty title={say("nothingDone")} /> : <People done={done} />}
      </section>
      <section className="panel padded stack">
        <h2>{say("resolutions")}</h2>
        <Resolutions counts={done.resolutions} />
      </section>
    </div>
  );
}

const totalCell = (one: ShiftActor) => <strong>{number(one.total)}</strong>;

function People({ done }: { done: ShiftDone }) {
  const say = useWords();
  const label = useLabel();
  const meta = useMeta();
  const columns: Column<ShiftActor>[] = [
    { name: say("person"), cell: (one) => one.name },
    ...usedOf(done.actions, meta.actions).map((code): Column<ShiftActor> => ({ name: label("actions", code), kind: "number", cell: (one) => number(one.actions[code] ?? 0) })),
    { name: say("total"), kind: "number", cell: totalCell },
  ];
  const total: ShiftActor = { id: "", name: say("total"), actions: done.actions, total: done.total };
  const rows = done.by.length > 1 ? [...done.by, total] : done.by;
  return <div className="handover-list"><Table columns={columns} rows={rows} keyOf={(one) => one.id} /></div>;
}

function Resolutions({ counts }: { counts: Record<string, number> }) {
  const say = useWords();
  const label = useLabel();
  const used = usedOf(counts, useMeta().resolutions);
  const most = Math.max(1, ...Object.values(counts));
  if (used.length === 0) return <Empty title={say("nothingResolved")} />;
  return (
    <ul className="handover-bars">
      {used.map((code) => (
        <li key={code}>
          <span>{label("resolutions", code)}</span>
          <meter min={0} max={most} value={counts[code]} aria-label={label("resolutions", code)} />
          <strong className="number">{number(counts[code] ?? 0)}</strong>
        </li>
      ))}
    </ul>
  );
}
