import { describe, expect, it } from "vitest";
import { Fleet, bytesOf, mercator } from "./fleet";
import type { Frame } from "./fleet";

const ROW = 24;

function frame(rows: { vehicle: number; lon?: number; lat?: number; timeS?: number; speed?: number; heading?: number }[], more: Partial<Frame> = {}): Frame {
  const bytes = new Uint8Array(ROW * rows.length);
  const view = new DataView(bytes.buffer);
  rows.forEach((row, place) => {
    const at = ROW * place;
    view.setUint32(at, row.vehicle, true);
    view.setInt32(at + 4, Math.round((row.lon ?? 106) * 1e7), true);
    view.setInt32(at + 8, Math.round((row.lat ?? 38) * 1e7), true);
    view.setUint32(at + 12, row.timeS ?? 1_795_392_000, true);
    view.setUint16(at + 16, row.speed ?? 65535, true);
    view.setUint16(at + 18, row.heading ?? 65535, true);
    view.setUint8(at + 20, 2);
  });
  return { time: "2026-11-23T00:00:00Z", full: false, left: [], rows: btoa(String.fromCodePoint(...bytes)), ...more };
}

describe("the vehicles in view", () => {
  it("reads the api's rows", () => {
    const fleet = new Fleet();
    fleet.take(frame([{ vehicle: 7, lon: 106.25, lat: 38.5, speed: 825, heading: 90 }]));
    expect(fleet.find(7)).toMatchObject({ vehicle: 7, lon: 106.25, lat: 38.5, speed: 82.5, heading: 90, place: 2 });
    expect(fleet.find(8)).toBeNull();
  });

  it("forgets who left, keeps the others, and begins anew with a full frame", () => {
    const fleet = new Fleet();
    fleet.take(frame([{ vehicle: 1, lon: 101 }, { vehicle: 2, lon: 102 }, { vehicle: 3, lon: 103 }]));
    fleet.take(frame([], { left: [1, 99] }));
    expect(fleet.count).toBe(2);
    expect([1, 2, 3].map((vehicle) => fleet.find(vehicle)?.lon ?? null)).toEqual([null, 102, 103]);
    fleet.take(frame([{ vehicle: 5 }], { full: true }));
    expect([fleet.count, fleet.find(2)]).toEqual([1, null]);
  });

  it("holds as many as come", () => {
    const fleet = new Fleet();
    for (let first = 1; first <= 50_000; first += 5000) {
      fleet.take(frame(Array.from({ length: 5000 }, (_, place) => ({ vehicle: first + place, lon: 100 + (first + place) / 1e4 }))));
    }
    expect(fleet.count).toBe(50_000);
    expect(fleet.find(49_999)?.lon).toBeCloseTo(104.9999, 6);
  });

  it("finds the nearest within reach only", () => {
    const fleet = new Fleet();
    fleet.take(frame([{ vehicle: 1, lon: 106, lat: 38 }, { vehicle: 2, lon: 106.1, lat: 38 }]));
    const [x, y] = mercator(106.09, 38);
    expect(fleet.near(x, y, 0.001)?.vehicle).toBe(2);
    expect(fleet.near(x, y, 0.00001)).toBeNull();
  });

  it("reads base64 without the browser's help", () => {
    expect([...bytesOf(btoa("\u0000\u00FFa"))]).toEqual([0, 255, 97]);
  });
});
