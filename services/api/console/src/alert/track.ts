// The stretch of an alert: the positions from a little before it began until a little after it ended; the api writes the look down with the alert as its purpose.
import { ask, get } from "../api/client";
import type { Alert, AlertTrack } from "../api/schema";
import { useAsked } from "../api/use";
import type { Loaded } from "../api/use";

const MARGIN_S = 300;

export interface Point {
  ms: number;
  lon: number;
  lat: number;
  speed: number | null;
  off?: number | null; // metres off the route
}

interface TrackBody {
  geometry: { coordinates: [number, number][] } | null;
  properties: { datetimes: string[]; speeds_kmh: (number | null)[]; recorder_speeds_kmh: (number | null)[] };
}

export function pointsOf(track: TrackBody): Point[] {
  const { datetimes, speeds_kmh: speeds, recorder_speeds_kmh: recorder } = track.properties;
  return datetimes.map((time, place) => {
    const [lon, lat] = track.geometry?.coordinates[place] ?? [0, 0];
    return { ms: Date.parse(time), lon, lat, speed: speeds[place] ?? recorder[place] ?? null };
  });
}

export async function fetchTrack(vehicle: number, from: string, to: string, purpose: string, signal?: AbortSignal): Promise<Point[]> {
  const { body } = await ask<TrackBody>(`/v1/vehicles/${vehicle}/track`, { query: { from, to, format: "geojson" }, headers: { "X-Purpose": encodeURIComponent(purpose) }, signal });
  return pointsOf(body);
}

/** The episode among its positions; of one that goes on, as far as there are positions. */
export function markedOf(alert: Alert, points: readonly { ms: number }[]): { from: number; to: number } {
  return { from: Date.parse(alert.began), to: alert.ended ? Date.parse(alert.ended) : (points.at(-1)?.ms ?? Date.parse(alert.at.time)) };
}

const cache = new Map<string, Promise<Point[]>>();

async function fetchStretch(id: string): Promise<Point[]> {
  const track = await get<AlertTrack>(`/v1/alerts/${id}/track`, { margin_s: MARGIN_S });
  return track.times.map((time, place) => {
    const [lon = 0, lat = 0] = track.coordinates[place] ?? [];
    return { ms: Date.parse(time), lon, lat, speed: track.speeds_kmh[place] ?? track.recorder_speeds_kmh[place] ?? null, off: track.off_route_m?.[place] ?? null };
  });
}

/** Asked for once per alert and version of its judging, however many places show it. */
export function useStretch(alert: Alert | null): Loaded<Point[]> {
  const key = alert ? `${alert.id} ${alert.version}` : null;
  return useAsked(key, () => {
    const known = cache.get(key ?? "");
    if (known || !alert) return known ?? Promise.resolve([]);
    const asked = fetchStretch(alert.id);
    cache.set(key ?? "", asked);
    asked.catch(() => cache.delete(key ?? ""));
    if (cache.size > 50) cache.delete(cache.keys().next().value ?? "");
    return asked;
  });
}
