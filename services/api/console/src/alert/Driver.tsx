// The driver: a code at first; who it is and how to reach them only for those who may, with a reason that goes into the audit.
import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { ask } from "../api/client";
import type { Alert, Driver as DriverBody } from "../api/schema";
import { useMay } from "../app/session";
import { statePurpose, usePurpose } from "../purpose/purpose";
import { Button } from "../ui";
import { useWords } from "./words";

export function Driver({ alert }: { alert: Alert }) {
  const say = useWords();
  const may = useMay("drivers:read");
  const [asking, setAsking] = useState(false);
  const [found, setFound] = useState<DriverBody | null>(null);
  const [error, setError] = useState<string | null>(null);
  if (!alert.driver) return <>—</>;
  const look = async (why: string, unmask: boolean): Promise<void> => {
    statePurpose(why);
    try {
      const path = `/v1/drivers/${encodeURIComponent(alert.driver ?? "")}`;
      setFound((await ask<DriverBody>(path, { query: unmask ? { unmask: "true" } : {}, headers: { "X-Purpose": encodeURIComponent(why) } })).body);
      setError(null);
      setAsking(false);
    } catch (problem) {
      setError((problem as Error).message);
    }
  };
  return (
    <div className="stack">
      <span>{alert.driver} {may && !found && !asking ? <Button look="tiny" onClick={() => setAsking(true)}>{say("reveal")}</Button> : null}</span>
      {asking ? <Why look={look} cancel={() => setAsking(false)} /> : null}
      {error ? <span className="said bad" role="alert">{error}</span> : null}
      {found ? <Card driver={found} /> : null}
    </div>
  );
}

function Why({ look, cancel }: { look: (why: string, unmask: boolean) => Promise<void>; cancel: () => void }) {
  const say = useWords();
  const mayUnmask = useMay("drivers:unmask");
  const stated = usePurpose();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    void look(String(given.get("why")).trim(), given.get("unmask") !== null);
  };
  return (
    <form className="stack" onSubmit={submit}>
      <input name="why" required minLength={2} maxLength={200} defaultValue={stated} placeholder={say("revealWhy")} aria-label={say("revealWhy")} autoFocus />
      {mayUnmask ? <label className="row"><input type="checkbox" name="unmask" />{say("unmask")}</label> : null}
      <span className="row"><Button type="submit" look="primary">{say("confirm")}</Button><Button type="button" onClick={cancel}>{say("cancel")}</Button></span>
    </form>
  );
}

function Card({ driver }: { driver: DriverBody }) {
  const say = useWords();
  const phone: ReactNode = driver.phone && !driver.masked ? <a href={`tel:${driver.phone}`}>{driver.phone}</a> : (driver.phone ?? say("noPhone"));
  const rows: [string, ReactNode][] = [
    [say("driverName"), driver.name], [say("phone"), phone], [say("operator"), driver.operator],
    [say("licence"), driver.licence_class], [say("qualifiedFor"), driver.qualified_for], [say("validTo"), driver.valid_to],
  ];
  return (
    <dl className="driver-card">
      {rows.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      {driver.masked ? <div><dt /><dd className="soft small">{say("masked")}</dd></div> : null}
    </dl>
  );
}
