// Who was there: an area or a stretch of road, a time, a class; exact counts, and what crossed between two positions is marked as such.
import { useState } from "react";
import type { FormEvent } from "react";
import { ApiError, ask } from "../api/client";
import type { Job, PresenceItem, PresencePage, PresenceRequest } from "../api/schema";
import { labelOf, useLabel, useMeta } from "../app/session";
import { setQuery } from "../app/router";
import { purposeHeader } from "../purpose/purpose";
import { Button, Empty, Field, Link, Plate, Time } from "../ui";
import { toast } from "../ui/toast";
import { localOf, number, utcOf } from "../words/format";
import { DrawMap } from "./DrawMap";
import type { Place } from "./DrawMap";
import { useWords } from "./words";

const HOUR_MS = 3_600_000;

export function Presence() {
  const say = useWords();
  const meta = useMeta();
  const [shape, setShape] = useState<"polygon" | "line">("polygon");
  const [points, setPoints] = useState<readonly Place[]>([]);
  const [now] = useState(() => Date.now());
  const [page, setPage] = useState<PresencePage | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    if (points.length < (shape === "polygon" ? 3 : 2)) {
      setError(say(shape === "polygon" ? "drawFirst" : "drawLine"));
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const job = given.get("job") === "on";
      const { body } = await ask<PresencePage | Job>("/v1/search/presence", { body: requestOf(given, shape, points), query: job ? { job: "true" } : {}, headers: purposeHeader() });
      if ("items" in body) setPage(body);
      else {
        toast(say("began", { id: body.id }));
        setQuery({ tab: "jobs" });
      }
    } catch (problem) {
      setError((problem as ApiError).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <aside className="search-side stack large">
        <p className="soft">{say("presenceLead")}</p>
        <form className="stack" onSubmit={submit}>
          <div className="row">
            {(["polygon", "line"] as const).map((one) => <Button key={one} look={shape === one ? "on" : ""} aria-pressed={shape === one} onClick={() => setShape(one)}>{say(one)}</Button>)}
            <span className="grow" />
            <Button look="tiny" disabled={points.length === 0} onClick={() => setPoints(points.slice(0, -1))}>{say("undo")}</Button>
            <Button look="tiny" disabled={points.length === 0} onClick={() => setPoints([])}>{say("clear")}</Button>
          </div>
          {shape === "line" ? <Field label={say("buffer")}><input type="number" name="buffer" min={1} max={5000} defaultValue={30} /></Field> : null}
          <div className="row wrap"><Field label={`${say("from")} (Asia/Shanghai)`}><input type="datetime-local" name="from" required defaultValue={localOf(now - HOUR_MS)} /></Field><Field label={say("to")}><input type="datetime-local" name="to" required defaultValue={localOf(now)} /></Field></div>
          <Field label={say("classes")}><select name="class"><option value="">{say("anyClass")}</option>{meta.classes.map((one) => <option key={one.code} value={one.code}>{labelOf(meta.classes, one.code)}</option>)}</select></Field>
          <label className="row small"><input type="checkbox" name="job" />{say("asJob")}</label>
          <Button type="submit" look="primary" disabled={busy}>{say(busy ? "searching" : "search")}</Button>
          {error ? <p className="said bad" role="alert">{error}</p> : null}
        </form>
        {page ? <Results page={page} /> : null}
      </aside>
      <div className="search-map"><DrawMap shape={shape} points={points} add={(place) => setPoints((before) => [...before, place])} label={say("presence")} /></div>
    </>
  );
}

export function requestOf(given: FormData, shape: "polygon" | "line", points: readonly Place[]): PresenceRequest {
  const request: PresenceRequest = { from: utcOf(String(given.get("from"))), to: utcOf(String(given.get("to"))) };
  const wanted = given.get("class");
  if (wanted) request.classes = [wanted as NonNullable<PresenceRequest["classes"]>[number]];
  if (shape === "polygon") request.polygon = [...points, points[0] as Place];
  else {
    request.line = [...points];
    request.buffer_m = Number(given.get("buffer") ?? 30);
  }
  return request;
}

function Results({ page }: { page: PresencePage }) {
  const say = useWords();
  const label = useLabel();
  if (page.items.length === 0) return <Empty title={say("none")} />;
  return (
    <>
      <p className="number">{say("found", { n: number(page.total) })}{page.truncated ? say("truncated", { n: page.items.length }) : ""}</p>
      <ol className="found-list">
        {page.items.map((item: PresenceItem) => (
          <li key={item.vehicle}>
            <span className="row between"><Link to={`/vehicles/${item.vehicle}?from=${item.first}`}><Plate plate={item.plate ?? String(item.vehicle)} color={item.plate_color ?? "other"} /></Link>{item.between_fixes ? <span className="tag warn">{say("between")}</span> : <span className="soft small number">{say("fixes")} {item.fixes}</span>}</span>
            <span className="soft small">{item.class ? label("classes", item.class) : ""} · {item.operator}</span>
            <span className="small"><Time time={item.first} long /> – <Time time={item.last} long /></span>
          </li>
        ))}
      </ol>
    </>
  );
}
