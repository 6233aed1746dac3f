// What is left open, as the queue knows it at this moment: pressed for first, then what somebody has seen or taken, then what nobody has.
import { useMemo, useState } from "react";
import type { Alert } from "../api/schema";
import { useNow } from "../app/Bar";
import { useLabel } from "../app/session";
import { useQueue } from "../stream/alerts";
import { Button, Empty, Failed, Link, Loading, Plate, Severity, Table, Time } from "../ui";
import type { Column } from "../ui";
import { duration } from "../words/format";
import { useLanguage } from "../words/language";
import { SECTIONS, sectionsOf } from "./shift";
import type { Section } from "./shift";
import { useWords } from "./words";

const SHOWN = 20;
const MINUTE_MS = 60_000;

export function Left({ toMs }: { toMs: number }) {
  const say = useWords();
  const { alerts, loaded, more, error } = useQueue();
  const sections = useMemo(() => sectionsOf(alerts.values(), toMs), [alerts, toMs]);
  const all = SECTIONS.reduce((sum, section) => sum + sections[section].length, 0);
  return (
    <section className="panel padded stack large">
      <h2>{say("openTitle")}</h2>
      {more ? <p className="said">{say("partial")}</p> : null}
      {loaded && all === 0 ? <Empty title={say("nothingOpen")} /> : null}
      {loaded ? null : error ? <Failed error={error} /> : <Loading />}
      {SECTIONS.map((section) => (sections[section].length > 0 ? <Part key={section} section={section} alerts={sections[section]} /> : null))}
    </section>
  );
}

function Part({ section, alerts }: { section: Section; alerts: readonly Alert[] }) {
  const say = useWords();
  const [whole, setWhole] = useState(false);
  const shown = whole ? alerts : alerts.slice(0, SHOWN);
  return (
    <div className="stack">
      <h3 className={section}>{say(section)} <span className="number soft">{alerts.length}</span></h3>
      <Alerts alerts={shown} />
      {shown.length < alerts.length ? (
        <p className="row soft small"><span>{say("shown", { shown: shown.length, all: alerts.length })}</span> <Button look="tiny" className="no-print" onClick={() => setWhole(true)}>{say("whole")}</Button></p>
      ) : null}
    </div>
  );
}

function Alerts({ alerts }: { alerts: readonly Alert[] }) {
  const say = useWords();
  const label = useLabel();
  const now = useNow(MINUTE_MS);
  const columns: readonly Column<Alert>[] = [
    { name: say("what"), cell: whatCell },
    { name: say("vehicle"), cell: vehicleCell },
    { name: say("handling"), kind: "whole", cell: (alert) => label("handlings", alert.handling) },
    { name: say("holder"), cell: (alert) => alert.handled?.assignee?.name ?? say("nobody") },
    { name: say("due"), kind: "whole", cell: dueCell },
    { name: say("waiting"), kind: "number", cell: (alert) => duration((now - Date.parse(alert.began)) / 1000) },
  ];
  return <div className="handover-list"><Table columns={columns} rows={alerts} keyOf={(alert) => alert.id} /></div>;
}

const whatCell = (alert: Alert) => <What alert={alert} />;
const vehicleCell = ({ vehicle }: Alert) => <><Plate plate={vehicle.plate} color={vehicle.plate_color} /> <span className="soft small">{vehicle.operator}</span></>;
const dueCell = (alert: Alert) => <Due alert={alert} />;

function What({ alert }: { alert: Alert }) {
  const language = useLanguage();
  return <><Severity severity={alert.severity} /><Link to={`/alerts/${alert.id}`}>{alert.sentence[language]}</Link></>;
}

function Due({ alert }: { alert: Alert }) {
  const say = useWords();
  if (!alert.handled?.due) return <span className="faint">—</span>;
  return <><Time time={alert.handled.due} />{alert.handled.escalated ? <span className="tag bad">{say("late")}</span> : null}</>;
}
