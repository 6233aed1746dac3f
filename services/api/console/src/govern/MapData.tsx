// Routes, zones and roads of the registry on the map, as the rules see them.
import { useCallback, useState } from "react";
import type { FeatureCollection } from "geojson";
import { Popup } from "maplibre-gl";
import type { GeoJSONSource, Map as MapLibre, MapLayerMouseEvent } from "maplibre-gl";
import { get } from "../api/client";
import { useMay } from "../app/session";
import { MapView } from "../map/MapView";
import { cssColour } from "../map/colours";
import { say as sayNow, useWords } from "./words";

const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
const ROADS_FROM = 9;
const SETTLE_MS = 300;

export default function MapData() {
  const say = useWords();
  const [said, setSaid] = useState<string | null>(null);
  const mayRoutes = useMay("vehicles:read");
  const onMap = useCallback((map: MapLibre) => follow(map, mayRoutes, setSaid), [mayRoutes]);
  return (
    <>
      <p className="said">{say("datum")}</p>
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
  let timer: ReturnType<typeof setTimeout> | undefined;
  const load = (): void => {
    const bounds = map.getBounds();
    const bbox = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((one) => one.toFixed(5)).join(",");
    const zoom = Math.floor(map.getZoom());
    const put = (name: string, ask: Promise<FeatureCollection>): void => {
      ask.then((data) => map.getSource<GeoJSONSource>(name)?.setData(data), (error: unknown) => tell((error as Error).message));
    };
    tell(zoom < ROADS_FROM ? sayNow("tooFar") : null);
    if (mayRoutes) put("routes", get<FeatureCollection>("/v1/map/routes", { bbox, zoom }));
    put("zones", get<FeatureCollection>("/v1/map/zones", { bbox }));
    put("roads", zoom < ROADS_FROM ? Promise.resolve(EMPTY) : get<FeatureCollection>("/v1/map/roads", { bbox, zoom }));
  };
  const moved = (): void => {
    clearTimeout(timer);
    timer = setTimeout(load, SETTLE_MS);
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
  map.on("moveend", moved);
  for (const layer of ["routes", "zones", "roads"]) map.on("click", layer, click);
  load();
  return () => {
    clearTimeout(timer);
    map.off("moveend", moved);
    for (const layer of ["routes", "zones", "roads"]) map.off("click", layer, click);
  };
}
