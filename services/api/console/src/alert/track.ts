// The stretch of an alert: the positions from a little before it began until a little after it ended. The purpose of the look is the alert itself.
import { ask } from "../api/client";
import type { Alert } from "../api/schema";
import { useAsked } from "../api/use";
import type { Loaded } from "../api/use";
import { say } from "./words";

const BEFORE_S = 300;
const AFTER_S = 180;
const LONGEST_S = 6 * 3600;

export interface Point {
  ms: number;
  lon: number;
  lat: number;
  speed: number | null;
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

/** From when to when an alert's stretch is shown; of a long one its end. */
export function stretchOf(alert: Alert): { from: string; to: string } {
  const end = Date.parse(alert.ended ?? alert.at.time) + AFTER_S * 1000;
  const begin = Math.max(Date.parse(alert.began) - BEFORE_S * 1000, end - LONGEST_S * 1000);
  return { from: new Date(begin).toISOString(), to: new Date(end).toISOString() };
}

export async function fetchTrack(vehicle: number, from: string, to: string, purpose: string, signal?: AbortSignal): Promise<Point[]> {
  const { body } = await ask<TrackBody>(`/v1/vehicles/${vehicle}/track`, { query: { from, to, format: "geojson" }, headers: { "X-Purpose": encodeURIComponent(purpose) }, signal });
  return pointsOf(body);
}

const cache = new Map<string, Promise<Point[]>>();

export function useStretch(alert: Alert | null): Loaded<Point[]> {
  const key = alert ? `${alert.id} ${alert.ended ?? alert.at.time}` : null;
  return useAsked(key, () => {
    const known = cache.get(key ?? "");
    if (known || !alert) return known ?? Promise.resolve([]);
    const { from, to } = stretchOf(alert);
    const asked = fetchTrack(alert.vehicle.id, from, to, say("purpose", { id: alert.id }));
    cache.set(key ?? "", asked);
    asked.catch(() => cache.delete(key ?? ""));
    if (cache.size > 50) cache.delete(cache.keys().next().value ?? "");
    return asked;
  });
}
