// One alert, from siren to closure: the sentence, the measure against the limit, the evidence, whose it is and what was done, and the next step one key away.
import { useCallback, useState } from "react";
import { ApiError, ask } from "../api/client";
import type { Alert } from "../api/schema";
import { useAsked } from "../api/use";
import { useKindLabel, useLabel, useMay, useMe } from "../app/session";
import { useQueue } from "../stream/alerts";
import { Button, Empty, Failed, Link, Loading, Plate, Severity, Time } from "../ui";
import { Icon } from "../ui/icons";
import { toast } from "../ui/toast";
import { say as sayAll } from "../words";
import { duration, number } from "../words/format";
import { useLanguage } from "../words/language";
import { Actions } from "./Actions";
import { Driver } from "./Driver";
import { Evidence } from "./Evidence";
import { History } from "./History";
import { Viewing } from "./Viewing";
import { useWords } from "./words";
import "./alert.css";

export default function AlertPanel({ id, close }: { id: string; close: () => void }) {
  const say = useWords();
  const [round, setRound] = useState(0);
  const live = useQueue().alerts.get(id);
  const { data, error, again } = useAsked(`${id} ${round}`, (signal) => ask<Alert>(`/v1/alerts/${encodeURIComponent(id)}`, { signal }).then((answer) => answer.body));
  const changed = useCallback(() => setRound((before) => before + 1), []);
  const alert = newer(live, data);
  if (!alert && error instanceof ApiError && error.status === 404) return <Empty title={say("gone")}><Button onClick={close}>{sayAll("close")}</Button></Empty>;
  if (!alert && error) return <Failed error={error} again={again} />;
  if (!alert) return <Loading />;
  return (
    <article className="alert-panel" aria-label={alert.sentence.zh}>
      <Head alert={alert} close={close} />
      <Viewing id={alert.id} />
      <Actions alert={alert} changed={changed} />
      <Measure alert={alert} />
      <Standing alert={alert} />
      <Evidence alert={alert} />
      <Facts alert={alert} />
      <History alert={alert} round={round} />
    </article>
  );
}

/** The stream and the answer to a question may cross: whichever knows more of both judging and handling. */
export function newer(one: Alert | undefined | null, other: Alert | undefined | null): Alert | null {
  if (!one || !other) return one ?? other ?? null;
  const rank = (alert: Alert): number => (alert.handled?.version ?? 0) * 1e6 + alert.version;
  return rank(other) > rank(one) ? other : one;
}

function Head({ alert, close }: { alert: Alert; close: () => void }) {
  const say = useWords();
  const language = useLanguage();
  const label = useLabel();
  const kind = useKindLabel();
  const copy = (): void => {
    navigator.clipboard.writeText(`${location.origin}/alerts/${alert.id}`).then(() => toast(say("copied")), (error: unknown) => toast(String(error), true));
  };
  return (
    <header className="stack">
      <div className="row between">
        <span className="row grow"><Severity severity={alert.severity} /><span className="soft cut">{label("rules", alert.rule)} · {kind(alert.rule, alert.kind)}</span></span>
        <span className="row no-print">
          <Button look="quiet tiny" onClick={copy}>{say("copy")}</Button>
          <Button look="quiet tiny" aria-label={say("print")} title={say("print")} onClick={() => print()}><Icon name="print" /></Button>
          <Button look="quiet tiny" aria-label={sayAll("close")} title="Esc" onClick={close}><Icon name="close" /></Button>
        </span>
      </div>
      <h2 className="alert-sentence">{alert.sentence[language]}</h2>
      {alert.late ? <span className="tag warn">{say("late")}</span> : null}
    </header>
  );
}

function Measure({ alert }: { alert: Alert }) {
  const say = useWords();
  const shown = (value: number): string => (alert.unit === "s" ? duration(value) : `${number(value, 1)} ${alert.unit}`);
  const proven = alert.why["duration_s"]; // of one that goes on, what its sentence says
  const seconds = !alert.ended && typeof proven === "number" ? proven : (Date.parse(alert.ended ?? alert.at.time) - Date.parse(alert.began)) / 1000;
  return (
    <dl className="measure">
      <div className={`measure-main ${alert.severity}`}><dt>{say("measured")}</dt><dd>{shown(alert.peak)}</dd></div>
      <div><dt>{say("limit")}</dt><dd>{shown(alert.limit)}</dd></div>
      <div><dt>{say("over")}</dt><dd>{shown(Math.max(0, alert.peak - alert.limit))}{alert.limit > 0 ? <span className="small soft"> +{number((100 * (alert.peak - alert.limit)) / alert.limit)}%</span> : null}</dd></div>
      <div><dt>{say("lasted")}</dt><dd>{duration(seconds)}{alert.state === "open" ? <span className="small warn"> {say("ongoing")}</span> : null}</dd></div>
    </dl>
  );
}

/** Whose it is and until when. */
function Standing({ alert }: { alert: Alert }) {
  const say = useWords();
  const label = useLabel();
  const me = useMe();
  const { handled } = alert;
  return (
    <div className="row wrap standing">
      <span className={`tag ${alert.handling === "open" ? "bad" : alert.handling === "resolved" ? "good" : "accent"}`}>{label("handlings", alert.handling)}{handled?.reason ? ` · ${label("resolutions", handled.reason)}` : ""}</span>
      {handled?.assignee ? <span className="tag accent">{say("assignee")}: {handled.assignee.id === me.id ? say("mine") : handled.assignee.name}</span> : null}
      {handled?.supervision ? <span className="tag warn">{say("supervised")} · {label("supervisions", handled.supervision)}</span> : null}
      {handled?.due ? <span className={`tag ${handled.escalated ? "bad" : "warn"}`}><Time time={handled.due} /> {handled.escalated ? say("overdue") : ""}</span> : null}
      {handled?.by && handled.at ? <span className="small soft">{say("by", { who: handled.by.name })} <Time time={handled.at} /></span> : null}
    </div>
  );
}

function Facts({ alert }: { alert: Alert }) {
  const say = useWords();
  const language = useLanguage(); // the limit's origin is told in English by the interface; in Chinese the sentence says it
  const label = useLabel();
  const mayVehicles = useMay("vehicles:read");
  const text = (name: string): string | null => (typeof alert.why[name] === "string" ? (alert.why[name] as string) : null);
  return (
    <dl className="facts">
      <dt>{say("vehicle")}</dt>
      <dd className="row wrap"><Plate plate={alert.vehicle.plate} color={alert.vehicle.plate_color} /> {label("classes", alert.vehicle.class)} {mayVehicles ? <Link className="small" to={`/vehicles/${alert.vehicle.id}?from=${alert.began}`}>{say("vehiclePage")}</Link> : null}</dd>
      <dt>{say("operator")}</dt><dd>{alert.vehicle.operator} <span className="faint small">{alert.vehicle.division}</span></dd>
      <dt>{say("driver")}</dt><dd><Driver alert={alert} /></dd>
      {text("road") ? <><dt>{say("road")}</dt><dd>{text("road")}</dd></> : null}
      {text("route_name") ? <><dt>{say("route")}</dt><dd>{text("route_name")}</dd></> : null}
      <dt>{say("began")}</dt><dd><Time time={alert.began} long /></dd>
      <dt>{say("ended")}</dt><dd>{alert.ended ? <Time time={alert.ended} long /> : say("ongoing")}</dd>
      {text("basis") ? <><dt>{say("basis")}</dt><dd>{text("basis")}</dd></> : null}
      {text("limit_from") && language === "en" ? <><dt>{say("why")}</dt><dd>{text("limit_from")}</dd></> : null}
      <dt>{say("confidence")}</dt><dd className="number">{number(100 * alert.confidence)}% <span className="faint small">{say("judged", { n: alert.version })} · {alert.id}</span></dd>
    </dl>
  );
}
