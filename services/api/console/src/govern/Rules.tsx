// The rules as they judge: what each flags and on what ground, and every parameter with what holds now.
import { get } from "../api/client";
import type { RuleDetail, RuleList, RuleParameter, RuleSetDetail } from "../api/schema";
import { useAsked } from "../api/use";
import { useLabel } from "../app/session";
import { Failed, Loading, Table, Time } from "../ui";
import { useLanguage } from "../words/language";
import { useWords } from "./words";

/** A parameter that differs by vehicle class, and there perhaps by road: a line for each class. */
function Value({ value }: { value: unknown }) {
  const label = useLabel();
  if (!isTable(value)) return <>{String(value)}</>;
  const told = (each: unknown): string => (isTable(each) ? Object.entries(each).map(([name, limit]) => `${label("road_classes", name)} ${String(limit)}`).join(" · ") : String(each));
  return <ul className="by-class">{Object.entries(value).map(([name, each]) => <li key={name}><span className="soft">{label("classes", name)}</span> {told(each)}</li>)}</ul>;
}

const isTable = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object";
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export default function Rules() {
  const say = useWords();
  const { data, error, again } = useAsked("rules", (signal) => get<RuleList>("/v1/rules", {}, signal));
  if (error) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  return (
    <>
      {data.items.map((rule) => <OneRule key={rule.rule} rule={rule} />)}
      {data.sets.length > 0 ? <section className="panel padded stack"><h2>{say("sets")}</h2>
        <Table<RuleSetDetail> rows={data.sets} keyOf={(row) => `${row.version} ${row.from}`} columns={[
          { name: say("version"), kind: "number", cell: (row) => row.version },
          { name: say("state"), kind: "whole", cell: (row) => <span className={`tag ${row.state === "in_force" ? "good" : ""}`}>{say(row.state === "in_force" ? "inForce" : row.state === "superseded" ? "superseded" : "otherTime")}</span> },
          { name: say("created"), kind: "whole", cell: (row) => <Time time={row.created} long /> },
          { name: say("basis"), cell: (row) => row.basis ?? "—" },
          { name: say("parameters"), cell: (row) => <code className="small">{JSON.stringify(row.parameters)}</code> },
        ]} /></section> : null}
    </>
  );
}

function OneRule({ rule }: { rule: RuleDetail }) {
  const say = useWords();
  const language = useLanguage();
  return (
    <section className="panel padded stack large">
      <h2>{rule[language]} <code className="faint small">{rule.rule}</code></h2>
      <dl className="facts">
        {(["flags", "basis", "course", "ignores"] as const).map((name) => <div key={name} style={{ display: "contents" }}><dt>{say(name)}</dt><dd>{rule[name][language].replaceAll("`", "")}</dd></div>)}
        <dt>{say("kinds")}</dt><dd className="row wrap">{rule.kinds.map((kind) => <span key={kind.code} className="tag">{kind[language]}</span>)}</dd>
      </dl>
      <div className="scroll-x parameters" tabIndex={0}><Table<RuleParameter> rows={rule.parameters} keyOf={(row) => row.name} columns={[
        { name: say("parameters"), cell: (row) => <>{row[language]} <code className="faint small">{row.name}</code></> },
        { name: say("value"), cell: (row) => <strong className={same(row.value, row.default) ? "number" : "number warn"}><Value value={row.value} /></strong> },
        { name: say("default"), cell: (row) => same(row.value, row.default) ? <span className="faint">{say("sameAsDefault")}</span> : <span className="number"><Value value={row.default} /></span> },
        { name: say("range"), kind: "whole", cell: (row) => <span className="number">{row.low}–{row.high}</span> },
        { name: say("unit"), kind: "whole", cell: (row) => row.unit },
        { name: say("source"), cell: (row) => <span className="small">{row.source}</span> },
      ]} /></div>
    </section>
  );
}
