// How the system is: what waits where, what came in and what was kept out, and who has fallen silent.
import { useEffect } from "react";
import { get } from "../api/client";
import type { System as Body, SystemOperator, SystemReason, SystemReports, SystemService } from "../api/schema";
import { useAsked } from "../api/use";
import { Failed, Loading, Table, Time } from "../ui";
import { duration, number } from "../words/format";
import { useLanguage } from "../words/language";
import { Rejected } from "./Rejected";
import { useWords } from "./words";

const LOOK_MS = 5000;
const LATE = 5000;

export default function System() {
  const say = useWords();
  const language = useLanguage();
  const { data, error, again } = useAsked("system", (signal) => get<Body>("/v1/system", {}, signal));
  useEffect(() => {
    const timer = setInterval(again, LOOK_MS);
    return () => clearInterval(timer);
  }, [again]);
  if (error && !data) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  const figure = (value: number | null): string => (value === null ? "—" : number(value));
  return (
    <>
      {error ? <p className="said bad" role="alert">{error.message}</p> : null}
      {data.kafka === "away" ? <p className="said bad" role="alert">{say("kafkaAway")}</p> : null}
      {data.guard.state !== "quiet" ? <p className="said bad" role="alert">{say(data.guard.state === "held" ? "guardHeld" : "guardOver", { kept: number(data.guard.kept_out), reports: number(data.guard.reports) })} {data.guard.reasons.map((one) => `${one[language]} ${number(one.count)}`).join(language === "zh" ? "、" : ", ")}</p> : null}
      <dl className="tiles">
        <div><dt>{say("streams")}</dt><dd>{figure(data.streams)}</dd></div>
        <div><dt>{say("feed")}</dt><dd>{figure(data.feed)}</dd></div>
        <div><dt>{say("backlog")}</dt><dd>{figure(data.webhooks.waiting)}{data.webhooks.oldest_s === null ? null : <span className="small soft"> {duration(data.webhooks.oldest_s)}</span>}</dd></div>
        <div><dt>{say("jobs")}</dt><dd>{data.jobs.running} / {data.jobs.waiting}</dd></div>
        <div><dt>{say("database")}</dt><dd>{number(data.database_bytes / 2 ** 20)} MiB</dd></div>
      </dl>
      <div className="panel scroll-x" tabIndex={0}><Table<SystemService> rows={data.services} keyOf={(row) => row.service} columns={[
        { name: say("service"), kind: "whole", cell: (row) => <code>{row.service}</code> },
        { name: say("lag"), kind: "number", cell: (row) => <strong className={row.lag !== null && row.lag > LATE ? "warn" : ""}>{figure(row.lag)}</strong> },
        { name: say("rate"), kind: "number", cell: (row) => figure(row.rate) },
        { name: say("partition"), cell: (row) => <span className="small number">{row.partitions.map((one) => `${one.partition}: ${figure(one.position)}${one.lag ? ` (−${figure(one.lag)})` : ""}`).join("   ")}</span> },
        { name: say("owner"), cell: (row) => <span className="small faint">{[...new Set(row.partitions.map((one) => one.owner))].join(", ")}</span> },
      ]} /></div>
      <div className="two"><Reports title={say("minute")} reports={data.reports.minute} /><Reports title={say("hour")} reports={data.reports.hour} /></div>
      <Rejected hour={data.reports.hour} />
      <section className="panel padded stack"><h2>{say("last")} <span className="small soft">{say("longest")}</span></h2>
        <Table<SystemOperator> rows={data.operators} keyOf={(row) => row.operator} columns={[
          { name: say("operator"), cell: (row) => row.operator },
          { name: say("vehicles"), kind: "number", cell: (row) => row.vehicles },
          { name: say("last"), kind: "whole", cell: (row) => <><Time time={row.last} long /> <span className="soft small">{say("silence", { time: duration((Date.parse(data.time) - Date.parse(row.last)) / 1000) })}</span></> },
        ]} /></section>
    </>
  );
}

function Reports({ title, reports }: { title: string; reports: SystemReports | null }) {
  const say = useWords();
  const language = useLanguage();
  return (
    <section className="panel padded stack"><h2>{title}</h2>
      {reports ? (
        <>
          <dl className="facts number"><dt>{say("accepted")}</dt><dd>{number(reports.accepted)}</dd><dt>{say("flagged")}</dt><dd>{number(reports.flagged)}</dd><dt>{say("quarantined")}</dt><dd>{number(reports.quarantined)}</dd><dt>{say("rejectedCount")}</dt><dd>{number(reports.rejected)}</dd></dl>
          {reports.reasons.length > 0 ? <Table<SystemReason> rows={reports.reasons} keyOf={(row) => `${row.code} ${row.verdict}`} columns={[
            { name: say("reason"), cell: (row) => <>{row[language]} <code className="faint small">{row.code}</code></> },
            { name: "", kind: "number", cell: (row) => number(row.count) },
          ]} /> : null}
        </>
      ) : <p className="soft">{say("unknown")}</p>}
    </section>
  );
}
