import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { GroupList } from "../api/schema";
import { Pacer, stormsOf } from "./storms";

const group = (id: string, storm: boolean, ...alerts: string[]): GroupList["items"][number] =>
  ({ id, storm, items: alerts.map((alert) => ({ id: alert, version: 0 })) }) as unknown as GroupList["items"][number];

describe("storms", () => {
  it("are the groups that the api calls so", () => {
    const found = stormsOf({ items: [group("g1", true, "a", "b", "c"), group("g2", false, "d", "e"), group("g3", false, "f")] });
    expect([...found]).toEqual([["a", "g1"], ["b", "g1"], ["c", "g1"]]);
  });
});

describe("asking for them", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());
  it("is once soon, then at most every five seconds, however many alerts come", async () => {
    const work = vi.fn(() => Promise.resolve());
    const pacer = new Pacer(work);
    for (let n = 0; n < 100; n += 1) pacer.want();
    await vi.advanceTimersByTimeAsync(500);
    expect(work).toHaveBeenCalledTimes(1);
    for (let n = 0; n < 100; n += 1) pacer.want();
    await vi.advanceTimersByTimeAsync(4900);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(work).toHaveBeenCalledTimes(2);
  });
  it("is tried again after a failure, and not after the page has gone", async () => {
    const work = vi.fn(() => Promise.reject(new Error("away")));
    const pacer = new Pacer(work);
    pacer.want();
    await vi.advanceTimersByTimeAsync(6000);
    expect(work).toHaveBeenCalledTimes(2);
    pacer.stop();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(work).toHaveBeenCalledTimes(2);
  });
});
