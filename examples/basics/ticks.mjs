// GET /js/ticks?count=5: server-sent events, one every 100 ms, until the client has gone.
import { setTimeout as sleep } from "node:timers/promises";

async function* ticks(count, signal) {
  for (let i = 1; i <= count; i++) {
    yield `id: ${i}\ndata: ${JSON.stringify({ tick: i })}\n\n`;
    if (i < count) await sleep(100, undefined, { signal });
  }
}

export default {
  fetch(request) {
    const count = Math.min(Number(new URL(request.url).searchParams.get("count") ?? 5), 1000);
    return new Response(ReadableStream.from(ticks(count, request.signal)), {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  },
};
