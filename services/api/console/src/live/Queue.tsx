// The queue: rows of one height, so that five thousand scroll as smoothly as five; only what is seen is in the page.
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Alert } from "../api/schema";
import { useKindLabel, useLabel } from "../app/session";
import { Plate, Severity } from "../ui";
import { useWords } from "../words";
import { duration, shortTime } from "../words/format";
import { useLanguage } from "../words/language";
import type { Row } from "./order";

const OVER = 6;
const OLD_S = 180;
const VERY_OLD_S = 600;

export interface QueueProps {
  rows: readonly Row[];
  chosen: string | null;
  fresh: ReadonlySet<string>;
  now: number;
  choose: (id: string) => void;
  toggle: (key: string) => void;
}

export function Queue({ rows, chosen, fresh, now, choose, toggle }: QueueProps) {
  const say = useWords();
  const holder = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const [view, setView] = useState({ top: 0, height: 800 });
  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return undefined;
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  useEffect(() => {
    const place = rows.findIndex((row) => row.kind === "alert" && row.alert.id === chosen);
    const element = holder.current;
    if (place < 0 || !element) return;
    if (place * height < element.scrollTop) element.scrollTop = place * height;
    else if ((place + 1) * height > element.scrollTop + element.clientHeight) element.scrollTop = (place + 1) * height - element.clientHeight;
    // oxlint-disable-next-line exhaustive-deps -- only a new choice moves the list
  }, [chosen]);
  const first = Math.max(0, Math.floor(view.top / height) - OVER);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / height) + OVER);
  return (
    <div ref={holder} className="queue-rows" role="list" aria-label={say("queue")}>
      <div style={{ height: rows.length * height, position: "relative" }}>
        {rows.slice(first, last).map((row, place) => (
          <div key={row.kind === "group" ? row.key : `${row.alert.id}${row.within ? "*" : ""}`} role="listitem" aria-setsize={rows.length} aria-posinset={first + place + 1} className="queue-slot" style={{ top: (first + place) * height, height }}>
            {row.kind === "group" ? <GroupRow row={row} now={now} toggle={toggle} /> : <AlertRow row={row} chosen={row.alert.id === chosen} fresh={fresh.has(row.alert.id)} now={now} choose={choose} />}
          </div>
        ))}
      </div>
    </div>
  );
}

function AlertRow({ row, chosen, fresh, now, choose }: { row: Extract<Row, { kind: "alert" }>; chosen: boolean; fresh: boolean; now: number; choose: (id: string) => void }) {
  const { alert } = row;
  const language = useLanguage();
  const label = useLabel();
  const kind = useKindLabel();
  const classes = ["queue-row", alert.severity, `h-${alert.handling}`, chosen && "chosen", fresh && "fresh", row.within && "within"].filter(Boolean).join(" ");
  return (
    <button type="button" className={classes} aria-current={chosen} onClick={() => choose(alert.id)}>
      <span className="row between"><Severity severity={alert.severity} /><Age alert={alert} now={now} /></span>
      <span className="queue-what" title={alert.sentence[language]}>{alert.sentence[language]}</span>
      <span className="row queue-who">
        <Plate plate={alert.vehicle.plate} color={alert.vehicle.plate_color} />
        <span className="cut soft">{label("classes", alert.vehicle.class)} · {label("rules", alert.rule)} · {kind(alert.rule, alert.kind)}</span>
      </span>
    </button>
  );
}

/** How long it has waited; the longer nobody has seen it, the louder. */
function Age({ alert, now }: { alert: Alert; now: number }) {
  const say = useWords();
  const label = useLabel();
  if (alert.handling !== "open") {
    const who = alert.handled?.assignee?.name ?? alert.handled?.by?.name ?? "";
    return <span className={`tag ${alert.handling === "resolved" ? "good" : "accent"}`}>{label("handlings", alert.handling)}{who ? ` · ${who}` : ""}</span>;
  }
  const seconds = (now - Date.parse(alert.began)) / 1000;
  const loud = seconds > VERY_OLD_S ? "very-old" : seconds > OLD_S ? "old" : "";
  return <span className={`age number ${loud}`} title={shortTime(alert.began)}>{say("age", { time: duration(seconds) })}</span>;
}

function GroupRow({ row, now, toggle }: { row: Extract<Row, { kind: "group" }>; now: number; toggle: (key: string) => void }) {
  const say = useWords();
  const label = useLabel();
  const [most] = row.alerts;
  if (!most) return null;
  const road = typeof most.why["road"] === "string" && most.why["road"] ? most.why["road"] : most.vehicle.operator;
  const plates = row.alerts.slice(0, 5).map((alert) => alert.vehicle.plate).join(" ");
  return (
    <button type="button" className={`queue-row group ${most.severity} h-${most.handling}`} aria-expanded={row.open} onClick={() => toggle(row.key)}>
      <span className="row between"><Severity severity={most.severity} /><Age alert={most} now={now} /></span>
      <span className="queue-what">{label("rules", most.rule)} · {road} · {say("similar", { count: row.alerts.length })}</span>
      <span className="row queue-who"><span className="tag">{row.open ? `▾ ${say("collapse")}` : `▸ ${say("expand")}`}</span><span className="cut soft">{plates}</span></span>
    </button>
  );
}

/** The height of a row: what the type size asks for. */
function useRowHeight(): number {
  const [height, setHeight] = useState(rowHeight);
  useEffect(() => {
    const measure = (): void => setHeight(rowHeight());
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  return height;
}

function rowHeight(): number {
  return Math.round(Number.parseFloat(getComputedStyle(document.body).fontSize) * 6.9);
}
