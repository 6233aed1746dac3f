// The api's event stream as an EventSource; its own resumption is exact, and where it gives up we begin again from where we were.
import type { Heard, Open, Source } from "./fanout";
import type { Told } from "./protocol";

const CHECK_MS = 4000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

export const openSource: Open = (after, types, heard) => new Following(after, types, heard);

/** Ask every few seconds whether the server is there: a stream's own comments are invisible to a page. Gives what ends it. */
export function keepAsking(there: () => void): () => void {
  const timer = setInterval(() => {
    fetch("/readyz").then((answer) => answer.ok && there(), () => undefined); // what is not fresh says so by its age
  }, CHECK_MS);
  return () => clearInterval(timer);
}

class Following implements Source {
  private source: EventSource | null = null;
  private pauseMs = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(private after: number, private readonly types: readonly string[], private readonly heard: Heard) {
    this.connect();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.source?.close();
  }

  private connect(): void {
    const source = (this.source = new EventSource(`/v1/alerts/stream?after=${this.after}`));
    source.addEventListener("open", () => {
      this.pauseMs = FIRST_PAUSE_MS;
      this.heard.link("live");
    });
    source.addEventListener("error", () => {
      if (this.closed) return;
      this.heard.link("away");
      if (source.readyState === EventSource.CLOSED) this.later();
    });
    source.addEventListener("reset", () => this.heard.reset());
    for (const type of this.types) {
      source.addEventListener(type, (message) => {
        const event = JSON.parse((message as MessageEvent<string>).data) as Told;
        this.after = event.seq;
        this.heard.event(event);
      });
    }
  }

  private async later(): Promise<void> {
    this.source?.close();
    if (await signedOut()) {
      this.heard.link("out");
      return;
    }
    this.timer = setTimeout(() => this.connect(), this.pauseMs * (0.5 + Math.random() / 2));
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
  }
}

async function signedOut(): Promise<boolean> {
  try {
    return (await fetch("/v1/me")).status === 401;
  } catch {
    return false;
  }
}
