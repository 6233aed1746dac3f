// A list that is read page by page.
import { useState } from "react";
import { get } from "../api/client";
import type { Query } from "../api/client";
import { asError, useAsked } from "../api/use";
import { Button, Empty, Failed, Loading, Table } from "../ui";
import type { Column } from "../ui";
import { toast } from "../ui/toast";
import { useWords } from "./words";

interface Page<T> {
  items: T[];
  next: string | null;
}

export function Paged<T>({ path, query = {}, round = 0, columns, keyOf, none }: { path: string; query?: Query; round?: number; columns: readonly Column<T>[]; keyOf: (row: T) => string; none?: string }) {
  const say = useWords();
  const key = `${path} ${JSON.stringify(query)} ${round}`;
  const { data, error, again } = useAsked(key, (signal) => get<Page<T>>(path, query, signal));
  const [rest, setRest] = useState<{ key: string; items: T[]; next: string | null } | null>(null);
  const own = rest?.key === key ? rest : null;
  if (error && !data) return <Failed error={error} again={again} />;
  if (!data) return <Loading />;
  const items = [...data.items, ...(own?.items ?? [])];
  const next = own ? own.next : data.next;
  if (items.length === 0) return <Empty title={none ?? say("none")} />;
  const more = (): void => {
    get<Page<T>>(path, { ...query, cursor: next }).then((page) => setRest({ key, items: [...(own?.items ?? []), ...page.items], next: page.next }), (problem: unknown) => toast(asError(problem).message, true));
  };
  return (
    <>
      <div className="panel scroll-x" tabIndex={0}><Table columns={columns} rows={items} keyOf={keyOf} /></div>
      {next ? <div className="row"><Button onClick={more}>{say("more")}</Button></div> : null}
    </>
  );
}
