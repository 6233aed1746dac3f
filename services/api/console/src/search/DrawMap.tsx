// A map on which points are clicked: they make an area, a line, or are one place; what is found is shown as dots.
import { useCallback, useEffect, useRef } from "react";
import type { Feature, FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { MapView } from "../map/MapView";
import { cssColour } from "../map/colours";

export type Place = [number, number];
export type Shape = "polygon" | "line" | "point";

export interface DrawMapProps {
  shape: Shape;
  points: readonly Place[];
  found?: readonly { at: Place; label: string }[];
  radiusM?: number;
  add: (place: Place) => void;
  label: string;
}

const EARTH_M = 6_371_008.8;

/** A circle of so many metres around a place, as a ring. */
export function circle([lon, lat]: Place, radiusM: number): Place[] {
  const north = (radiusM / EARTH_M) * (180 / Math.PI);
  const east = north / Math.cos((lat * Math.PI) / 180);
  return Array.from({ length: 65 }, (_, place) => {
    const angle = (place / 64) * 2 * Math.PI;
    return [lon + east * Math.cos(angle), lat + north * Math.sin(angle)];
  });
}

export function drawn({ shape, points, found = [], radiusM }: Pick<DrawMapProps, "shape" | "points" | "found" | "radiusM">): FeatureCollection {
  const features: Feature[] = points.map((place) => ({ type: "Feature", properties: { corner: true }, geometry: { type: "Point", coordinates: place } }));
  const ring = shape === "point" && points[0] && radiusM ? circle(points[0], radiusM) : [...points];
  if (shape === "polygon" && ring.length > 2) features.push({ type: "Feature", properties: { area: true }, geometry: { type: "Polygon", coordinates: [[...ring, ring[0] as Place]] } });
  if (shape === "point" && ring.length > 2) features.push({ type: "Feature", properties: { area: true }, geometry: { type: "Polygon", coordinates: [ring] } });
  if (shape !== "point" && ring.length > 1) features.push({ type: "Feature", properties: { line: true }, geometry: { type: "LineString", coordinates: ring } });
  for (const one of found) features.push({ type: "Feature", properties: { found: true, label: one.label }, geometry: { type: "Point", coordinates: one.at } });
  return { type: "FeatureCollection", features };
}

export function DrawMap(props: DrawMapProps) {
  const shown = useRef<MapLibre | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
    shown.current?.getSource<GeoJSONSource>("drawn")?.setData(drawn(props));
  });
  const onMap = useCallback((map: MapLibre) => {
    shown.current = map;
    map.addSource("drawn", { type: "geojson", data: drawn(latest.current) });
    map.addLayer({ id: "drawn-area", source: "drawn", type: "fill", filter: ["has", "area"], paint: { "fill-color": cssColour("--accent"), "fill-opacity": 0.2 } });
    map.addLayer({ id: "drawn-line", source: "drawn", type: "line", filter: ["any", ["has", "line"], ["has", "area"]], paint: { "line-color": cssColour("--accent"), "line-width": 3 } });
    map.addLayer({ id: "drawn-corners", source: "drawn", type: "circle", filter: ["has", "corner"], paint: { "circle-radius": 5, "circle-color": cssColour("--text"), "circle-stroke-color": cssColour("--accent"), "circle-stroke-width": 2 } });
    map.addLayer({ id: "drawn-found", source: "drawn", type: "circle", filter: ["has", "found"], paint: { "circle-radius": 6, "circle-color": cssColour("--major"), "circle-stroke-color": cssColour("--map-halo"), "circle-stroke-width": 2 } });
    map.addLayer({ id: "drawn-names", source: "drawn", type: "symbol", filter: ["has", "found"], layout: { "text-field": ["get", "label"], "text-font": ["Noto Sans CJK SC"], "text-size": 12, "text-offset": [0, 1.2], "text-optional": true }, paint: { "text-color": cssColour("--map-text"), "text-halo-color": cssColour("--map-halo"), "text-halo-width": 1.5 } });
    map.getCanvas().style.cursor = "crosshair";
    const click = (event: MapMouseEvent): void => latest.current.add([Number(event.lngLat.lng.toFixed(6)), Number(event.lngLat.lat.toFixed(6))]);
    map.on("click", click);
    map.doubleClickZoom.disable();
    return () => {
      map.off("click", click);
      shown.current = null;
    };
  }, []);
  return <MapView onMap={onMap} label={props.label} />;
}
