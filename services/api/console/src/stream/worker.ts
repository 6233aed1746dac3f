/// <reference lib="webworker" />
// The shared worker: one stream for every tab of the browser.
import { Fanout } from "./fanout";
import type { Port } from "./fanout";
import type { ToWorker } from "./protocol";
import { keepAsking, openSource } from "./source";

const fanout = new Fanout(openSource, () => Date.now());

(self as unknown as SharedWorkerGlobalScope).addEventListener("connect", (event) => {
  const own = event.ports[0];
  if (!own) return;
  const port: Port = { post: (message) => own.postMessage(message) };
  own.addEventListener("message", (message) => fanout.take(port, message.data as ToWorker));
  own.start();
});

keepAsking(() => fanout.fresh());
