// The driver: a code at first; who it is only for those who may, with a reason that goes into the audit.
import { useState } from "react";
import type { FormEvent } from "react";
import { ask } from "../api/client";
import type { Alert, Driver as DriverBody } from "../api/schema";
import { useMay } from "../app/session";
import { Button } from "../ui";
import { useWords } from "./words";

export function Driver({ alert }: { alert: Alert }) {
  const say = useWords();
  const may = useMay("drivers:read");
  const [asking, setAsking] = useState(false);
  const [found, setFound] = useState<DriverBody | null>(null);
  const [error, setError] = useState<string | null>(null);
  if (!alert.driver) return <>—</>;
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const why = String(new FormData(event.currentTarget).get("why"));
    try {
      setFound((await ask<DriverBody>(`/v1/drivers/${encodeURIComponent(alert.driver ?? "")}`, { headers: { "X-Purpose": encodeURIComponent(why) } })).body);
      setAsking(false);
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  return (
    <div className="stack">
      <span>{alert.driver} {may && !found && !asking ? <Button look="tiny" onClick={() => setAsking(true)}>{say("reveal")}</Button> : null}</span>
      {asking ? <form className="row" onSubmit={submit}><input name="why" required minLength={2} maxLength={200} placeholder={say("revealWhy")} aria-label={say("revealWhy")} autoFocus /><Button type="submit">{say("confirm")}</Button></form> : null}
      {error ? <span className="said bad" role="alert">{error}</span> : null}
      {found ? <span>{Object.entries(found).filter(([, value]) => typeof value === "string" && value).map(([name, value]) => <span key={name} className="driver-fact"><span className="soft small">{name}</span> {String(value)}</span>)}</span> : null}
    </div>
  );
}
