// The twin of handlers.py.
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const kept = [];
let failures = 0;

export default async (request, env, ctx) => {
  const what = request.params.rest;
  if (what === "state") return { kept: kept.length, failures };
  if (what === "collect") { globalThis.gc?.(); return "collected"; }
  if (what === "await") { await sleep(5); return "awaited"; }
  if (what === "body") return `${(await request.text()).length}`;
  if (what === "stream") {
    let i = 0;
    return new Response(new ReadableStream({
      async pull(controller) {
        await sleep(1);
        if (i++ === 50) controller.close();
        else controller.enqueue(new TextEncoder().encode("x".repeat(1000)));
      },
    }));
  }
  if (what === "keep") { kept.push(request); return "kept"; }
  if (what === "use") {
    for (const request of kept) {
      for (const use of [() => request.headers.get("x-late"), () => request.text(),
        () => request.params, () => request.signal.aborted, () => request.query.get("a")]) {
        try { await use(); } catch (error) {
          if (!(error instanceof Error)) throw error;
          failures++;
        }
      }
    }
    return "used";
  }
  if (what === "after") {
    ctx.waitUntil(sleep(50).then(() => request.headers.get("x-a")));
    return "answered";
  }
  const garbage = [];
  for (let i = 0; i < 200; i++) garbage.push({ i, text: `${what}${i}`, bytes: new Uint8Array(100) });
  return `${garbage.length}`;
};
