// What the alert rests on: speed against the limit, the driver's time since the spell began, or the distance from the route.
import type { Alert } from "../api/schema";
import { Chart } from "../ui/chart";
import { duration, fullTime } from "../words/format";
import { markedOf, useStretch } from "./track";
import { useWords } from "./words";

interface Segment {
  state: "driving" | "stopped" | "rest" | "silent";
  from: string;
  to: string;
}

const STATES = ["driving", "stopped", "rest", "silent"] as const;

export function Evidence({ alert }: { alert: Alert }) {
  return (
    <>
      {alert.rule === "fatigue" ? <Ledger alert={alert} /> : null}
      {alert.rule === "route_deviation" ? <DistanceChart alert={alert} /> : null}
      <SpeedChart alert={alert} />
    </>
  );
}

function SpeedChart({ alert }: { alert: Alert }) {
  const say = useWords();
  const { data, error } = useStretch(alert);
  const points = (data ?? []).map((point) => ({ ms: point.ms, value: point.speed }));
  return (
    <section className="stack">
      <h3>{say("speedChart")} <span className="small faint">{say("speedChartLead")}</span></h3>
      {error ? <p className="soft small">{error.message}</p> : null}
      {data && points.length === 0 ? <p className="soft small">{say("noTrack")}</p> : null}
      {points.length > 0 ? (
        <Chart points={points} unit={say("kmh")} label={say("speedChart")} limit={alert.rule === "speeding" ? alert.limit : null}
          marked={markedOf(alert, points)} />
      ) : null}
    </section>
  );
}

function DistanceChart({ alert }: { alert: Alert }) {
  const say = useWords();
  const points = (useStretch(alert).data ?? []).map((point) => ({ ms: point.ms, value: point.off ?? null }));
  if (!points.some((point) => point.value !== null)) return null;
  return (
    <section className="stack">
      <h3>{say("distanceChart")} <span className="small faint">{say("speedChartLead")}</span></h3>
      <Chart points={points} unit="m" label={say("distanceChart")} limit={alert.limit} marked={markedOf(alert, points)} />
    </section>
  );
}

export function timelineOf(alert: Alert): Segment[] {
  const found = alert.why["timeline"];
  return Array.isArray(found) ? (found as Segment[]) : [];
}

function Ledger({ alert }: { alert: Alert }) {
  const say = useWords();
  const segments = timelineOf(alert);
  const [first, last] = [segments[0], segments.at(-1)];
  if (!first || !last) return null;
  const [begin, end] = [Date.parse(first.from), Date.parse(last.to)];
  const total = Math.max(end - begin, 1);
  return (
    <section className="stack">
      <h3>{say("ledger")} <span className="small faint">{say("ledgerLead")}</span></h3>
      <div className="ledger" role="img" aria-label={segments.map((one) => `${say(one.state)} ${fullTime(one.from)}–${fullTime(one.to)}`).join("; ")}>
        {segments.map((one) => {
          const length = Date.parse(one.to) - Date.parse(one.from);
          return <span key={one.from} className={one.state} style={{ width: `${(100 * length) / total}%` }} title={`${say(one.state)} ${duration(length / 1000)}\n${fullTime(one.from)} – ${fullTime(one.to)}`} />;
        })}
        {begin + alert.limit * 1000 < end && alert.kind === "continuous" ? <i className="ledger-limit" style={{ left: `${(100 * alert.limit * 1000) / total}%` }} title={say("limit")} /> : null}
      </div>
      <div className="row between small soft number"><span>{fullTime(first.from)}</span><span>{fullTime(last.to)}</span></div>
      <div className="row wrap small soft">
        {STATES.map((state) => {
          const sum = segments.filter((one) => one.state === state).reduce((all, one) => all + Date.parse(one.to) - Date.parse(one.from), 0);
          return sum > 0 ? <span key={state} className="row"><i className={`ledger-key ${state}`} />{say(state)} {duration(sum / 1000)}</span> : null;
        })}
      </div>
    </section>
  );
}
