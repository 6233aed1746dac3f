import { beforeEach, describe, expect, it } from "vitest";
import { learn } from "../app/codes";
import { CODES } from "../app/codes.sample";
import type { Place } from "../search/DrawMap";
import cases from "./cases.json";
import { EMPTY_DRAFT, commandOf, featureOf, fileName, pointsProblem, problemsOf, reachOf, textOf } from "./file";
import type { Draft } from "./file";

beforeEach(() => learn(CODES));

const draftOf = (more: object): Draft => ({ ...EMPTY_DRAFT, ...more });

// The same cases are put to the import by tests/console/test_drawn_files.py.
describe("a file of what was drawn", () => {
  it.each(cases)("$is", ({ draft, points, feature, refused }) => {
    const places = points as Place[];
    expect(featureOf(draftOf(draft), places)).toEqual({ type: "Feature", ...feature });
    expect(problemsOf(draftOf(draft), places).map((one) => one.field)).toEqual(refused.map((one) => one.field));
  });
  it("is one collection with a line for its feature", () => {
    const text = textOf(draftOf({ id: "Z1", kind: "school" }), [[1, 1], [2, 1], [2, 2]]);
    expect(JSON.parse(text)).toMatchObject({ type: "FeatureCollection", features: [{ properties: { zone: "Z1", kind: "school" } }] });
    expect(text.split("\n").length).toBe(4);
  });
});

describe("its name", () => {
  it.each([
    [{ id: "Z-1" }, "zone-Z-1.geojson"],
    [{ id: " 银川 一中;rm -rf / " }, "zone-银川-一中-rm-rf-.geojson"],
    [{ id: "$(x)'\"", shape: "route" }, "route--x-.geojson"],
    [{ id: "长".repeat(200) }, `zone-${"长".repeat(60)}.geojson`],
  ])("is safe in a shell: %j", (draft, name) => {
    expect(fileName(draftOf(draft))).toBe(name);
    expect(commandOf(draftOf(draft), true)).toBe(`roadwatch import ${name.startsWith("route") ? "routes" : "zones"} ${name} --dry-run`);
  });
});

describe("points", () => {
  it("that make an outline cross itself are refused with the sides, counted from one", () => {
    expect(pointsProblem("area", [[0, 0], [1, 1], [1, 0], [0, 1]])).toEqual({ field: "points", word: "crosses", given: { a: 1, b: 2, c: 3, d: 4 } });
    expect(pointsProblem("area", [[0, 0], [0, 4], [4, 4], [-2, 2]])).toMatchObject({ given: { a: 1, b: 2, c: 3, d: 4 } });
  });
  it("that stand twice in a row hide no crossing", () => {
    expect(pointsProblem("area", [[0, 0], [0, 0], [1, 1], [1, 0], [0, 1]])).toMatchObject({ word: "crosses", given: { a: 2, b: 3, c: 4, d: 5 } });
    expect(pointsProblem("area", [[0, 0], [0, 0], [1, 0], [1, 1]])).toBeNull();
  });
  it("of a route may cross: a vehicle may come back the way it went", () => {
    expect(pointsProblem("route", [[0, 0], [1, 0], [0, 0]])).toBeNull();
  });
});

describe("a corridor", () => {
  it("has its width, or the default of a route", () => {
    expect([reachOf(draftOf({ shape: "route" })), reachOf(draftOf({ shape: "route", width: "50" })), reachOf(draftOf({ shape: "line" })), reachOf(draftOf({ width: "50" })), reachOf(draftOf({ shape: "line", width: "x" }))]).toEqual([100, 50, null, null, null]);
  });
});
