// A list of coordinates as people copy it, read into places; pure. What is wrong comes as a word and the line, never as a guess.
import type { Place } from "../search/DrawMap";
import { rounded, same } from "./geometry";

export const DATUMS = ["WGS-84", "GCJ-02", "BD-09"] as const;
export const MOST_POINTS = 2000;

export type Read = { places: Place[] } | { word: "pasteEmpty" | "pasteJson" | "pastePair" | "pasteEarth" | "pasteSwapped" | "pasteMost"; given: Record<string, string | number> };

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)$/;
const SHOWN = 40;

/** `[lon, lat]` on Earth, or why not: the same ranges, and the same word about a swapped pair, as the import has. */
export function placeOf(lon: number, lat: number): Place | "pastePair" | "pasteEarth" | "pasteSwapped" {
  if (!Number.isFinite(lon) || !Number.isFinite(lat)) return "pastePair";
  if (Math.abs(lon) <= 180 && Math.abs(lat) <= 90) return rounded([lon, lat]);
  return Math.abs(lon) <= 90 && Math.abs(lat) <= 180 ? "pasteSwapped" : "pasteEarth";
}

export const numberOf = (text: string): number => (NUMBER.test(text.trim()) ? Number(text) : Number.NaN);

/** One pair to a line, or between semicolons or spaces; or GeoJSON, or a list of pairs. Heights are left out; `closed`: a last point that repeats the first, too. */
export function read(text: string, closed: boolean): Read {
  const trimmed = text.trim();
  if (!trimmed) return { word: "pasteEmpty", given: {} };
  const pairs = /^[[{]/.test(trimmed) ? fromJson(trimmed) : fromLines(trimmed);
  if (!pairs) return { word: "pasteJson", given: {} };
  const places: Place[] = [];
  for (const [at, { lon, lat, shown }] of pairs.entries()) {
    const place = placeOf(lon, lat);
    if (typeof place === "string") return { word: place, given: { n: at + 1, shown: shown.slice(0, SHOWN) } };
    if (!same(places.at(-1), place)) places.push(place);
  }
  if (closed && places.length > 1 && same(places[0], places.at(-1))) places.pop();
  if (places.length > MOST_POINTS) return { word: "pasteMost", given: { n: places.length, most: MOST_POINTS } };
  return { places };
}

interface Pair {
  lon: number;
  lat: number;
  shown: string;
}

function fromLines(text: string): Pair[] {
  const lines = text.replaceAll(/[\uff0c\u3001]/g, ",").split(/[;\uff1b\n\r]+/); // full-width comma, enumeration comma, semicolon
  return lines.flatMap((line) => {
    const whole = line.trim().replaceAll(/\s*,\s*/g, ",");
    return (whole.includes(",") ? whole.split(/\s+/) : [whole.replaceAll(/\s+/g, ",")]).filter(Boolean).map(pairOf);
  });
}

function pairOf(shown: string): Pair {
  const numbers = shown.split(",").filter(Boolean).map(numberOf);
  const [lon = Number.NaN, lat = Number.NaN] = numbers.length === 2 || numbers.length === 3 ? numbers : [];
  return { lon, lat, shown };
}

/** The first line or outline of a document; null where there is none. */
function fromJson(text: string): Pair[] | null {
  try {
    const found = coordinatesOf(JSON.parse(text));
    return found?.map((one): Pair => {
      const [lon, lat]: unknown[] = Array.isArray(one) ? one : [];
      return { lon: typeof lon === "number" ? lon : Number.NaN, lat: typeof lat === "number" ? lat : Number.NaN, shown: JSON.stringify(one) };
    }) ?? null;
  } catch {
    return null;
  }
}

function coordinatesOf(found: unknown): unknown[] | null {
  if (Array.isArray(found)) {
    const ring = Array.isArray(found[0]) && Array.isArray(found[0][0]);
    return ring ? coordinatesOf(found[0]) : found;
  }
  if (typeof found !== "object" || found === null) return null;
  const { features, geometry, coordinates } = found as { features?: unknown[]; geometry?: unknown; coordinates?: unknown };
  return coordinatesOf(coordinates ?? geometry ?? features?.[0]);
}
