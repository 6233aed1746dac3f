// Who did what: the chain as it was written.
import { useState } from "react";
import type { FormEvent } from "react";
import type { AuditRow } from "../api/schema";
import { Button, Field, Time } from "../ui";
import { utcOf } from "../words/format";
import { Paged } from "./paged";
import { credentialWord, useWords } from "./words";

export default function Audit() {
  const say = useWords();
  const [query, setQuery] = useState<Record<string, string>>({});
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value));
    for (const name of ["from", "to"]) if (given[name]) given[name] = utcOf(given[name]);
    setQuery(given);
  };
  return (
    <>
      <p className="soft small">{say("chain")}</p>
      <form className="row wrap" onSubmit={submit}>
        <Field label={say("actor")}><input name="actor" /></Field>
        <Field label={say("action")}><input name="action" placeholder="track.read" /></Field>
        <Field label={say("object")}><input name="object" placeholder="vehicle:7" /></Field>
        <Field label={say("credential")}><input name="credential_id" placeholder="ses_…" /></Field>
        <Field label={say("since")}><input type="datetime-local" name="from" /></Field>
        <Field label={say("until")}><input type="datetime-local" name="to" /></Field>
        <Button type="submit">{say("filter")}</Button>
      </form>
      <Paged<AuditRow> none={say("noAudit")} path="/v1/audit" query={{ ...query, limit: 100 }} keyOf={(row) => String(row.seq)} columns={[
        { name: "#", kind: "number", cell: (row) => row.seq },
        { name: say("time"), kind: "whole", cell: (row) => <Time time={row.at} long /> },
        { name: say("actor"), cell: (row) => <>{row.actor_name} <span className="faint small">{row.ip}</span></> },
        { name: say("credential"), kind: "whole", cell: (row) => (row.credential ? <span className="small">{credentialWord(row.credential)} <code className="faint">{row.credential_id ?? ""}</code></span> : "—") },
        { name: say("action"), kind: "whole", cell: (row) => <code>{row.action}</code> },
        { name: say("object"), cell: (row) => row.object },
        { name: say("outcome"), kind: "whole", cell: (row) => <span className={`tag ${row.outcome === "ok" ? "good" : "warn"}`}>{row.outcome}</span> },
        { name: say("purpose"), cell: (row) => row.purpose ?? "" },
        { name: say("detail"), cell: (row) => <code className="small">{Object.keys(row.detail).length > 0 ? JSON.stringify(row.detail) : ""}</code> },
        { name: say("hash"), kind: "whole", cell: (row) => <code className="small faint" title={row.row_hash}>{row.row_hash.slice(0, 10)}</code> },
      ]} />
    </>
  );
}
