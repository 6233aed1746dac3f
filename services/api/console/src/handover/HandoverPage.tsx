// The hand-over of a shift: what is left open and in whose hands, what was done and by whom; on paper, too.
import { useEffect } from "react";
import { get } from "../api/client";
import type { ShiftSummary } from "../api/schema";
import { useAsked } from "../api/use";
import { useNow } from "../app/Bar";
import { useQuery } from "../app/router";
import { Failed, Loading } from "../ui";
import { fullTime, number } from "../words/format";
import { Done } from "./Done";
import { Left } from "./Left";
import { Period } from "./Period";
import { shiftOf } from "./shift";
import type { Shift } from "./shift";
import { useWords } from "./words";
import "./handover.css";

const REFRESH_MS = 30_000;

export default function HandoverPage() {
  const say = useWords();
  const query = useQuery();
  const shift = shiftOf(query, useNow(REFRESH_MS));
  const { data, error, again } = useSummary(shift);
  return (
    <div className="page handover" tabIndex={0}>
      <div className="inner">
        <header className="row between wrap">
          <h1>{say("title")}</h1>
          {data ? <span className="soft small number">{fullTime(data.from)} – {fullTime(data.to)} ({say("zone")}) · {say("asOf", { time: fullTime(data.as_of) })}</span> : null}
        </header>
        <Period shift={shift} own={!query.has("from")} />
        {data && error ? <p className="said bad" role="alert">{say("old", { time: fullTime(data.as_of) })} {error.message}</p> : null}
        {data ? <><Figures summary={data} /><Left toMs={Date.parse(data.to)} /><Done done={data.done} /></> : error ? <Failed error={error} again={again} /> : <Loading />}
      </div>
    </div>
  );
}

/** A shift that is not over is asked for anew every half minute; what was known stays meanwhile. */
function useSummary(shift: Shift) {
  const { from, to } = shift;
  const asked = useAsked(`${from} ${to ?? ""}`, (signal) => get<ShiftSummary>("/v1/shifts/summary", { from, to: to ?? new Date().toISOString() }, signal));
  const { again } = asked;
  useEffect(() => {
    if (to !== null) return undefined;
    const timer = setInterval(again, REFRESH_MS);
    return () => clearInterval(timer);
  }, [to, again]);
  return asked;
}

function Figures({ summary }: { summary: ShiftSummary }) {
  const say = useWords();
  const { open, began, done } = summary;
  return (
    <dl className="figures">
      <div><dt>{say("open")}</dt><dd>{number(open.alerts)}</dd></div>
      <div className={open.overdue > 0 ? "bad" : ""}><dt>{say("overdue")}</dt><dd>{number(open.overdue)}</dd></div>
      <div><dt>{say("began")}</dt><dd>{number(began)}</dd></div>
      <div><dt>{say("done")}</dt><dd>{number(done.total)}</dd></div>
    </dl>
  );
}
