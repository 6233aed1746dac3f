/// <reference lib="webworker" />
// The shared worker: one stream, asked every few seconds whether it still is one (a stream's comments are invisible to a page).
import { Fanout } from "./fanout";
import type { Port } from "./fanout";
import type { ToWorker } from "./protocol";
import { openSource } from "./source";

const CHECK_MS = 4000;

const fanout = new Fanout(openSource, () => Date.now());

(self as unknown as SharedWorkerGlobalScope).addEventListener("connect", (event) => {
  const own = event.ports[0];
  if (!own) return;
  const port: Port = { post: (message) => own.postMessage(message) };
  own.addEventListener("message", (message) => fanout.take(port, message.data as ToWorker));
  own.start();
});

setInterval(async () => {
  try {
    if ((await fetch("/readyz")).ok) fanout.fresh();
  } catch {
    // what is not fresh says so by its age
  }
}, CHECK_MS);
