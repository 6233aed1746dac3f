// The points as a list of coordinates: what the mouse does on the map the keyboard does here, and a copied list is read.
import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { Button, Field } from "../ui";
import type { Place } from "../search/DrawMap";
import type { Edit, Places } from "./edits";
import { middles } from "./geometry";
import { DATUMS, numberOf, placeOf, read } from "./pasted";
import { useWords } from "./words";

interface PointsProps {
  points: Places;
  closed: boolean;
  selected: number | null;
  edit: (edit: Edit) => void;
  select: (at: number | null) => void;
  pasted: (all: Places) => void;
}

const NUDGE_DEG = 0.0001;
const DIGITS = 6;

export function Points({ points, closed, selected, edit, select, pasted }: PointsProps) {
  const say = useWords();
  const list = useRef<HTMLOListElement>(null);
  const between = middles(points, closed);
  useEffect(() => {
    const [within, row] = [list.current, list.current?.children[selected ?? -1]];
    if (!within || !(row instanceof HTMLElement)) return;
    const top = row.offsetTop - within.offsetTop; // the list alone is scrolled: the page stays where the hand is
    if (top < within.scrollTop || top + row.offsetHeight > within.scrollTop + within.clientHeight) within.scrollTop = top - row.offsetHeight;
  }, [selected]);
  const remove = (at: number): void => {
    edit({ do: "remove", at });
    select(null);
    requestAnimationFrame(() => [...(list.current?.querySelectorAll<HTMLElement>("[data-remove]") ?? [])].at(Math.min(at, points.length - 2))?.focus());
  };
  return (
    <>
      {points.length === 0 ? <p className="soft small">{say("pointsEmpty")}</p> : (
        <>
          <ol className="draw-points" ref={list}>
            {points.map((place, at) => (
              <li key={at} className={at === selected ? "on" : ""} onFocus={() => select(at)}>
                <span className="number soft">{at + 1}</span>
                <Coordinate place={place} which={0} label={say("lon", { n: at + 1 })} give={(next) => edit({ do: "move", at, place: next })} />
                <Coordinate place={place} which={1} label={say("lat", { n: at + 1 })} give={(next) => edit({ do: "move", at, place: next })} />
                <Button look="quiet tiny" disabled={!between[at]} aria-label={say("insertPoint", { n: at + 1 })} title={say("insertPoint", { n: at + 1 })} onClick={() => between[at] && edit({ do: "insert", at: at + 1, place: between[at] })}>+</Button>
                <Button look="quiet tiny" data-remove aria-label={say("removePoint", { n: at + 1 })} title={say("removePoint", { n: at + 1 })} onClick={() => remove(at)}>×</Button>
              </li>
            ))}
          </ol>
          <p className="faint small">{say("keysHint")}</p>
        </>
      )}
      <Paste points={points} closed={closed} edit={edit} pasted={pasted} />
    </>
  );
}

/** One number of a point; what is typed counts when the field is left or Enter pressed, and stays to be mended if it is none. */
function Coordinate({ place, which, label, give }: { place: Place; which: 0 | 1; label: string; give: (place: Place) => void }) {
  const say = useWords();
  const [typed, setTyped] = useState<string | null>(null);
  const meant = (text: string): Place | null => {
    const found = placeOf(which === 0 ? numberOf(text) : place[0], which === 1 ? numberOf(text) : place[1]);
    return typeof found === "string" ? null : found;
  };
  const bad = typed !== null && !meant(typed);
  const take = (): void => {
    const found = typed === null ? null : meant(typed);
    if (!found) return;
    setTyped(null);
    give(found);
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === "Enter") take();
    else if (event.key === "Escape") setTyped(null);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const from = typed === null ? place[which] : numberOf(typed);
      const step = (event.key === "ArrowUp" ? NUDGE_DEG : -NUDGE_DEG) * (event.shiftKey ? 10 : 1);
      const found = meant((from + step).toFixed(DIGITS));
      if (found) {
        setTyped(null);
        give(found);
      }
    } else return;
    event.preventDefault();
  };
  return <input inputMode="decimal" autoComplete="off" className="number" aria-label={label} aria-invalid={bad} title={bad ? say("badPoint") : label} value={typed ?? place[which].toFixed(DIGITS)} onChange={(event) => setTyped(event.target.value)} onBlur={take} onKeyDown={key} />;
}

function Paste({ points, closed, edit, pasted }: Pick<PointsProps, "points" | "closed" | "edit" | "pasted">) {
  const say = useWords();
  const [text, setText] = useState("");
  const [datum, setDatum] = useState("");
  const [said, setSaid] = useState<{ bad: boolean; text: string } | null>(null);
  const take = (before: Places): void => {
    const found = read(text, closed);
    if (!datum && text.trim()) setSaid({ bad: true, text: say("askDatum") });
    else if (datum && datum !== "WGS-84") setSaid({ bad: true, text: say("refuseDatum", { datum }) });
    else if ("word" in found) setSaid({ bad: true, text: say(found.word, found.given) });
    else {
      const all = [...before, ...found.places];
      edit({ do: "replace", places: all });
      pasted(all);
      setText("");
      setSaid({ bad: false, text: say("pasted", { n: found.places.length }) });
    }
  };
  const names = { "WGS-84": say("wgs"), "GCJ-02": say("gcj"), "BD-09": say("bd") };
  return (
    <details className="draw-paste">
      <summary>{say("paste")}</summary>
      <div className="stack">
        <Field label={say("pasteText")}><textarea rows={4} spellCheck={false} value={text} placeholder={"106.230912,38.487193\n106.245000,38.490000"} onChange={(event) => { setText(event.target.value); setSaid(null); }} /></Field>
        <Field label={say("pasteDatum")}>
          <select value={datum} onChange={(event) => { setDatum(event.target.value); setSaid(null); }}><option value="">{say("choose")}</option>{DATUMS.map((one) => <option key={one} value={one}>{names[one]}</option>)}</select>
        </Field>
        <div className="row wrap"><Button onClick={() => take([])}>{say("replace")}</Button><Button disabled={points.length === 0} onClick={() => take(points)}>{say("append")}</Button></div>
        {said ? <p className={`said ${said.bad ? "bad" : "good"}`} role={said.bad ? "alert" : "status"}>{said.text}</p> : null}
      </div>
    </details>
  );
}
