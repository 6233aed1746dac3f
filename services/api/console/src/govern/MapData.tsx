// Routes, zones and roads of the registry on the map, as the rules see them; who runs the machines may draw new ones beside it.
import { Suspense, lazy, useCallback, useState } from "react";
import type { FeatureCollection } from "geojson";
import { Popup } from "maplibre-gl";
import type { GeoJSONSource, Map as MapLibre, MapLayerMouseEvent } from "maplibre-gl";
import { get } from "../api/client";
import { setQuery, useQuery } from "../app/router";
import { useMay } from "../app/session";
import { MapView } from "../map/MapView";
import { cssColour } from "../map/colours";
import { EMPTY, ROADS_FROM, roadsSeen, seen, whenSettled } from "../map/registry";
import { Loading } from "../ui";
import { say as sayNow, useWords } from "./words";

const Draw = lazy(() => import("../draw/Draw"));

export default function MapData() {
  const say = useWords();
  const mayDraw = useMay("system:manage");
  const drawing = useQuery().get("tab") === "draw" && mayDraw;
  return (
    <>
      {mayDraw ? (
        <div className="tabs" role="tablist">
          <button type="button" role="tab" aria-selected={!drawing} onClick={() => setQuery({ tab: null }, false)}>{say("view")}</button>
          <button type="button" role="tab" aria-selected={drawing} onClick={() => setQuery({ tab: "draw" }, false)}>{say("draw")}</button>
        </div>
      ) : null}
      <p className="said">{say("datum")}</p>
      {drawing ? <Suspense fallback={<Loading />}><Draw /></Suspense> : <Seen />}
    </>
  );
}

function Seen() {
  const say = useWords();
  const [said, setSaid] = useState<string | null>(null);
  const mayRoutes = useMay("vehicles:read");
  const onMap = useCallback((map: MapLibre) => follow(map, mayRoutes, setSaid), [mayRoutes]);
  return (
    <>
      {said ? <p className="soft small" role="status">{said}</p> : null}
      <div className="map-data panel">
        <MapView onMap={onMap} label={say("map")}>
          <div className="map-panel panel map-key small"><span><i className="key-route" />{say("routes")}</span><span><i className="key-zone" />{say("zones")}</span><span><i className="key-road" />{say("roads")}</span></div>
        </MapView>
      </div>
    </>
  );
}

function follow(map: MapLibre, mayRoutes: boolean, tell: (text: string | null) => void): () => void {
  for (const name of ["roads", "routes", "zones"]) map.addSource(name, { type: "geojson", data: EMPTY });
  map.addLayer({ id: "zones", source: "zones", type: "fill", paint: { "fill-color": cssColour("--major"), "fill-opacity": 0.2, "fill-outline-color": cssColour("--major") } });
  map.addLayer({ id: "roads", source: "roads", type: "line", paint: { "line-color": cssColour("--soft"), "line-width": 2 } });
  map.addLayer({ id: "routes", source: "routes", type: "line", paint: { "line-color": cssColour("--accent"), "line-width": 3, "line-opacity": 0.85 } });
  const load = (): void => {
    const { bbox, zoom } = seen(map);
    const put = (name: string, ask: Promise<FeatureCollection>): void => {
      ask.then((data) => map.getSource<GeoJSONSource>(name)?.setData(data), (error: unknown) => tell((error as Error).message));
    };
    tell(zoom < ROADS_FROM ? sayNow("tooFar") : null);
    if (mayRoutes) put("routes", get<FeatureCollection>("/v1/map/routes", { bbox, zoom }));
    put("zones", get<FeatureCollection>("/v1/map/zones", { bbox }));
    put("roads", roadsSeen(map));
  };
  const click = (event: MapLayerMouseEvent): void => {
    const [feature] = event.features ?? [];
    if (!feature) return;
    const card = document.createElement("div");
    card.className = "stack small";
    for (const [name, value] of Object.entries(feature.properties).filter(([, each]) => each !== null && each !== "null")) {
      const line = document.createElement("span");
      line.textContent = `${name}: ${String(value)}`;
      card.append(line);
    }
    new Popup({ closeButton: false, maxWidth: "320px" }).setLngLat(event.lngLat).setDOMContent(card).addTo(map);
  };
  for (const layer of ["routes", "zones", "roads"]) map.on("click", layer, click);
  const leave = whenSettled(map, load);
  return () => {
    leave();
    for (const layer of ["routes", "zones", "roads"]) map.off("click", layer, click);
  };
}
