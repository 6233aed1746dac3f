// The chosen alert's stretch on the map: where the vehicle was, the part of the episode in the severity's colour, and the moment of the peak.
import type { Feature, FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import type { Alert } from "../api/schema";
import { markedOf } from "../alert/track";
import type { Point } from "../alert/track";
import { cssColour } from "../map/colours";

const SOURCE = "stretch";

export function featuresOf(points: readonly Point[], alert: Alert | null): FeatureCollection {
  if (!alert) return { type: "FeatureCollection", features: [] };
  const { from, to } = markedOf(alert, points);
  const line = (within: boolean, chosen: readonly Point[]): Feature[] =>
    chosen.length < 2 ? [] : [{ type: "Feature", properties: { within }, geometry: { type: "LineString", coordinates: chosen.map((point) => [point.lon, point.lat]) } }];
  return {
    type: "FeatureCollection",
    features: [
      ...line(false, points),
      ...line(true, points.filter((point) => point.ms >= from && point.ms <= to)),
      { type: "Feature", properties: { peak: true }, geometry: { type: "Point", coordinates: [alert.at.lon, alert.at.lat] } },
    ],
  };
}

export function showStretch(map: MapLibre | null, points: readonly Point[], alert: Alert | null): void {
  if (!map || !map.getStyle()) return;
  const data = featuresOf(points, alert);
  const known = map.getSource<GeoJSONSource>(SOURCE);
  if (known) known.setData(data);
  else {
    map.addSource(SOURCE, { type: "geojson", data });
    map.addLayer({ id: "stretch-all", source: SOURCE, type: "line", filter: ["==", ["get", "within"], false], paint: { "line-color": cssColour("--soft"), "line-width": 3, "line-dasharray": [1, 1] } }, "vehicles");
    map.addLayer({ id: "stretch-within", source: SOURCE, type: "line", filter: ["==", ["get", "within"], true], layout: { "line-cap": "round" }, paint: { "line-width": 6 } }, "vehicles");
    map.addLayer({ id: "stretch-peak", source: SOURCE, type: "circle", filter: ["has", "peak"], paint: { "circle-radius": 9, "circle-color": "rgba(0,0,0,0)", "circle-stroke-width": 3 } });
  }
  const colour = cssColour(`--${alert?.severity ?? "soft"}`);
  map.setPaintProperty("stretch-within", "line-color", colour);
  map.setPaintProperty("stretch-peak", "circle-stroke-color", colour);
}
