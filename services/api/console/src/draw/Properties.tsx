// What the file says of the route or zone beside its line: the properties of interfaces section 2.
import { labelOf, useMeta } from "../app/session";
import { Field } from "../ui";
import type { Draft, Field as Name, Problem } from "./file";
import { useWords } from "./words";

interface PropertiesProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  problems: readonly Problem[];
  exists: boolean;
}

export function Properties({ draft, change, problems, exists }: PropertiesProps) {
  const say = useWords();
  const meta = useMeta();
  const zone = draft.shape !== "route";
  const wrong = (name: Name): string | null => {
    const found = problems.find((one) => one.field === name);
    return found ? say(found.word, found.given) : null;
  };
  const entry = (name: Name, more: { type?: string; inputMode?: "decimal" } = {}) => (
    <input name={name} value={draft[name]} autoComplete="off" aria-invalid={wrong(name) !== null} {...more} onChange={(event) => change({ [name]: event.target.value })} />
  );
  const toggle = (code: string): void => change({ classes: draft.classes.includes(code) ? draft.classes.filter((one) => one !== code) : [...draft.classes, code] });
  return (
    <section className="stack">
      <h2>{say("properties")}</h2>
      <div className="draw-fields">
        <Field label={say("id")} error={wrong("id")}>{entry("id")}</Field>
        <Field label={say("name")} error={wrong("name")}>{entry("name")}</Field>
      </div>
      <p className={exists ? "small warn" : "faint small"} role="status">{exists ? say("exists", { id: draft.id.trim() }) : say("idHint")}</p>
      {draft.shape === "area" ? null : <Field label={say(zone ? "buffer" : "halfWidth")} error={wrong("width")}>{entry("width", { inputMode: "decimal" })}</Field>}
      {zone ? (
        <>
          <div className="draw-fields">
            <Field label={say("kind")} error={wrong("kind")}>
              <select name="kind" value={draft.kind} aria-invalid={wrong("kind") !== null} onChange={(event) => change({ kind: event.target.value })}><option value="">{say("choose")}</option>{meta.zone_kinds.map((one) => <option key={one.code} value={one.code}>{labelOf(meta.zone_kinds, one.code)}</option>)}</select>
            </Field>
            <Field label={say("limit")} error={wrong("limit")}>{entry("limit", { inputMode: "decimal" })}</Field>
          </div>
          <p className="faint small">{say("limitHint")}</p>
          <fieldset className="draw-classes">
            <legend className="soft small">{say("classes")}</legend>
            {meta.classes.map((one) => <label key={one.code} className="row small"><input type="checkbox" checked={draft.classes.includes(one.code)} onChange={() => toggle(one.code)} />{labelOf(meta.classes, one.code)}</label>)}
          </fieldset>
          <Field label={say("hours")} error={wrong("hours")}>{entry("hours")}</Field>
          <div className="draw-fields">
            <Field label={say("from")}>{entry("from", { type: "datetime-local" })}</Field>
            <Field label={say("to")} error={wrong("to")}>{entry("to", { type: "datetime-local" })}</Field>
          </div>
          <Field label={say("reason")} error={wrong("reason")}>{entry("reason")}</Field>
        </>
      ) : null}
    </section>
  );
}
