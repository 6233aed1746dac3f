// What may be done with an alert. By whom (permission) and in which state of its handling says the api (/v1/meta); here stand the keys and which have a form.
import type { ActionShape, Alert } from "../api/schema";
import { codes } from "../app/codes";

export type Verb = "acknowledge" | "claim" | "assign" | "comment" | "supervise" | "resolve" | "reopen";

interface Offered {
  key: string;
  asks: boolean; // opens a form
}

const OFFERED: Record<Verb, Offered> = {
  acknowledge: { key: "a", asks: false },
  claim: { key: "c", asks: false },
  assign: { key: "g", asks: true },
  comment: { key: "n", asks: true },
  supervise: { key: "s", asks: true },
  resolve: { key: "r", asks: true },
  reopen: { key: "o", asks: true },
};

export interface Possible extends Offered {
  verb: Verb;
}

export function verbsOf(alert: Alert, permissions: readonly string[], me: string): Possible[] {
  const mine = alert.handled?.assignee?.id === me;
  return codes().actions
    .filter((action) => offers(action) && action.permission !== null && permissions.includes(action.permission) && action.handlings.includes(alert.handling))
    .map((action) => ({ verb: action.code as Verb, ...OFFERED[action.code as Verb] }))
    .filter((one) => !(one.verb === "claim" && mine)); // it is done already
}

const offers = (action: ActionShape): boolean => action.code in OFFERED;
