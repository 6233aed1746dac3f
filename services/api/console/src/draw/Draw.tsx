// Drawing a route or a zone: the map, its points as a list, what the file says of them, and the file with the command that loads it.
import { useEffect, useState } from "react";
import type { FeatureCollection } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import { get } from "../api/client";
import { typing } from "../app/shortcuts";
import { store, useStore } from "../app/store";
import { EMPTY } from "../map/registry";
import { Button } from "../ui";
import { number } from "../words/format";
import { EditMap, centreOf, fit } from "./EditMap";
import { FilePart } from "./FilePart";
import { Points } from "./Points";
import { Properties } from "./Properties";
import { NOTHING, edited } from "./edits";
import type { Edit, History, Places } from "./edits";
import { EMPTY_DRAFT, SHAPES, closed, pointsProblem, problemsOf, reachOf } from "./file";
import type { Draft, Shape } from "./file";
import { areaM2, lengthM } from "./geometry";
import { say as sayNow, useWords } from "./words";
import "./draw.css";

/** Kept while other pages are looked at; gone when the page is loaded anew. */
const drawing = store<History>(NOTHING);
const filledIn = store<Draft>(EMPTY_DRAFT);
const edit = (one: Edit): void => drawing.update((before) => edited(before, one));

export default function Draw() {
  const say = useWords();
  const history = useStore(drawing);
  const draft = useStore(filledIn);
  const [map, setMap] = useState<MapLibre | null>(null);
  const [chosen, select] = useState<number | null>(null);
  const [checked, setChecked] = useState(false);
  const [zones, zonesAway] = useZones();
  useUndoKeys();
  const points = history.now;
  const selected = chosen !== null && chosen < points.length ? chosen : null;
  const wrong = pointsProblem(draft.shape, points);
  const crosses = wrong?.word === "crosses" ? wrong : null;
  const problems = problemsOf(draft, points);
  const ring = closed(draft.shape);
  const reach = reachOf(draft);
  const change = (part: Partial<Draft>): void => filledIn.set({ ...draft, ...part });
  return (
    <div className="draw">
      <div className="draw-map-side stack">
        <div className="draw-map panel">
          <EditMap points={points} closed={ring} reachM={reach} bad={crosses ? [Number(crosses.given["a"]) - 1, Number(crosses.given["c"]) - 1] : []} selected={selected} zones={zones} edit={edit} select={select} onReady={setMap} label={say("map")} />
          <p className="map-panel panel small draw-hint">{say("hint")}</p>
          <p className="map-panel panel small map-key"><span><i className="key-route" />{say("drawn")}</span><span><i className="key-zone" />{say("existing")}</span><span><i className="key-road" />{say("roads")}</span></p>
          <span className="draw-centre" aria-hidden="true" />
        </div>
        <p className="row wrap between"><span className="number" role="status">{measured(draft.shape, points, crosses !== null)}</span><span className="soft small">{zonesAway ? say("zonesAway", { why: zonesAway }) : null}</span></p>
        {crosses ? <p className="said bad" role="alert">{say(crosses.word, crosses.given)}</p> : null}
      </div>
      <div className="draw-side stack large">
        <p className="soft">{say("lead")}</p>
        <div className="row wrap" role="group" aria-label={say("shape")}>
          {SHAPES.map((one) => <Button key={one} look={draft.shape === one ? "on" : ""} aria-pressed={draft.shape === one} onClick={() => change({ shape: one })}>{say(one)}</Button>)}
        </div>
        <section className="stack">
          <h2>{say("points")}</h2>
          <div className="row wrap">
            <Button look="tiny" disabled={!map} onClick={() => map && edit({ do: "add", place: centreOf(map) })}>{say("atCentre")}</Button>
            <Button look="tiny" disabled={history.past.length === 0} title="Ctrl+Z" onClick={() => edit({ do: "undo" })}>{say("undo")}</Button>
            <Button look="tiny" disabled={history.future.length === 0} title="Ctrl+Shift+Z" onClick={() => edit({ do: "redo" })}>{say("redo")}</Button>
            <Button look="tiny" disabled={points.length === 0} onClick={() => edit({ do: "replace", places: [] })}>{say("clear")}</Button>
            <Button look="tiny" disabled={!map || points.length === 0} onClick={() => map && fit(map, points)}>{say("showAll")}</Button>
          </div>
          <Points points={points} closed={ring} selected={selected} edit={edit} select={select} pasted={(all) => map && fit(map, all)} />
        </section>
        <Properties draft={draft} change={change} problems={checked ? problems : []} exists={draft.shape !== "route" && zones.features.some((one) => one.properties?.["zone"] === draft.id.trim())} />
        <FilePart draft={draft} points={points} problems={problems} checked={checked} check={() => setChecked(true)} />
      </div>
    </div>
  );
}

/** Registered zones: to be seen beside the drawing, and for a word where an id is taken. */
function useZones(): [FeatureCollection, string | null] {
  const [zones, setZones] = useState(EMPTY);
  const [away, setAway] = useState<string | null>(null);
  useEffect(() => {
    get<FeatureCollection>("/v1/map/zones").then(setZones, (error: unknown) => setAway((error as Error).message));
  }, []);
  return [zones, away];
}

/** Ctrl+Z and its like, except where a text is being entered: there they are the browser's. */
function useUndoKeys(): void {
  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || typing(event.target)) return;
      const pressed = event.key.toLowerCase();
      if (pressed !== "z" && pressed !== "y") return;
      event.preventDefault();
      edit({ do: pressed === "y" || event.shiftKey ? "redo" : "undo" });
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
}

const metres = (value: number): string => (value < 1000 ? sayNow("m", { n: number(value) }) : sayNow("km", { n: number(value / 1000, 2) }));
const squared = (value: number): string => (value < 1e5 ? sayNow("m2", { n: number(value) }) : sayNow("km2", { n: number(value / 1e6, 3) }));

function measured(shape: Shape, points: Places, crosses: boolean): string {
  const said = [sayNow("count", { n: points.length })];
  if (!closed(shape)) said.push(sayNow("length", { value: metres(lengthM(points)) }));
  else if (points.length > 2) {
    if (!crosses) said.push(sayNow("areaIs", { value: squared(areaM2(points)) })); // what crosses itself has no area to speak of
    said.push(sayNow("perimeter", { value: metres(lengthM([...points, points[0] ?? [0, 0]])) }));
  }
  return said.join(" · ");
}
