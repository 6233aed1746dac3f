import { beforeEach, describe, expect, it } from "vitest";
import type { Alert } from "../api/schema";
import { learn } from "../app/codes";
import { CODES } from "../app/codes.sample";
import { byUrgency, filtersOf, meets, rowsOf } from "./order";

function alert(id: string, more: Partial<Alert> = {}): Alert {
  return {
    id, rule: "speeding", kind: "statutory", severity: "minor", state: "open", handling: "open", began: "2026-11-23T00:00:00Z", ended: null, why: { road: "G6" },
    vehicle: { id: 1, plate: "宁A12345", plate_color: "yellow", class: "coach", operator: "银川甲客运", division: "640100" }, sentence: { zh: "超速", en: "speeding" }, driver: null, handled: null, ...more,
  } as unknown as Alert;
}

beforeEach(() => learn(CODES));

describe("the order of the queue", () => {
  it("is unseen, grave, long waiting first; resolved last", () => {
    const given = [
      alert("resolved", { handling: "resolved", severity: "critical" }),
      alert("young"), alert("old", { began: "2026-11-22T23:00:00Z" }),
      alert("seen", { handling: "acknowledged", severity: "critical" }),
      alert("grave", { severity: "critical" }),
      alert("overdue", { handling: "assigned", handled: { escalated: "2026-11-23T00:00:00Z" } as Alert["handled"] }),
    ];
    expect(given.toSorted(byUrgency).map((one) => one.id)).toEqual(["overdue", "grave", "old", "young", "seen", "resolved"]);
  });
});

describe("filters", () => {
  const met = (query: string, one = alert("a")): boolean => meets(one, filtersOf(new URLSearchParams(query)), "acc_me");
  it("are what the address says", () => {
    expect(met("")).toBe(true);
    expect(met("rule=speeding&rule=fatigue&class=coach")).toBe(true);
    expect(met("class=hazmat")).toBe(false);
    expect(met("division=6401")).toBe(true);
    expect(met("division=62")).toBe(false);
    expect(met("operator=甲客")).toBe(true);
    expect(met("q=a123")).toBe(true);
    expect(met("q=京B")).toBe(false);
    expect(met("mine=1")).toBe(false);
    expect(met("mine=1", alert("b", { handled: { assignee: { id: "acc_me", name: "我" } } as Alert["handled"] }))).toBe(true);
  });
});

describe("storms", () => {
  const storms = new Map(Array.from({ length: 5 }, (_, place) => [`s${place}`, "grp_1"]));
  const storm = Array.from({ length: 5 }, (_, place) => alert(`s${place}`, { began: `2026-11-23T00:0${place}:00Z` }));
  it("stand together, counted, and open to single rows", () => {
    const other = alert("other", { why: { road: "G20" }, began: "2026-11-23T00:30:00Z" });
    const closed = rowsOf([...storm, other], storms, new Set());
    expect(closed.map((row) => (row.kind === "group" ? row.alerts.length : row.alert.id))).toEqual([5, "other"]);
    const key = closed[0]?.kind === "group" ? closed[0].key : "";
    expect(rowsOf([...storm, other], storms, new Set([key])).length).toBe(7);
  });
  it("hide nothing where the api has told of none, and part what is handled from what is not", () => {
    expect(rowsOf(storm, new Map(), new Set()).length).toBe(5);
    const handled = storm.map((one, place) => (place < 2 ? { ...one, handling: "acknowledged" } : one));
    expect(rowsOf(handled, storms, new Set()).map((row) => (row.kind === "group" ? row.alerts.length : 1))).toEqual([3, 2]);
    expect(rowsOf(storm.slice(0, 1), storms, new Set()).map((row) => row.kind)).toEqual(["alert"]);
  });
});
