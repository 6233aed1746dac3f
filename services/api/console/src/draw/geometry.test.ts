import { describe, expect, it } from "vitest";
import type { Place } from "../search/DrawMap";
import { areaM2, crossing, lengthM, middles, nearest, ringOf } from "./geometry";

const SQUARE: Place[] = [[106.2, 38.4], [106.3, 38.4], [106.3, 38.5], [106.2, 38.5]];

describe("measures", () => {
  it("are PostGIS's on the ellipsoid", () => {
    expect(lengthM([[106.2, 38.4], [106.3, 38.4], [106.4, 38.5]]) / 22_857.002).toBeCloseTo(1, 6); // ST_Length(geography)
    expect(areaM2(SQUARE) / 96_899_626.6).toBeCloseTo(1, 6); // ST_Area(geography)
    expect(areaM2([[106.26, 38.455], [106.3, 38.455], [106.29, 38.475]]) / 3_875_480.1).toBeCloseTo(1, 3);
  });
  it("do not depend on the direction, and nothing has none", () => {
    expect(areaM2(SQUARE.toReversed())).toBeCloseTo(areaM2(SQUARE), 3);
    expect([lengthM([]), lengthM(SQUARE.slice(0, 1)), areaM2(SQUARE.slice(0, 2))]).toEqual([0, 0, 0]);
  });
});

describe("a ring", () => {
  it("is closed and runs against the clock, whichever way it was drawn", () => {
    expect(ringOf(SQUARE)).toEqual([...SQUARE, SQUARE[0]]);
    const turned = SQUARE.toReversed();
    expect(ringOf(turned)).toEqual([...SQUARE, SQUARE[0]]);
    expect(ringOf([])).toEqual([]);
  });
});

describe("an outline", () => {
  it.each<[string, Place[], [number, number] | null]>([
    ["of a square is fine", SQUARE, null],
    ["of a concave shape is fine", [[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]], null],
    ["of two points is none yet", [[0, 0], [1, 1]], null],
    ["of a bow tie crosses", [[0, 0], [1, 1], [1, 0], [0, 1]], [0, 2]],
    ["that touches a side with a corner", [[0, 0], [4, 0], [4, 4], [2, 0], [0, 4]], [0, 2]],
    ["that comes to one corner twice", [[0, 0], [2, 2], [4, 0], [4, 4], [2, 2], [0, 4]], [0, 3]],
    ["that goes out and back on one line", [[0, 0], [4, 0], [2, 0], [2, 3]], [0, 1]],
    ["that folds back at its first corner", [[0, 0], [4, 0], [4, 4], [2, 0]], [0, 2]],
    ["that is all on one line", [[0, 0], [1, 0], [2, 0]], [0, 2]],
    ["whose closing side crosses", [[0, 0], [0, 4], [4, 4], [-2, 2]], [0, 2]],
  ])("%s", (_, corners, expected) => expect(crossing(corners)).toEqual(expected));
  it("is exact to the sixth decimal", () => {
    expect(crossing([[106.2, 38.4], [106.200002, 38.4], [106.200002, 38.400002], [106.200001, 38.400001]])).toBeNull();
    expect(crossing([[106.2, 38.4], [106.200002, 38.4], [106.200002, 38.400002], [106.200001, 38.399999]])).toEqual([0, 2]);
  });
  it("of a thousand corners takes no time that is felt", () => {
    const round = Array.from({ length: 1000 }, (_, at): Place => [Math.cos((at / 500) * Math.PI), Math.sin((at / 500) * Math.PI)]);
    const began = performance.now();
    expect(crossing(round)).toBeNull();
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe("handles", () => {
  it("lie in the middle of each side", () => {
    expect(middles([[0, 0], [2, 0]], false)).toEqual([[1, 0]]);
    expect(middles([[0, 0], [2, 0], [2, 2]], true)).toEqual([[1, 0], [2, 1], [1, 1]]);
    expect(middles([[0, 0], [2, 0]], true)).toEqual([[1, 0]]);
    expect(middles([], true)).toEqual([]);
  });
  it("are found near the pointer, the nearest first", () => {
    const points = [{ x: 0, y: 0 }, { x: 8, y: 0 }];
    expect(nearest(points, { x: 5, y: 0 }, 10)).toBe(1);
    expect(nearest(points, { x: 30, y: 0 }, 10)).toBeNull();
  });
});
