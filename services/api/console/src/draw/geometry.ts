// Lines and outlines in WGS-84, pure: how long, how large, whether they meet themselves, and which of their points a pointer is on.
import type { Place } from "../search/DrawMap";

const A_M = 6_378_137;
const E2 = 0.006_694_379_990_141_317; // WGS-84
const E = Math.sqrt(E2);
const UNITS = 1e6;
const RADIAN = Math.PI / 180;

/** Six decimals, a tenth of a metre: what the file holds. */
export const rounded = ([lon, lat]: Place): Place => [Math.round(lon * UNITS) / UNITS, Math.round(lat * UNITS) / UNITS];

export const same = (one: Place | undefined, other: Place | undefined): boolean => one?.[0] === other?.[0] && one?.[1] === other?.[1];

/** Metres along the ellipsoid; right to a millionth for legs of some ten kilometres. */
export function legM([lon1, lat1]: Place, [lon2, lat2]: Place): number {
  const lat = ((lat1 + lat2) / 2) * RADIAN;
  const curve = 1 - E2 * Math.sin(lat) ** 2;
  const north = (lat2 - lat1) * RADIAN * ((A_M * (1 - E2)) / curve ** 1.5);
  const east = (lon2 - lon1) * RADIAN * (A_M / Math.sqrt(curve)) * Math.cos(lat);
  return Math.hypot(north, east);
}

export function lengthM(places: readonly Place[]): number {
  let sum = 0;
  for (let i = 1; i < places.length; i++) sum += legM(places[i - 1] as Place, places[i] as Place);
  return sum;
}

/** The area of the ellipsoid between the equator and a latitude, a radian wide, in units of half A². */
function belt(lat: number): number {
  const sine = Math.sin(lat * RADIAN);
  return (1 - E2) * (sine / (1 - E2 * sine * sine) - Math.log((1 - E * sine) / (1 + E * sine)) / (2 * E));
}

/** Twice the signed area; positive where the outline runs against the clock. */
function turning(corners: readonly Place[]): number {
  let sum = 0;
  for (const [i, [lon1, lat1]] of corners.entries()) {
    const [lon2, lat2] = corners[(i + 1) % corners.length] as Place;
    sum -= (lon2 - lon1) * RADIAN * (belt(lat1) + belt(lat2));
  }
  return (sum * A_M * A_M) / 2;
}

/** Square metres within an outline whose last corner joins its first. */
export const areaM2 = (corners: readonly Place[]): number => (corners.length < 3 ? 0 : Math.abs(turning(corners)) / 2);

/** The closed ring of a polygon, against the clock (RFC 7946). */
export function ringOf(corners: readonly Place[]): Place[] {
  const ring = turning(corners) < 0 ? corners.toReversed() : [...corners];
  return ring.length ? [...ring, ring[0] as Place] : [];
}

function side(a: Place, b: Place, c: Place): number {
  return Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
}

const between = (a: Place, b: Place, c: Place): boolean =>
  Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1]);

function meet(a: Place, b: Place, c: Place, d: Place): boolean {
  const [abc, abd, cda, cdb] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (abc * abd < 0 && cda * cdb < 0) return true;
  return (abc === 0 && between(a, b, c)) || (abd === 0 && between(a, b, d)) || (cda === 0 && between(c, d, a)) || (cdb === 0 && between(c, d, b));
}

/** Whether two sides that share `corner` lie on each other. */
function foldedBack(corner: Place, one: Place, other: Place): boolean {
  return side(corner, one, other) === 0 && (one[0] - corner[0]) * (other[0] - corner[0]) + (one[1] - corner[1]) * (other[1] - corner[1]) > 0;
}

/** The first two sides of a closed outline that cross or touch, each by the number (from 0) of the corner it begins at; null where none do. */
export function crossing(corners: readonly Place[]): [number, number] | null {
  const count = corners.length;
  if (count < 3) return null;
  const whole = corners.map(([lon, lat]): Place => [Math.round(lon * UNITS), Math.round(lat * UNITS)]);
  const at = (place: number): Place => whole[place % count] as Place;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const next = j === i + 1;
      const around = i === 0 && j === count - 1;
      if (next && foldedBack(at(j), at(i), at(j + 1))) return [i, j];
      if (around && foldedBack(at(0), at(1), at(j))) return [i, j];
      if (!next && !around && meet(at(i), at(i + 1), at(j), at(j + 1))) return [i, j];
    }
  }
  return null;
}

/** The middle of each side, in order; a closed outline has one more. */
export function middles(places: readonly Place[], closed: boolean): Place[] {
  const from = closed && places.length > 2 ? places : places.slice(0, -1);
  return from.map(([lon, lat], place) => {
    const [lon2, lat2] = places[(place + 1) % places.length] as Place;
    return rounded([(lon + lon2) / 2, (lat + lat2) / 2]);
  });
}

/** The nearest of some points on the screen, if it is within reach. */
export function nearest(points: readonly { x: number; y: number }[], at: { x: number; y: number }, reach: number): number | null {
  let found: number | null = null;
  let least = reach;
  for (const [place, point] of points.entries()) {
    const far = Math.hypot(point.x - at.x, point.y - at.y);
    if (far > least) continue;
    [found, least] = [place, far];
  }
  return found;
}
