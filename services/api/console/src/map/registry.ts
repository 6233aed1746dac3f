// What the registry has of the part of the map that is seen.
import type { FeatureCollection } from "geojson";
import type { Map as MapLibre } from "maplibre-gl";
import { get } from "../api/client";

export const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };
export const ROADS_FROM = 9;
const SETTLE_MS = 300;

export function seen(map: MapLibre): { bbox: string; zoom: number } {
  const bounds = map.getBounds();
  return { bbox: [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((one) => one.toFixed(5)).join(","), zoom: Math.floor(map.getZoom()) };
}

/** The roads that are seen; none from far away. */
export const roadsSeen = (map: MapLibre): Promise<FeatureCollection> => (seen(map).zoom < ROADS_FROM ? Promise.resolve(EMPTY) : get<FeatureCollection>("/v1/map/roads", seen(map)));

/** Calls now, and whenever the map has come to rest; what it gives back ends that. */
export function whenSettled(map: MapLibre, load: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const moved = (): void => {
    clearTimeout(timer);
    timer = setTimeout(load, SETTLE_MS);
  };
  map.on("moveend", moved);
  load();
  return () => {
    clearTimeout(timer);
    map.off("moveend", moved);
  };
}
