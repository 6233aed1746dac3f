import { describe, expect, it } from "vitest";
import type { Point } from "../alert/track";
import { bandOf, boundsOf, linesOf, placeAt } from "./track";

const at = (seconds: number, lon: number, speed = 50): Point => ({ ms: seconds * 1000, lon, lat: 38, speed });

describe("a track", () => {
  it("is lines of one colour each, joined where it changes", () => {
    const { features } = linesOf([at(0, 1), at(10, 2), at(20, 3, 85), at(30, 4, 85)]);
    expect(features.map((one) => one.properties)).toEqual([{ band: 1 }, { band: 3 }]);
    expect(features.map((one) => one.geometry)).toEqual([
      { type: "LineString", coordinates: [[1, 38], [2, 38]] },
      { type: "LineString", coordinates: [[2, 38], [3, 38], [4, 38]] },
    ]);
  });
  it("shows a silence as a gap", () => {
    const { features } = linesOf([at(0, 1), at(10, 2), at(1000, 3), at(1010, 4)]);
    expect(features.map((one) => one.properties)).toEqual([{ band: 1 }, { gap: true }, { band: 1 }]);
  });
  it("knows where the vehicle was, and that it does not know within a gap", () => {
    const points = [at(0, 1), at(10, 2), at(1000, 3)];
    expect(placeAt(points, 5000)?.lon).toBeCloseTo(1.5);
    expect(placeAt(points, 500_000)).toBeNull();
    expect(placeAt(points, -1)).toBeNull();
    expect(placeAt(points, 1_000_000)?.lon).toBe(3);
    expect(placeAt([], 0)).toBeNull();
  });
  it("has bounds and bands", () => {
    expect(boundsOf([at(0, 3), at(1, 1)])).toEqual([[1, 38], [3, 38]]);
    expect([0, 29.9, 30, 130].map(bandOf)).toEqual([0, 0, 1, 5]);
  });
});
