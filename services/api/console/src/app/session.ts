// Who is signed in and what the codes mean; asked once, anew after a sign-in.
import { ApiError, ask, get, onSessionLost, send } from "../api/client";
import type { LabelShape, Me, Meta } from "../api/schema";
import { language } from "../words/language";
import { learn } from "./codes";
import { store, useStore } from "./store";

export type Session =
  | { state: "unknown" }
  | { state: "away"; error: Error }
  | { state: "out" }
  | { state: "change"; me: Me; password: string }
  | { state: "in"; me: Me; meta: Meta };

const session = store<Session>({ state: "unknown" });

export const useSession = (): Session => useStore(session);

export async function begin(): Promise<void> {
  try {
    await enter((await ask<Me>("/v1/me")).body, "");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) session.set({ state: "out" });
    else session.set({ state: "away", error: error as Error });
  }
}

async function enter(me: Me, password: string): Promise<void> {
  if (me.must_change_password) session.set(password ? { state: "change", me, password } : { state: "out" });
  else {
    const meta = await get<Meta>("/v1/meta");
    learn(meta);
    session.set({ state: "in", me, meta });
  }
}

/** Throws ApiError, of type `code-required` where a one-time code is wanted. */
export async function signIn(login: string, password: string, code: string): Promise<void> {
  const { body } = await ask<Me>("/v1/session", { body: { login, password, ...(code && { code }) } });
  await enter(body, password);
}

export async function changePassword(old: string, next: string, revokeKeys: boolean): Promise<void> {
  await send("/v1/me/password", { method: "PUT", body: { old, new: next, revoke_keys: revokeKeys } });
  await begin();
}

export async function signOut(): Promise<void> {
  await send("/v1/session", { method: "DELETE" });
  location.assign("/");
}

onSessionLost(() => session.set({ state: "out" }));

/** Whoever is signed in; only below the shell, which shows nothing else before. */
export function useMe(): Me {
  const now = useSession();
  if (now.state !== "in") throw new Error("nobody is signed in");
  return now.me;
}

export const useMay = (permission: string): boolean => useMe().permissions.includes(permission);

export function useMeta(): Meta {
  const now = useSession();
  if (now.state !== "in") throw new Error("nobody is signed in");
  return now.meta;
}

type Table = "actions" | "classes" | "event_types" | "handlings" | "plate_colors" | "resolutions" | "road_classes" | "roles" | "rules" | "severities" | "states" | "supervisions" | "zone_kinds";

export function labelOf(labels: readonly LabelShape[] | undefined, code: string): string {
  return labels?.find((label) => label.code === code)?.[language()] ?? code;
}

/** The word of a code in the language chosen. */
export function useLabel(): (table: Table, code: string) => string {
  const meta = useMeta();
  return (table, code) => labelOf(meta[table], code);
}

export function useKindLabel(): (rule: string, kind: string) => string {
  const meta = useMeta();
  return (rule, kind) => labelOf(meta.kinds[rule], kind);
}
