import { describe, expect, it } from "vitest";
import { NOTHING, edited } from "./edits";
import type { Edit, History } from "./edits";

const after = (...edits: Edit[]): History => edits.reduce(edited, NOTHING);
const add = (lon: number): Edit => ({ do: "add", place: [lon, 38] });

describe("edits", () => {
  it("add, insert, move and remove, to six decimals", () => {
    expect(after(add(1), add(3), { do: "insert", at: 1, place: [2.00000049, 38] }).now).toEqual([[1, 38], [2, 38], [3, 38]]);
    expect(after(add(1), add(3), { do: "move", at: 0, place: [0, 38] }).now).toEqual([[0, 38], [3, 38]]);
    expect(after(add(1), add(3), { do: "remove", at: 0 }).now).toEqual([[3, 38]]);
  });
  it("that change nothing are no step", () => {
    const history = after(add(1));
    for (const edit of [add(1), { do: "move", at: 0, place: [1, 38] }, { do: "move", at: 9, place: [1, 1] }, { do: "remove", at: -1 }, { do: "remove", at: 1 }, { do: "redo" }] satisfies Edit[]) expect(edited(history, edit)).toBe(history);
    expect(edited(NOTHING, { do: "undo" })).toBe(NOTHING);
    expect(edited(NOTHING, { do: "replace", places: [] })).toBe(NOTHING);
  });
  it("are undone one by one and done again, until something else is done", () => {
    const history = after(add(1), add(2), { do: "replace", places: [] }, { do: "undo" }, { do: "undo" });
    expect(history.now).toEqual([[1, 38]]);
    expect(after(add(1), add(2), { do: "undo" }, { do: "redo" }).now).toEqual([[1, 38], [2, 38]]);
    expect(edited(history, add(9)).future).toEqual([]);
  });
  it("are remembered two hundred deep", () => {
    expect(after(...Array.from({ length: 300 }, (_, at) => add(at / 10))).past.length).toBe(200);
  });
});
