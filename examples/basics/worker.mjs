// GET /js/primes?below=100000: work that keeps a processor busy, in a worker thread of its own.
//
// On the loop every other request would wait for it.
import { Worker, isMainThread, parentPort } from "node:worker_threads";

function primes(below) {
  const sieve = new Uint8Array(below).fill(1);
  sieve[0] = sieve[1] = 0;
  for (let n = 2; n * n < below; n++) {
    if (sieve[n]) for (let i = n * n; i < below; i += n) sieve[i] = 0;
  }
  return sieve.reduce((sum, one) => sum + one, 0);
}

const waiting = new Map();
let worker, next = 0;
if (isMainThread) {
  worker = new Worker(new URL(import.meta.url));
  worker.unref(); // it keeps nothing alive
  worker.on("message", ({ id, count }) => {
    waiting.get(id)(count);
    waiting.delete(id);
  });
} else {
  parentPort.on("message", ({ id, below }) => parentPort.postMessage({ id, count: primes(below) }));
}

export default {
  async fetch(request) {
    const below = Number(new URL(request.url).searchParams.get("below") ?? 100000);
    if (!Number.isInteger(below) || below < 2 || below > 10_000_000) {
      return Response.json({ error: "below is between 2 and 10000000" }, { status: 400 });
    }
    const id = next++;
    const count = await new Promise((resolve) => {
      waiting.set(id, resolve);
      worker.postMessage({ id, below });
    });
    return { below, primes: count };
  },
};
