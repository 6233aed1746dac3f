// Which shift: three at hand, any other by its two moments; kept in the address. `own`: the address names none, so it is the one to be handed over.
import type { FormEvent } from "react";
import { setQuery } from "../app/router";
import { Button, Field } from "../ui";
import { localOf, utcOf } from "../words/format";
import { dayUntil, shiftBefore } from "./shift";
import type { Shift } from "./shift";
import { useWords } from "./words";

const choose = ({ from, to }: Shift): void => setQuery({ from, to }, false);

export function Period({ shift, own }: { shift: Shift; own: boolean }) {
  const say = useWords();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const to = String(given.get("to"));
    choose({ from: utcOf(String(given.get("from"))), to: to ? utcOf(to) : null });
  };
  return (
    <form key={`${shift.from} ${shift.to ?? ""}`} className="handover-period no-print" onSubmit={submit}>
      <Button look={own ? "on" : ""} aria-pressed={own} onClick={() => setQuery({ from: null, to: null }, false)}>{say("thisShift")}</Button>
      <Button onClick={() => choose(shiftBefore(Date.now()))}>{say("lastShift")}</Button>
      <Button onClick={() => choose(dayUntil(Date.now()))}>{say("day")}</Button>
      <Field label={`${say("from")} (${say("zone")})`}><input type="datetime-local" name="from" required defaultValue={localOf(shift.from)} /></Field>
      <Field label={`${say("to")} (${shift.to === null ? say("untilNow") : say("zone")})`}><input type="datetime-local" name="to" defaultValue={shift.to === null ? "" : localOf(shift.to)} /></Field>
      <Button type="submit">{say("show")}</Button>
      <Button onClick={() => print()}>{say("print")}</Button>
    </form>
  );
}
