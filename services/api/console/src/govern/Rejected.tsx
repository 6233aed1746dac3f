// Reports that were kept out, byte for byte. Every look stands in the audit with its purpose, so nothing is asked before somebody wants to see.
import { useState } from "react";
import { ask } from "../api/client";
import type { RejectedPage, Rejected as Report, SystemReports } from "../api/schema";
import { asError, useAsked } from "../api/use";
import { useMeta } from "../app/session";
import { WithPurpose, purposeHeader } from "../purpose/purpose";
import { Button, Empty, Failed, Field, Loading, Time } from "../ui";
import { toast } from "../ui/toast";
import { number } from "../words/format";
import { useLanguage } from "../words/language";
import { bytesOf, hexOf } from "./bytes";
import { useWords } from "./words";

export function Rejected({ hour }: { hour: SystemReports | null }) {
  const say = useWords();
  const language = useLanguage();
  const reasons = useMeta().reasons.filter((one) => one.verdict === "rejected" || one.verdict === "quarantined");
  const [reason, setReason] = useState<string | null>(null); // null: nobody has asked to see them; "": all
  const counts = new Map(hour?.reasons.map((one) => [one.code, one.count]));
  return (
    <section className="panel padded stack"><h2>{say("rejects")} <span className="small soft">{say("rejectsLead")}</span></h2>
      <div className="row wrap">
        <Button look={reason === "" ? "on" : ""} aria-pressed={reason === ""} onClick={() => setReason("")}>{say("showAll")}</Button>
        {reasons.filter((one) => counts.has(one.code)).map((one) => (
          <Button key={one.code} look={reason === one.code ? "on" : ""} aria-pressed={reason === one.code} onClick={() => setReason(one.code)}>{one[language]} <strong className="number" title={say("hour")}>{number(counts.get(one.code) ?? 0)}</strong></Button>
        ))}
      </div>
      {reason === null ? null : (
        <WithPurpose>
          <Field label={say("reason")}>
            <select value={reason} onChange={(event) => setReason(event.target.value)}>
              <option value="">{say("everything")}</option>
              {reasons.map((one) => <option key={one.code} value={one.code}>{one[language]} · {one.code}</option>)}
            </select>
          </Field>
          <Reports key={reason} reason={reason} />
        </WithPurpose>
      )}
    </section>
  );
}

function Reports({ reason }: { reason: string }) {
  const say = useWords();
  const look = (before: string | null, signal?: AbortSignal): Promise<RejectedPage> =>
    ask<RejectedPage>("/v1/rejected", { query: { reason, before }, headers: purposeHeader(), signal }).then(({ body }) => body);
  const { data, error, again } = useAsked(`rejected ${reason}`, (signal) => look(null, signal));
  const [older, setOlder] = useState<RejectedPage[]>([]);
  const [under, setUnder] = useState(false); // an older page is on its way
  if (error && !data) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  const last = older.at(-1) ?? data;
  const items = [data, ...older].flatMap((page) => page.items);
  const more = (): void => {
    setUnder(true);
    look(last.next).then((page) => setOlder((before) => [...before, page]), (problem: unknown) => toast(asError(problem).message, true)).finally(() => setUnder(false));
  };
  const anew = (): void => {
    setOlder([]);
    again();
  };
  return (
    <>
      {error ? <p className="said bad" role="alert">{error.message}</p> : null}
      {items.length > 0 ? <ul className="rejects">{items.map((report) => <li key={report.id}><Item report={report} /></li>)}</ul> : null}
      {items.length === 0 && !last.next ? <Empty title={say("noRejects")} /> : null}
      {last.stopped ? <p className="soft small" role="status">{say("stoppedAt", { count: number(last.scanned) })}</p> : null}
      <div className="row">
        {last.next ? <Button disabled={under} onClick={more}>{say("older")}</Button> : null}
        <Button look="quiet" onClick={anew}>{say("refresh")}</Button>
      </div>
    </>
  );
}

function Item({ report }: { report: Report }) {
  const say = useWords();
  const language = useLanguage();
  const [open, setOpen] = useState(false);
  const { reason, source } = report;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Time time={report.time} long />
        <span>{reason ? <>{reason[language]} <code className="faint small">{reason.code}</code></> : "—"}</span>
        <code className="cut" title={report.key ?? ""}>{report.key ?? "—"}</code>
        <span className="small faint number">{source ? `${source.topic} ${source.partition}:${source.offset}` : "—"}</span>
        <span className="small number">{say("bytes", { count: number(report.bytes) })}</span>
      </summary>
      {open ? <Original report={report} /> : null}
    </details>
  );
}

function Original({ report }: { report: Report }) {
  const say = useWords();
  const bytes = bytesOf(report.base64);
  return (
    <div className="stack">
      {report.bytes > bytes.length ? <p className="small soft">{say("cutAt", { shown: number(bytes.length), count: number(report.bytes) })}</p> : null}
      {report.content_type === null ? null : <p className="small soft">content-type: <code>{report.content_type}</code></p>}
      {report.text === null ? <p className="small soft">{say("noText")}</p> : null}
      {report.text ? <pre className="raw" tabIndex={0}>{report.text}</pre> : null}
      {bytes.length > 0 ? <pre className="raw hex" tabIndex={0}>{hexOf(bytes)}</pre> : null}
    </div>
  );
}
