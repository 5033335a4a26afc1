// POST /js/visits answers at once and does its work afterwards; GET tells how much has been done.
import { setTimeout as sleep } from "node:timers/promises";

let recorded = 0;

async function record() {
  await sleep(20); // a slow database, say
  recorded += 1;
}

export default {
  fetch(request, env, ctx) {
    if (request.method === "GET") return { recorded };
    ctx.waitUntil(record());
    return new Response(null, { status: 202 });
  },
};
