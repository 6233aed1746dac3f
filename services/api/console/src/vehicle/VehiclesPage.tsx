// Vehicles: the list with its filters, and one vehicle below its id.
import { useState } from "react";
import type { FormEvent } from "react";
import { get } from "../api/client";
import type { Vehicle, VehiclePage as Page } from "../api/schema";
import { useAsked } from "../api/use";
import type { PageProps } from "../app/pages";
import { go, setQuery, useQuery } from "../app/router";
import { labelOf, useLabel, useMeta } from "../app/session";
import { Button, Empty, Failed, Field, Link, Loading, Plate, Table } from "../ui";
import type { Column } from "../ui";
import { VehicleView } from "./VehicleView";
import { useWords } from "./words";

const PAGE = 100;

export default function VehiclesPage({ parts }: PageProps) {
  return parts[0] ? <VehicleView key={parts[0]} id={parts[0]} /> : <VehicleList />;
}

function VehicleList() {
  const say = useWords();
  const label = useLabel();
  const meta = useMeta();
  const query = useQuery();
  const [more, setMore] = useState<{ key: string; items: Vehicle[]; next: string | null } | null>(null);
  const asked = { q: query.get("q"), class: query.get("class"), division: query.get("division") };
  const key = JSON.stringify(asked);
  const { data, error, again } = useAsked(key, (signal) => get<Page>("/v1/vehicles", { ...asked, limit: PAGE }, signal));
  const own = more?.key === key ? more : null;
  const items = [...(data?.items ?? []), ...(own?.items ?? [])];
  const next = own ? own.next : (data?.next ?? null);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setQuery(Object.fromEntries(["q", "class", "division"].map((name) => [name, String(given.get(name) ?? "").trim()])), false);
  };
  const columns: Column<Vehicle>[] = [
    { name: say("plate"), kind: "whole", cell: (row) => <Link to={`/vehicles/${row.id}`}><Plate plate={row.plate} color={row.plate_color} /></Link> },
    { name: say("class"), kind: "whole", cell: (row) => label("classes", row.class) },
    { name: say("operator"), cell: (row) => row.operator },
    { name: say("division"), kind: "whole", cell: (row) => <span className="number">{row.division}</span> },
    { name: say("terminal"), kind: "whole", cell: (row) => <span className="number">{row.terminal}</span> },
    { name: say("permit"), kind: "whole", cell: (row) => row.permit ?? "—" },
  ];
  return (
    <div className="page" tabIndex={0}><div className="inner">
      <h1>{say("title")}</h1>
      <form key={key} className="row wrap" onSubmit={submit}>
        <div className="grow"><Field label={`${say("plate")} / ${say("operator")}`}><input type="search" name="q" defaultValue={asked.q ?? ""} placeholder={say("lead")} autoFocus /></Field></div>
        <Field label={say("class")}><select name="class" defaultValue={asked.class ?? ""}><option value="">—</option>{meta.classes.map((one) => <option key={one.code} value={one.code}>{labelOf(meta.classes, one.code)}</option>)}</select></Field>
        <Field label={say("division")}><input name="division" defaultValue={asked.division ?? ""} inputMode="numeric" pattern="[0-9]{0,6}" /></Field>
        <Button type="submit" look="primary">{say("search")}</Button>
      </form>
      {error ? <Failed error={error} again={again} /> : null}
      {!data && !error ? <Loading /> : null}
      {data && items.length === 0 ? <Empty title={say("none")}>{say("noneLead")}</Empty> : null}
      {items.length > 0 ? <div className="panel"><Table columns={columns} rows={items} keyOf={(row) => String(row.id)} onOpen={(row) => go(`/vehicles/${row.id}`)} /></div> : null}
      {next ? <div className="row"><Button onClick={() => get<Page>("/v1/vehicles", { ...asked, limit: PAGE, cursor: next }).then((page) => setMore({ key, items: [...(own?.items ?? []), ...page.items], next: page.next }), () => again())}>{say("more")}</Button></div> : null}
    </div></div>
  );
}
