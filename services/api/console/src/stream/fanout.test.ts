import { describe, expect, it } from "vitest";
import { Fanout } from "./fanout";
import type { Heard } from "./fanout";
import type { ToTab, Told } from "./protocol";

const event = (seq: number): Told => ({ id: `evt_${seq}`, seq, type: "alert.opened", alert: `alr_${seq}`, sequence: 1, time: "", data: {} }) as unknown as Told;

const TYPES = ["alert.opened"];

function system() {
  const opened: { after: number; types: readonly string[]; heard: Heard; closed: boolean }[] = [];
  const fanout = new Fanout((after, types, heard) => {
    const one = { after, types, heard, closed: false };
    opened.push(one);
    return { close: () => { one.closed = true; } };
  }, () => 1000);
  const tab = () => {
    const heard: ToTab[] = [];
    return { heard, post: (message: ToTab) => heard.push(message), numbers: () => heard.flatMap((one) => (one.say === "events" ? one.events.map((each) => each.seq) : [])) };
  };
  const tell = (...numbers: number[]) => { for (const seq of numbers) opened.at(-1)?.heard.event(event(seq)); };
  return { fanout, opened, tab, tell };
}

describe("one stream for all tabs", () => {
  it("tells every tab each event once, from where its list was read", () => {
    const { fanout, opened, tab, tell } = system();
    const one = tab();
    fanout.take(one, { say: "follow", after: 10, types: TYPES });
    tell(11, 12);
    const two = tab();
    fanout.take(two, { say: "follow", after: 11, types: TYPES });
    tell(13);
    expect(opened.length).toBe(1);
    expect(one.numbers()).toEqual([11, 12, 13]);
    expect(two.numbers()).toEqual([12, 13]);
  });

  it("does not double what the server sends again after a break", () => {
    const { fanout, tab, tell } = system();
    const one = tab();
    fanout.take(one, { say: "follow", after: 10, types: TYPES });
    tell(11, 12, 11, 12, 13);
    expect(one.numbers()).toEqual([11, 12, 13]);
  });

  it("leaves no gap for a tab whose list is newer than the stream", () => {
    const { fanout, opened, tab, tell } = system();
    const [one, two] = [tab(), tab()];
    fanout.take(one, { say: "follow", after: 10, types: TYPES });
    fanout.take(two, { say: "follow", after: 12, types: TYPES });
    tell(11, 12, 13);
    expect(opened.length).toBe(1);
    expect(one.numbers()).toEqual([11, 12, 13]);
    expect(two.numbers()).toEqual([13]);
  });

  it("goes back for a tab whose list is older than what is kept, without telling the others twice", () => {
    const { fanout, opened, tab, tell } = system();
    const [one, two] = [tab(), tab()];
    fanout.take(one, { say: "follow", after: 10, types: TYPES });
    tell(11);
    fanout.take(two, { say: "follow", after: 5, types: TYPES });
    expect(opened.map((each) => each.after)).toEqual([10, 5]);
    expect(opened[0]?.closed).toBe(true);
    tell(6, 7, 8, 9, 10, 11, 12);
    expect(one.numbers()).toEqual([11, 12]);
    expect(two.numbers()).toEqual([6, 7, 8, 9, 10, 11, 12]);
  });

  it("lets everybody read the list anew when the feed was set back", () => {
    const { fanout, opened, tab } = system();
    const one = tab();
    fanout.take(one, { say: "follow", after: 10, types: TYPES });
    opened[0]?.heard.reset();
    expect(one.heard.at(-1)).toEqual({ say: "reload", reset: true });
    fanout.take(one, { say: "follow", after: 3, types: TYPES });
    expect(opened.at(-1)?.after).toBe(3);
  });

  it("ends the stream with the last tab", () => {
    const { fanout, opened, tab } = system();
    const [one, two] = [tab(), tab()];
    fanout.take(one, { say: "follow", after: 1, types: TYPES });
    fanout.take(two, { say: "follow", after: 1, types: TYPES });
    fanout.take(one, { say: "leave" });
    expect(opened[0]?.closed).toBe(false);
    fanout.take(two, { say: "leave" });
    expect(opened[0]?.closed).toBe(true);
  });
});
