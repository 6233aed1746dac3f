// The map on which points are set, dragged, put between and taken away; what is asked of a pointer is told as an edit.
import { useCallback, useEffect, useRef } from "react";
import type { Feature, FeatureCollection } from "geojson";
import type { ExpressionSpecification, GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { MapView } from "../map/MapView";
import { cssColour } from "../map/colours";
import { EMPTY, roadsSeen, whenSettled } from "../map/registry";
import type { Place } from "../search/DrawMap";
import type { Edit, Places } from "./edits";
import { middles, nearest, rounded } from "./geometry";

export interface EditMapProps {
  points: Places;
  closed: boolean;
  reachM: number | null;
  /** Sides that meet, by the number (from 0) of the point they begin at. */
  bad: readonly number[];
  selected: number | null;
  zones: FeatureCollection;
  edit: (edit: Edit) => void;
  select: (at: number | null) => void;
  /** The map, while it is there: for what stands beside it. */
  onReady: (map: MapLibre | null) => void;
  label: string;
}

const REACH_PX = 10;
const WORLD_M = 2 * Math.PI * 6_378_137;
const TILE_PX = 512;
const DEEP = 24;

export const centreOf = (map: MapLibre): Place => rounded([map.getCenter().lng, map.getCenter().lat]);

export function fit(map: MapLibre, places: Places): void {
  const lons = places.map(([lon]) => lon);
  const lats = places.map(([, lat]) => lat);
  if (places.length) map.fitBounds([[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]], { padding: { top: 80, right: 60, bottom: 80, left: 60 }, maxZoom: 15, duration: 0 });
}

/** A line as wide as so many metres to each side, at every zoom. */
export function widthOf(reachM: number, lat: number): ExpressionSpecification {
  const px = (2 * reachM * TILE_PX) / (WORLD_M * Math.cos((lat * Math.PI) / 180));
  return ["interpolate", ["exponential", 2], ["zoom"], 0, px, DEEP, px * 2 ** DEEP];
}

export function featuresOf({ points, closed, bad, selected }: Pick<EditMapProps, "points" | "closed" | "bad" | "selected">): FeatureCollection {
  const joined = closed && points.length > 2;
  const features: Feature[] = [];
  const put = (properties: Feature["properties"], geometry: Feature["geometry"]): void => void features.push({ type: "Feature", properties, geometry });
  if (joined) put({ is: "area" }, { type: "Polygon", coordinates: [[...points, points[0] as Place]] });
  else if (!closed && points.length > 1) put({ is: "corridor" }, { type: "LineString", coordinates: [...points] });
  for (let i = 0; i < (joined ? points.length : points.length - 1); i++) {
    put({ is: "side", bad: bad.includes(i) }, { type: "LineString", coordinates: [points[i] as Place, points[(i + 1) % points.length] as Place] });
  }
  for (const place of middles(points, closed)) put({ is: "middle" }, { type: "Point", coordinates: place });
  for (const [at, place] of points.entries()) put({ is: "point", n: String(at + 1), selected: at === selected }, { type: "Point", coordinates: place });
  return { type: "FeatureCollection", features };
}

export function EditMap(props: EditMapProps) {
  const shown = useRef<MapLibre | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
    if (shown.current) show(shown.current, props);
  });
  const onMap = useCallback((map: MapLibre) => {
    shown.current = map;
    addLayers(map, latest.current);
    show(map, latest.current);
    const ends = [listen(map, () => latest.current), whenSettled(map, () => void roadsSeen(map).then((roads) => shown.current?.getSource<GeoJSONSource>("roads")?.setData(roads), () => undefined))]; // roads are a help to the eye: without them one draws all the same
    latest.current.onReady(map);
    return () => {
      for (const end of ends) end();
      shown.current = null;
      latest.current.onReady(null);
    };
  }, []);
  return <MapView onMap={onMap} label={props.label} />;
}

function show(map: MapLibre, props: EditMapProps): void {
  map.getSource<GeoJSONSource>("drawing")?.setData(featuresOf(props));
  map.getSource<GeoJSONSource>("existing")?.setData(props.zones);
  if (map.getLayer("drawing-corridor")) map.setPaintProperty("drawing-corridor", "line-width", widthOf(props.reachM ?? 0, props.points[0]?.[1] ?? 0));
}

function addLayers(map: MapLibre, props: EditMapProps): void {
  const [accent, text, panel, critical, major] = ["--accent", "--text", "--panel", "--critical", "--major"].map(cssColour) as [string, string, string, string, string];
  map.addSource("roads", { type: "geojson", data: EMPTY });
  map.addSource("existing", { type: "geojson", data: props.zones });
  map.addSource("drawing", { type: "geojson", data: featuresOf(props) });
  const is = (what: string): ["==", ["get", "is"], string] => ["==", ["get", "is"], what];
  map.addLayer({ id: "roads", source: "roads", type: "line", paint: { "line-color": cssColour("--soft"), "line-width": 2 } });
  map.addLayer({ id: "existing", source: "existing", type: "fill", paint: { "fill-color": major, "fill-opacity": 0.15, "fill-outline-color": major } });
  map.addLayer({ id: "drawing-corridor", source: "drawing", type: "line", filter: is("corridor"), layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": accent, "line-opacity": 0.22 } });
  map.addLayer({ id: "drawing-area", source: "drawing", type: "fill", filter: is("area"), paint: { "fill-color": accent, "fill-opacity": 0.18 } });
  map.addLayer({ id: "drawing-sides", source: "drawing", type: "line", filter: is("side"), paint: { "line-color": ["case", ["get", "bad"], critical, accent], "line-width": ["case", ["get", "bad"], 5, 3] } });
  map.addLayer({ id: "drawing-middles", source: "drawing", type: "circle", filter: is("middle"), paint: { "circle-radius": 4, "circle-color": panel, "circle-stroke-color": accent, "circle-stroke-width": 1.5 } });
  map.addLayer({ id: "drawing-points", source: "drawing", type: "circle", filter: is("point"), paint: { "circle-radius": ["case", ["get", "selected"], 9, 6], "circle-color": ["case", ["get", "selected"], accent, text], "circle-stroke-color": accent, "circle-stroke-width": 2 } });
  map.addLayer({
    id: "drawing-numbers", source: "drawing", type: "symbol", filter: is("point"), layout: { "text-field": ["get", "n"], "text-font": ["Noto Sans CJK SC"], "text-size": 12, "text-offset": [0, -1.3], "text-optional": true },
    paint: { "text-color": text, "text-halo-color": panel, "text-halo-width": 2 },
  });
}

/** Follows pointer and keys until it is called off. */
function listen(map: MapLibre, props: () => EditMapProps): () => void {
  let dragged: { at: number; points: Places; born: boolean; to: Place | null } | null = null;
  let handled = false; // the click that follows a press on a point means nothing more
  const on = (places: Places, event: MapMouseEvent): number | null => nearest(places.map((place) => map.project(place)), event.point, REACH_PX);
  const placeOf = (event: MapMouseEvent): Place => rounded([event.lngLat.lng, event.lngLat.lat]);
  const press = (event: MapMouseEvent): void => {
    handled = false;
    if (event.originalEvent.button !== 0 || event.originalEvent.ctrlKey) return;
    const { points, closed } = props();
    const at = on(points, event);
    const middle = at === null ? on(middles(points, closed), event) : null;
    if (at !== null) dragged = { at, points, born: false, to: null };
    else if (middle !== null) dragged = { at: middle + 1, points: points.toSpliced(middle + 1, 0, middles(points, closed)[middle] as Place), born: true, to: null };
    else return;
    handled = true;
    event.preventDefault();
  };
  const move = (event: MapMouseEvent): void => {
    if (dragged) {
      dragged.to = placeOf(event);
      map.getSource<GeoJSONSource>("drawing")?.setData(featuresOf({ ...props(), points: dragged.points.with(dragged.at, dragged.to), selected: dragged.at, bad: [] }));
      return;
    }
    const { points, closed } = props();
    map.getCanvas().style.cursor = on(points, event) !== null ? "move" : on(middles(points, closed), event) !== null ? "copy" : "crosshair";
  };
  const release = (): void => {
    if (!dragged) return;
    const { at, points, born, to } = dragged;
    dragged = null;
    const { edit, select } = props();
    select(at);
    if (born) edit({ do: "insert", at, place: to ?? (points[at] as Place) });
    else if (to) edit({ do: "move", at, place: to });
  };
  const click = (event: MapMouseEvent): void => {
    if (!handled) props().edit({ do: "add", place: placeOf(event) });
    handled = false;
  };
  const second = (event: MapMouseEvent): void => {
    event.originalEvent.preventDefault();
    const at = on(props().points, event);
    if (at === null) return;
    props().select(null);
    props().edit({ do: "remove", at });
  };
  const key = (event: KeyboardEvent): void => {
    const { points, selected, edit, select } = props();
    if (event.key === "Enter") edit({ do: "add", place: centreOf(map) });
    else if (event.key === "Delete" || event.key === "Backspace") edit({ do: "remove", at: selected ?? points.length - 1 });
    else if (event.key !== "Escape" || selected === null) return;
    select(null);
    event.preventDefault();
    event.stopPropagation();
  };
  const canvas = map.getCanvas();
  map.doubleClickZoom.disable();
  canvas.style.cursor = "crosshair";
  map.on("mousedown", press);
  map.on("mousemove", move);
  map.on("click", click);
  map.on("contextmenu", second);
  window.addEventListener("mouseup", release);
  canvas.addEventListener("keydown", key);
  return () => {
    map.off("mousedown", press);
    map.off("mousemove", move);
    map.off("click", click);
    map.off("contextmenu", second);
    window.removeEventListener("mouseup", release);
    canvas.removeEventListener("keydown", key);
  };
}
