// The codes of /v1/meta for what is no component: learned when somebody signs in. The console knows no order, state or verb of its own.
import type { Meta } from "../api/schema";
import type { SeverityName } from "../ui";

export type Codes = Pick<Meta, "actions" | "event_types" | "handlings" | "severities" | "zone_kinds">;

let known: Codes = { actions: [], event_types: [], handlings: [], severities: [], zone_kinds: [] };

export function learn(codes: Codes): void {
  known = codes;
}

export const codes = (): Codes => known;

/** How grave: 0 is the lightest. */
export const rankOf = (severity: string): number => known.severities.findIndex((one) => one.code === severity);

/** The gravest first. */
export const severities = (): SeverityName[] => known.severities.map((one) => one.code as SeverityName).toReversed();

/** The states of handling in which an alert still waits for somebody. */
export const unresolved = (): string[] => known.handlings.map((one) => one.code).filter((code) => code !== "resolved");
