import { beforeEach, describe, expect, it } from "vitest";
import type { Alert } from "../api/schema";
import { learn } from "../app/codes";
import { CODES } from "../app/codes.sample";
import { verbsOf } from "./verbs";

const alert = (handling: string, assignee: string | null = null): Alert =>
  ({ id: "alr_1", handling, handled: assignee ? { assignee: { id: assignee, name: "" } } : null }) as unknown as Alert;
const ALL = ["alerts:ack", "alerts:assign", "alerts:supervise", "alerts:close", "alerts:reopen"];
const of = (handling: string, permissions = ALL, assignee: string | null = null): string[] => verbsOf(alert(handling, assignee), permissions, "acc_me").map((one) => one.verb);

describe("verbs", () => {
  beforeEach(() => learn(CODES));
  it("are those that the api says are possible in this state, with this permission", () => {
    expect(of("open")).toEqual(["acknowledge", "claim", "assign", "comment", "supervise", "resolve"]);
    expect(of("assigned", ALL, "acc_other")).toEqual(["claim", "assign", "comment", "supervise", "resolve"]);
    expect(of("resolved")).toEqual(["comment", "reopen"]);
    expect(of("open", ["alerts:ack"])).toEqual(["acknowledge", "comment"]);
    expect(of("open", [])).toEqual([]);
  });
  it("leave out taking what is mine, what nobody does, and what has no form here", () => {
    expect(of("assigned", ALL, "acc_me")).not.toContain("claim");
    expect(of("open")).not.toContain("escalate");
    learn({ ...CODES, actions: [...CODES.actions, { code: "snooze", zh: "", en: "", permission: "alerts:ack", handlings: ["open"] }] });
    expect(of("open")).not.toContain("snooze");
  });
  it("follow the api when it changes its mind", () => {
    learn({ ...CODES, actions: CODES.actions.map((one) => (one.code === "reopen" ? { ...one, handlings: ["open"] } : one)) });
    expect(of("resolved")).toEqual(["comment"]);
    expect(of("open")).toContain("reopen");
  });
});
