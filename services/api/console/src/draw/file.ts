// The file that `roadwatch import` takes (interfaces section 2) out of what was drawn and filled in, and what the import would refuse of it; pure.
// The rules are those of services/contracts/registry_files; cases.json holds both to the same answers.
import type { Feature } from "geojson";
import { codes } from "../app/codes";
import type { Place } from "../search/DrawMap";
import { crossing, ringOf, same } from "./geometry";
import { numberOf } from "./pasted";

export const SHAPES = ["area", "line", "route"] as const;
export type Shape = (typeof SHAPES)[number];
export type Field = "id" | "name" | "kind" | "width" | "limit" | "hours" | "from" | "to" | "reason";
/** What stands in the form: texts as typed; `shape` area and line are zones. */
export type Draft = Record<Field, string> & { shape: Shape; classes: readonly string[] };

export const EMPTY_DRAFT: Draft = { shape: "area", id: "", name: "", kind: "", width: "", limit: "", hours: "", from: "", to: "", reason: "", classes: [] };
export const DEFAULT_HALF_WIDTH_M = 100;
const WIDEST_M = 100_000;
const FASTEST_KMH = 300;
const LONGEST = 200;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const HOURS = /^(\d{1,2}):(\d{2})\s*[-\u2013~]\s*(\d{1,2}):(\d{2})$/;

export type Refusal = "needed" | "needsLine" | "needsArea" | "crosses" | "tooLong" | "invisible" | "noNumber" | "badHours" | "endFirst" | "noKind";
export interface Problem {
  field: Field | "points";
  word: Refusal;
  given: Record<string, string | number>;
}

export const closed = (shape: Shape): boolean => shape === "area";
export const layerOf = (shape: Shape): "routes" | "zones" => (shape === "route" ? "routes" : "zones");
export const spansOf = (hours: string): string[] => hours.split(/[|,\uff0c\u3001]/).map((one) => one.trim()).filter(Boolean);

/** How far from a line the route or zone reaches; null where it has no line, or a width that is none. */
export function reachOf(draft: Draft): number | null {
  if (draft.shape === "area") return null;
  if (!draft.width.trim()) return draft.shape === "route" ? DEFAULT_HALF_WIDTH_M : null;
  const width = numberOf(draft.width);
  return width > 0 && width <= WIDEST_M ? width : null;
}

const numeric = (text: string): number | string => (Number.isFinite(numberOf(text)) ? numberOf(text) : text.trim());
/** A moment of the form, which is Asia/Shanghai's, as the file has it. */
const momentOf = (local: string): string => (local ? `${local.length === 16 ? `${local}:00` : local}+08:00` : "");

function propertiesOf(draft: Draft): Record<string, unknown> {
  const given = draft.shape === "route"
    ? { route: draft.id.trim(), name: draft.name.trim(), width_m: numeric(draft.width) }
    : {
        zone: draft.id.trim(), name: draft.name.trim(), kind: draft.kind, buffer_m: draft.shape === "line" ? numeric(draft.width) : "", classes: [...draft.classes],
        limit_kmh: numeric(draft.limit), hours: spansOf(draft.hours), from: momentOf(draft.from), to: momentOf(draft.to), reason: draft.reason.trim(),
      };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== "" && !(Array.isArray(value) && value.length === 0)));
}

export function featureOf(draft: Draft, places: readonly Place[]): Feature {
  const geometry: Feature["geometry"] = draft.shape === "area" ? { type: "Polygon", coordinates: [ringOf(places)] } : { type: "LineString", coordinates: [...places] };
  return { type: "Feature", properties: propertiesOf(draft), geometry };
}

export const textOf = (draft: Draft, places: readonly Place[]): string => `{"type":"FeatureCollection","features":[\n${JSON.stringify(featureOf(draft, places))}\n]}\n`;

/** A name of letters and figures of any language: safe in a shell and on every disk. */
export function fileName(draft: Draft): string {
  const id = [...draft.id.trim().replaceAll(/[^\p{L}\p{N}_.]+/gu, "-")].slice(0, 60).join("");
  return `${draft.shape === "route" ? "route" : "zone"}-${id}.geojson`;
}

export function commandOf(draft: Draft, dryRun = false): string {
  return `roadwatch import ${layerOf(draft.shape)} ${fileName(draft)}${dryRun ? " --dry-run" : ""}`;
}

/** Everything that keeps the file from being made, in the order of the form. */
export function problemsOf(draft: Draft, places: readonly Place[]): Problem[] {
  const zone = draft.shape !== "route";
  return [
    pointsProblem(draft.shape, places),
    textProblem("id", draft.id, true),
    zone ? kindProblem(draft.kind) : null,
    textProblem("name", draft.name, false),
    draft.shape === "area" ? null : numberProblem("width", draft.width, WIDEST_M, draft.shape === "line"),
    ...(zone ? [numberProblem("limit", draft.limit, FASTEST_KMH, false), hoursProblem(draft.hours), periodProblem(draft), textProblem("reason", draft.reason, false)] : []),
  ].filter((one) => one !== null);
}

/** What is wrong with the points alone; an outline that meets itself would be judged as something else than what is seen. */
export function pointsProblem(shape: Shape, places: readonly Place[]): Problem | null {
  const distinct = new Set(places.map(String)).size;
  if (shape !== "area") return distinct < 2 ? { field: "points", word: "needsLine", given: {} } : null;
  if (distinct < 3) return { field: "points", word: "needsArea", given: {} };
  const kept = [...places.keys()].filter((at) => !same(places[at], places[(at + 1) % places.length])); // a point that stands twice is one corner
  const found = crossing(kept.map((at) => places[at] as Place));
  if (!found) return null;
  const [a, b, c, d] = found.flatMap((one) => [one, one + 1]).map((one) => (kept[one % kept.length] ?? 0) + 1);
  return { field: "points", word: "crosses", given: { a: a ?? 0, b: b ?? 0, c: c ?? 0, d: d ?? 0 } };
}

function textProblem(field: Field, text: string, required: boolean): Problem | null {
  const found = text.trim();
  if (!found) return required ? { field, word: "needed", given: {} } : null;
  if (INVISIBLE.test(found)) return { field, word: "invisible", given: {} };
  return [...found].length > LONGEST ? { field, word: "tooLong", given: { most: LONGEST } } : null;
}

function numberProblem(field: Field, text: string, most: number, required: boolean): Problem | null {
  if (!text.trim()) return required ? { field, word: "needed", given: {} } : null;
  const found = numberOf(text);
  return found > 0 && found <= most ? null : { field, word: "noNumber", given: { most } };
}

function kindProblem(kind: string): Problem | null {
  if (!kind) return { field: "kind", word: "needed", given: {} };
  return codes().zone_kinds.some((one) => one.code === kind) ? null : { field: "kind", word: "noKind", given: {} };
}

function hoursProblem(hours: string): Problem | null {
  return spansOf(hours).every(isSpan) ? null : { field: "hours", word: "badHours", given: {} };
}

function isSpan(text: string): boolean {
  const [, h1, m1, h2, m2] = (HOURS.exec(text) ?? []).map(Number);
  if (h1 === undefined || m1 === undefined || h2 === undefined || m2 === undefined || m1 > 59 || m2 > 59) return false;
  const [start, end] = [h1 * 60 + m1, h2 * 60 + m2];
  return start < 1440 && end <= 1440 && start !== end;
}

function periodProblem({ from, to }: Draft): Problem | null {
  return from && to && from >= to ? { field: "to", word: "endFirst", given: {} } : null;
}
