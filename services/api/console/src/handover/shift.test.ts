import { describe, expect, it } from "vitest";
import type { Alert } from "../api/schema";
import { sectionsOf, shiftAt, shiftBefore, shiftOf, usedOf } from "./shift";

const at = (time: string): number => Date.parse(time);

function alert(id: string, more: Partial<Alert> = {}): Alert {
  return { id, severity: "minor", handling: "open", began: "2026-11-23T00:00:00Z", handled: null, ...more } as unknown as Alert;
}

describe("the shift to be handed over", () => {
  it("is the running one, from 8 or 20 o'clock of Shanghai until now", () => {
    expect(shiftAt(at("2026-11-23T15:30:00+08:00"))).toEqual({ from: "2026-11-23T00:00:00.000Z", to: null });
    expect(shiftAt(at("2026-11-24T03:00:00+08:00"))).toEqual({ from: "2026-11-23T12:00:00.000Z", to: null });
  });

  it("is still the one before in the first hour of the next", () => {
    expect(shiftAt(at("2026-11-23T20:59:59+08:00")).from).toBe("2026-11-23T00:00:00.000Z");
    expect(shiftAt(at("2026-11-23T21:00:00+08:00")).from).toBe("2026-11-23T12:00:00.000Z");
  });

  it("follows the whole one before it without a gap", () => {
    const now = at("2026-11-23T15:30:00+08:00");
    expect(shiftBefore(now)).toEqual({ from: "2026-11-22T12:00:00.000Z", to: shiftAt(now).from });
  });

  it("is what the address says, unless that is no time", () => {
    const now = at("2026-11-23T15:30:00+08:00");
    expect(shiftOf(new URLSearchParams("from=2026-11-20T00:00:00Z&to=2026-11-20T12:00:00Z"), now)).toEqual({ from: "2026-11-20T00:00:00.000Z", to: "2026-11-20T12:00:00.000Z" });
    expect(shiftOf(new URLSearchParams("from=yesterday&to=2026-11-20T12:00:00Z"), now)).toEqual(shiftAt(now));
    expect(shiftOf(new URLSearchParams("from=2026-11-20T00:00:00Z&to="), now).to).toBeNull();
  });
});

describe("what is left to the next shift", () => {
  it("stands in one section each, the most urgent first; resolved and later alerts in none", () => {
    const given = [
      alert("minor"), alert("critical", { severity: "critical" }),
      alert("taken", { handling: "acknowledged" }),
      alert("supervised", { handling: "open", handled: { supervision: "normal", escalated: null } as Alert["handled"] }),
      alert("overdue", { handling: "assigned", handled: { supervision: "urgent", escalated: "2026-11-23T01:00:00Z" } as Alert["handled"] }),
      alert("resolved", { handling: "resolved" }), alert("later", { began: "2026-11-23T12:00:00Z" }),
    ];
    const found = sectionsOf(given, at("2026-11-23T12:00:00Z"));
    expect(Object.fromEntries(Object.entries(found).map(([name, alerts]) => [name, alerts.map((one) => one.id)]))).toEqual({
      pressed: ["overdue", "supervised"], unseen: ["critical", "minor"], taken: ["taken"],
    });
  });
});

it("only what was used gets a column", () => {
  expect(usedOf({ resolve: 2, claim: 0, acknowledge: 1 }, [{ code: "acknowledge" }, { code: "claim" }, { code: "resolve" }])).toEqual(["acknowledge", "resolve"]);
});
