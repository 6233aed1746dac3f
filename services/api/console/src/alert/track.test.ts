import { describe, expect, it } from "vitest";
import type { Alert } from "../api/schema";
import { markedOf } from "./track";

describe("the episode on a chart", () => {
  const began = "2026-11-23T00:00:00Z";
  const alert = (ended: string | null): Alert => ({ began, ended, at: { time: "2026-11-23T00:01:00Z", lon: 106, lat: 38 } }) as unknown as Alert;
  const at = (minute: number): number => Date.parse(began) + minute * 60_000;

  it("ends where the episode ended", () => {
    expect(markedOf(alert("2026-11-23T00:05:00Z"), [{ ms: at(0) }, { ms: at(9) }])).toEqual({ from: at(0), to: at(5) });
  });
  it("goes on to the last position while the episode goes on, not to its worst moment", () => {
    expect(markedOf(alert(null), [{ ms: at(0) }, { ms: at(9) }])).toEqual({ from: at(0), to: at(9) });
    expect(markedOf(alert(null), [])).toEqual({ from: at(0), to: at(1) });
  });
});
