// A tab's end of the stream: the shared worker, or the same logic in the tab where there is none.
import { Fanout } from "./fanout";
import type { ToTab, ToWorker } from "./protocol";
import { keepAsking, openSource } from "./source";

export interface Following {
  follow: (after: number, types: readonly string[]) => void;
  close: () => void;
}

export function connect(take: (message: ToTab) => void): Following {
  return typeof SharedWorker === "undefined" ? alone(take) : shared(take);
}

function shared(take: (message: ToTab) => void): Following {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "roadwatch-stream" });
  const send = (message: ToWorker): void => worker.port.postMessage(message);
  worker.port.addEventListener("message", (message) => take(message.data as ToTab));
  worker.port.start();
  const leave = (): void => send({ say: "leave" });
  addEventListener("pagehide", leave);
  return {
    follow: (after, types) => send({ say: "follow", after, types }),
    close: () => {
      removeEventListener("pagehide", leave);
      leave();
    },
  };
}

function alone(take: (message: ToTab) => void): Following {
  const fanout = new Fanout(openSource, () => Date.now());
  const port = { post: take };
  const leave = keepAsking(() => fanout.fresh());
  return {
    follow: (after, types) => fanout.take(port, { say: "follow", after, types }),
    close: () => {
      leave();
      fanout.take(port, { say: "leave" });
    },
  };
}
