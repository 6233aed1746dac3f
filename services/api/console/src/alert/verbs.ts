// What may be done with an alert: by whom (permission) and in which state of its handling (docs/handling.md).
import type { Alert } from "../api/schema";
import { UNRESOLVED } from "../stream/alerts";

export type Verb = "acknowledge" | "claim" | "assign" | "comment" | "supervise" | "resolve" | "reopen";

interface Rule {
  verb: Verb;
  permission: string;
  key: string;
  in: readonly string[];
  asks: boolean; // opens a form
}

export const VERBS: readonly Rule[] = [
  { verb: "acknowledge", permission: "alerts:ack", key: "a", in: ["open"], asks: false },
  { verb: "claim", permission: "alerts:assign", key: "c", in: UNRESOLVED, asks: false },
  { verb: "assign", permission: "alerts:assign", key: "g", in: UNRESOLVED, asks: true },
  { verb: "comment", permission: "alerts:ack", key: "n", in: [...UNRESOLVED, "resolved"], asks: true },
  { verb: "supervise", permission: "alerts:supervise", key: "s", in: UNRESOLVED, asks: true },
  { verb: "resolve", permission: "alerts:close", key: "r", in: UNRESOLVED, asks: true },
  { verb: "reopen", permission: "alerts:reopen", key: "o", in: ["resolved"], asks: true },
];

export function verbsOf(alert: Alert, permissions: readonly string[], me: string): Rule[] {
  return VERBS.filter((rule) => permissions.includes(rule.permission) && rule.in.includes(alert.handling) && !(rule.verb === "claim" && alert.handled?.assignee?.id === me));
}
