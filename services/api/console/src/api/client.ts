// The api as the console asks it: same origin, the session's cookie, problems as errors that carry their own sentence.
import type { Problem } from "./schema";
import { language } from "../words/language";

export class ApiError extends Error {
  constructor(readonly status: number, readonly type: string, detail: string, readonly problem: Problem | null) {
    super(detail);
  }
}

export interface Answer<T> {
  body: T;
  etag: string | null;
}

export interface Asked {
  method?: string;
  body?: unknown;
  query?: Query;
  ifMatch?: string;
  once?: boolean; // send an Idempotency-Key of this attempt
  headers?: Record<string, string>;
  signal?: AbortSignal;
  keepalive?: boolean; // goes out even if the page is just being left
}

export type Query = Record<string, string | number | readonly string[] | null | undefined>;

let lost: () => void = () => undefined;

/** What is done when the session turns out to be over. */
export function onSessionLost(told: () => void): void {
  lost = told;
}

export function queryOf(query: Query): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    if (typeof value === "object") for (const one of value) found.append(name, one);
    else found.append(name, String(value));
  }
  return found.size > 0 ? `?${found}` : "";
}

function headersOf(asked: Asked): Record<string, string> {
  const headers: Record<string, string> = { "Accept-Language": language() === "zh" ? "zh-CN" : "en", ...asked.headers };
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  if (asked.ifMatch) headers["If-Match"] = asked.ifMatch;
  if (asked.once) headers["Idempotency-Key"] = crypto.randomUUID();
  return headers;
}

/** The bare response; problems are thrown as ApiError. */
export async function send(path: string, asked: Asked = {}): Promise<Response> {
  const response = await fetch(path + queryOf(asked.query ?? {}), {
    method: asked.method ?? (asked.body === undefined ? "GET" : "POST"),
    headers: headersOf(asked),
    body: asked.body === undefined ? undefined : JSON.stringify(asked.body),
    signal: asked.signal,
    keepalive: asked.keepalive,
  });
  if (response.ok) return response;
  const problem = await problemOf(response);
  const type = problem?.type.split(":").pop() ?? "unknown";
  if (type === "login-required") lost();
  throw new ApiError(response.status, type, sentenceOf(problem, response), problem);
}

async function problemOf(response: Response): Promise<Problem | null> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return null;
  }
}

function sentenceOf(problem: Problem | null, response: Response): string {
  if (!problem) return `${response.status} ${response.statusText}`;
  const faults = (problem.errors ?? []).map((fault) => fault.detail).filter(Boolean);
  return faults.length > 0 ? faults.join(" ") : problem.detail || problem.title;
}

export async function ask<T>(path: string, asked: Asked = {}): Promise<Answer<T>> {
  const response = await send(path, asked);
  const body = response.status === 204 ? null : await response.json();
  return { body: body as T, etag: response.headers.get("etag") };
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await ask<T>(path, { query, signal })).body;
}

export async function post<T>(path: string, body: unknown, asked: Asked = {}): Promise<T> {
  return (await ask<T>(path, { method: "POST", once: true, ...asked, body })).body;
}

interface Page<T> {
  items: T[];
  next: string | null;
}

/** Every page of a list, as far as `most` items. */
export async function getAll<T>(path: string, query: Query, most: number, signal?: AbortSignal): Promise<{ items: T[]; more: boolean }> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await get<Page<T>>(path, { ...query, cursor }, signal);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && items.length < most);
  return { items, more: cursor !== null };
}
