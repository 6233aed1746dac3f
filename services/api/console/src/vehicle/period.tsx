// The period that is looked at, kept in the address; fields are Asia/Shanghai.
import { useState } from "react";
import type { FormEvent } from "react";
import { setQuery, useQuery } from "../app/router";
import { Button, Field } from "../ui";
import { localOf, utcOf } from "../words/format";
import { useWords } from "./words";

const HOUR_MS = 3_600_000;

export interface Period {
  from: string;
  to: string;
}

/** From the address; by default the last six hours, or three around the moment an alert sent us here with. */
export function usePeriod(): Period {
  const query = useQuery();
  const [now] = useState(() => Date.now());
  const from = query.get("from");
  const to = query.get("to");
  if (from && to) return { from, to };
  if (from) return { from: new Date(Date.parse(from) - HOUR_MS).toISOString(), to: new Date(Date.parse(from) + 2 * HOUR_MS).toISOString() };
  return { from: new Date(now - 6 * HOUR_MS).toISOString(), to: new Date(now).toISOString() };
}

function last(hours: number): void {
  const now = Date.now();
  setQuery({ from: new Date(now - hours * HOUR_MS).toISOString(), to: new Date(now).toISOString() });
}

export function PeriodForm({ period }: { period: Period }) {
  const say = useWords();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setQuery({ from: utcOf(String(given.get("from"))), to: utcOf(String(given.get("to"))) });
  };
  return (
    <form key={`${period.from} ${period.to}`} className="row wrap no-print" onSubmit={submit}>
      <Field label={`${say("from")} (Asia/Shanghai)`}><input type="datetime-local" name="from" defaultValue={localOf(period.from)} required /></Field>
      <Field label={say("to")}><input type="datetime-local" name="to" defaultValue={localOf(period.to)} required /></Field>
      <Button type="submit" look="primary">{say("show")}</Button>
      {[1, 6, 24].map((hours) => <Button key={hours} onClick={() => last(hours)}>{say("lastHours", { n: hours })}</Button>)}
    </form>
  );
}
