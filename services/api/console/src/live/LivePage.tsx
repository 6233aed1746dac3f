// The live page: the queue, the map, and beside them the alert that is being looked at.
import { Suspense, lazy, useCallback, useMemo, useState } from "react";
import { useNow } from "../app/Bar";
import type { PageProps } from "../app/pages";
import { go, useQuery } from "../app/router";
import { useMay, useMe } from "../app/session";
import { useShortcuts } from "../app/shortcuts";
import { resolved, useQueue } from "../stream/alerts";
import { Button, Empty, Failed, Loading } from "../ui";
import { useWords } from "../words";
import { FilterBar, clearFilters } from "./FilterBar";
import { LiveMap } from "./LiveMap";
import { Queue } from "./Queue";
import { Welcome } from "./Welcome";
import { filtersOf, meets, rowsOf } from "./order";
import { useStorms } from "./storms";
import { useAnnouncements } from "./useAnnouncements";
import "./live.css";

const AlertPanel = lazy(() => import("../alert/AlertPanel"));

export default function LivePage({ parts }: PageProps) {
  const say = useWords();
  const me = useMe();
  const queue = useQueue();
  const query = useQuery();
  const now = useNow(5000);
  const news = useAnnouncements();
  const mayVehicles = useMay("vehicles:read");
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const chosen = parts[0] ?? null;
  const filters = useMemo(() => filtersOf(query), [query]);
  const grouped = query.get("storms") !== "0";
  const storms = useStorms(grouped, queue.alerts);
  const all = useMemo(() => [...queue.alerts.values()], [queue.alerts]);
  const alerts = useMemo(() => all.filter((alert) => alert.id === chosen || meets(alert, filters, me.id)), [all, filters, me.id, chosen]);
  const rows = useMemo(() => rowsOf(alerts, storms, opened), [alerts, storms, opened]);
  const hidden = all.length - alerts.length;
  const waiting = useMemo(() => alerts.filter((alert) => !resolved(alert)).length, [alerts]);
  const choose = useCallback((id: string | null) => go((id ? `/alerts/${id}` : "/") + location.search), []);
  const toggle = useCallback((key: string) => setOpened((before) => {
    const next = new Set(before);
    if (!next.delete(key)) next.add(key);
    return next;
  }), []);
  useQueueKeys(rows, chosen, choose, toggle);
  return (
    <div className={`live-page ${chosen ? "with-detail" : ""}`}>
      <section className="queue" aria-label={say("queue")}>
        <div className="queue-head">
          <h1>{say("queue")} <span className="number soft">{waiting}{queue.more ? "+" : ""}</span></h1>
          <span className="small faint">{say("sortUrgency")}</span>
        </div>
        <FilterBar filters={filters} grouped={grouped} hidden={hidden} />
        <Welcome />
        {!queue.loaded && queue.error ? <Failed error={queue.error} /> : null}
        {!queue.loaded && !queue.error ? <Loading /> : null}
        {queue.loaded && rows.length === 0 ? <NothingWaits hidden={hidden} /> : null}
        {rows.length > 0 ? <Queue rows={rows} chosen={chosen} fresh={news.fresh} now={now} choose={choose} toggle={toggle} /> : null}
      </section>
      <section className="live-map"><LiveMap alerts={queue.alerts} chosen={chosen ? queue.alerts.get(chosen) ?? null : null} openVehicle={mayVehicles ? (vehicle) => go(`/vehicles/${vehicle}`) : undefined} /></section>
      {chosen ? <section className="detail"><Suspense fallback={<Loading />}><AlertPanel key={chosen} id={chosen} close={() => choose(null)} /></Suspense></section> : null}
      <p className="hidden-text" role="log" aria-live="assertive">{news.said}</p>
    </div>
  );
}

function NothingWaits({ hidden }: { hidden: number }) {
  const say = useWords();
  if (hidden === 0) return <Empty title={say("queueEmpty")}>{say("queueEmptyLead")}</Empty>;
  return <Empty title={say("queueFiltered", { count: hidden })}><Button onClick={clearFilters}>{say("showAll")}</Button></Empty>;
}

function useQueueKeys(rows: ReturnType<typeof rowsOf>, chosen: string | null, choose: (id: string | null) => void, toggle: (key: string) => void): void {
  const [cursor, setCursor] = useState(-1); // where no alert is chosen: on a storm's row
  const place = rows.findIndex((row) => row.kind === "alert" && row.alert.id === chosen);
  const at = place >= 0 ? place : cursor;
  useShortcuts(useMemo(() => {
    const step = (by: number): void => {
      const next = Math.min(rows.length - 1, Math.max(0, at + by));
      const row = rows[next];
      setCursor(next);
      if (row?.kind === "alert") choose(row.alert.id);
      else if (row && !row.open) toggle(row.key);
    };
    return [
      { keys: ["j", "ArrowDown"], word: "keyNext" as const, run: () => step(1) },
      { keys: ["k", "ArrowUp"], word: "keyPrevious" as const, run: () => step(-1) },
      { keys: ["Escape"], word: "keyBack" as const, run: () => {
        if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
        else choose(null);
      } },
      { keys: ["/"], word: "keySearch" as const, run: () => document.getElementById("search")?.focus() },
    ];
  }, [rows, at, choose, toggle]));
}
