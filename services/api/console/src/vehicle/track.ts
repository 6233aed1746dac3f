// A track as it is looked at: coloured by speed, with its gaps as gaps.
import type { Feature, FeatureCollection } from "geojson";
import type { Point } from "../alert/track";

export const GAP_MS = 180_000;
/** Speeds at which the line's colour changes, km/h, and the colours: safe for colour-blind eyes, dark to bright (viridis). */
export const BANDS: readonly { from: number; colour: string }[] = [
  { from: 0, colour: "#5b4fb3" }, { from: 30, colour: "#3a86c8" }, { from: 60, colour: "#29a98b" }, { from: 80, colour: "#8fcf4f" }, { from: 100, colour: "#f2d13a" }, { from: 120, colour: "#ff6b4a" },
];

export const bandOf = (speed: number): number => Math.max(0, BANDS.findLastIndex((band) => speed >= band.from));

/** Lines of one band each; a silence longer than GAP_MS is a line of its own, marked as a gap. */
export function linesOf(points: readonly Point[]): FeatureCollection {
  const features: Feature[] = [];
  let run: [number, number][] = [];
  let band = -1;
  const end = (): void => {
    if (run.length > 1) features.push({ type: "Feature", properties: { band }, geometry: { type: "LineString", coordinates: run } });
  };
  for (const [place, point] of points.entries()) {
    const before = points[place - 1];
    if (!before) continue;
    const from: [number, number] = [before.lon, before.lat];
    const to: [number, number] = [point.lon, point.lat];
    if (point.ms - before.ms > GAP_MS) {
      end();
      run = [];
      band = -1;
      features.push({ type: "Feature", properties: { gap: true }, geometry: { type: "LineString", coordinates: [from, to] } });
      continue;
    }
    const own = bandOf(point.speed ?? 0);
    if (own !== band) {
      end();
      run = [from];
      band = own;
    }
    run.push(to);
  }
  end();
  return { type: "FeatureCollection", features };
}

/** Where the vehicle was at a moment: between two positions a straight line, within a gap nowhere. */
export function placeAt(points: readonly Point[], ms: number): { lon: number; lat: number; speed: number | null } | null {
  let [low, high] = [0, points.length - 1];
  const [first, last] = [points[low], points[high]];
  if (!first || !last || ms < first.ms || ms > last.ms) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.ms ?? 0) <= ms) low = middle;
    else high = middle;
  }
  const [one, other] = [points[low], points[high]];
  if (!one || !other) return null;
  if (other.ms - one.ms > GAP_MS && ms !== other.ms && ms !== one.ms) return null;
  const share = other.ms > one.ms ? (ms - one.ms) / (other.ms - one.ms) : 0;
  return { lon: one.lon + share * (other.lon - one.lon), lat: one.lat + share * (other.lat - one.lat), speed: share < 0.5 ? one.speed : other.speed };
}

export function boundsOf(points: readonly Point[]): [[number, number], [number, number]] | null {
  const [first] = points;
  if (!first) return null;
  let [west, south, east, north] = [first.lon, first.lat, first.lon, first.lat];
  for (const { lon, lat } of points) [west, south, east, north] = [Math.min(west, lon), Math.min(south, lat), Math.max(east, lon), Math.max(north, lat)];
  return [[west, south], [east, north]];
}
