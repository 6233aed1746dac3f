// One stream for all tabs of a browser: HTTP/1.1 allows six connections to a host, and six tabs would use them up.
// Plain logic around an EventSource; the worker (worker.ts) or, without shared workers, the tab itself runs it.
import type { LinkState, ToTab, ToWorker, Told } from "./protocol";

export interface Port {
  post: (message: ToTab) => void;
}

export interface Source {
  close: () => void;
}

export interface Heard {
  event: (event: Told) => void;
  link: (link: LinkState) => void;
  reset: () => void;
}

export type Open = (after: number, types: readonly string[], heard: Heard) => Source;

/** Events kept for tabs that open later, so that they need not read the list twice. */
const KEPT = 20_000;

export class Fanout {
  private ports = new Map<Port, number>(); // the last number each tab has had
  private kept: Told[] = [];
  private position = -1; // -1: nothing is followed yet
  private source: Source | null = null;
  private link: LinkState = "connecting";
  private freshMs = 0;

  constructor(private readonly open: Open, private readonly nowMs: () => number) {}

  take(port: Port, message: ToWorker): void {
    if (message.say === "leave") this.leave(port);
    else this.follow(port, message.after, message.types);
  }

  fresh(): void {
    if (this.link !== "live") return;
    this.freshMs = this.nowMs();
    this.tellLink();
  }

  private follow(port: Port, after: number, types: readonly string[]): void {
    const first = this.kept[0]?.seq ?? this.position + 1;
    // also where a tab comes with an older list than what is kept: everybody else skips what he has had
    if (!this.source || this.link === "out" || after + 1 < first) this.restart(after, types);
    this.ports.set(port, after);
    const missed = this.kept.filter((event) => event.seq > after);
    if (missed.length > 0) {
      port.post({ say: "events", events: missed });
      this.ports.set(port, missed.at(-1)?.seq ?? after);
    }
    port.post({ say: "link", link: this.link, freshMs: this.freshMs });
  }

  private restart(after: number, types: readonly string[]): void {
    this.source?.close();
    this.kept = [];
    this.position = after;
    this.link = "connecting";
    this.source = this.open(after, types, {
      event: (event) => this.heard(event),
      link: (link) => this.linked(link),
      reset: () => this.reset(),
    });
  }

  private heard(event: Told): void {
    if (event.seq <= this.position) return; // sent again after a break
    this.position = event.seq;
    this.freshMs = this.nowMs();
    this.kept.push(event);
    if (this.kept.length > KEPT) this.kept.splice(0, this.kept.length - KEPT / 2);
    for (const [port, had] of this.ports) {
      if (event.seq <= had) continue;
      this.ports.set(port, event.seq);
      port.post({ say: "events", events: [event] });
    }
  }

  private linked(link: LinkState): void {
    this.link = link;
    if (link === "live") this.freshMs = this.nowMs();
    this.tellLink();
  }

  private tellLink(): void {
    for (const port of this.ports.keys()) port.post({ say: "link", link: this.link, freshMs: this.freshMs });
  }

  private reset(): void {
    this.source?.close();
    this.source = null;
    this.kept = [];
    this.position = -1;
    for (const port of this.ports.keys()) port.post({ say: "reload", reset: true });
    this.ports.clear();
  }

  private leave(port: Port): void {
    this.ports.delete(port);
    if (this.ports.size > 0) return;
    this.source?.close();
    this.source = null;
    this.kept = [];
    this.position = -1;
  }
}
