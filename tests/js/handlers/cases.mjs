// One case a path: GET /cases/{case} runs cases[case]. What each shows is in js_test.py.
import { AsyncLocalStorage } from "node:async_hooks";
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";

const storage = new AsyncLocalStorage();
const bytes = (text) => new TextEncoder().encode(text);
const kept = new Response("kept");
let last; // a request that is over
let stopped; // what the signal of the last request said
const started = await sleep(1, "after top-level await");

const cases = {
  // Answers.
  response: () => new Response("made", { status: 201, headers: { "x-a": "b", "set-cookie": "c=1" } }),
  string: () => "h\u00e9llo",
  object: () => ({ a: [1, "\u00e9"] }),
  array: () => [1, 2],
  bytes: () => bytes("bytes"),
  buffer: () => bytes("buffer").buffer,
  blob: () => new Blob(["blob"], { type: "text/x" }),
  stream: () => new Response(new ReadableStream({
    async start(controller) {
      for (let i = 0; i < 3; i++) {
        await sleep(5);
        controller.enqueue(bytes(`chunk ${i}\n`));
      }
      controller.close();
    },
  })),
  generator: async function* () {
    yield "one ";
    await sleep(2);
    yield bytes("two");
  },
  empty: () => new Response(null, { status: 204 }),
  redirect: (request) => Response.redirect(new URL("/there", request.url), 307),
  kept: () => kept,
  later: async () => {
    await sleep(5);
    return "later";
  },
  big: () => "x".repeat(3_000_000),
  // No answers.
  null: () => null,
  nothing: () => {},
  number: () => 42,
  map: () => new Map(),
  circular: () => {
    const one = {};
    one.one = one;
    return one;
  },
  used: async () => {
    const response = new Response("x");
    await response.text();
    return response;
  },
  injection: (request) => new Response("x", { headers: { "x-a": `a\r\nb: ${request.url}` } }),
  // Errors.
  throws: () => {
    throw new Error("thrown");
  },
  rejects: async () => {
    await sleep(2);
    throw new TypeError("rejected");
  },
  throwsString: () => {
    throw "a string";
  },
  throwsNull: () => Promise.reject(null),
  deep: () => {
    const again = () => again();
    return again();
  },
  streamFails: () => new Response(new ReadableStream({
    start(controller) {
      controller.enqueue(bytes("begun "));
      setTimeout(() => controller.error(new Error("halfway")), 5);
    },
  })),
  // What is done to the process.
  exit: () => process.exit(3),
  exitLater: async () => {
    await sleep(2);
    process.exit();
  },
  reallyExit: () => process.reallyExit(1),
  kill: () => process.kill(process.pid, "SIGKILL"),
  killGroup: () => process.kill(0, "SIGTERM"),
  abort: () => process.abort(),
  unhandled: async () => {
    Promise.reject(new Error("nobody awaits this"));
    await sleep(50);
    return "not reached in time";
  },
  uncaughtTimer: async () => {
    setTimeout(() => {
      throw new Error("in a timer");
    }, 1);
    await sleep(50);
    return "not reached in time";
  },
  uncaughtImmediate: async () => {
    setImmediate(() => {
      throw new Error("in an immediate");
    });
    await sleep(50);
    return "not reached in time";
  },
  uncaughtTick: async () => {
    process.nextTick(() => {
      throw new Error("in a tick");
    });
    await sleep(50);
    return "not reached in time";
  },
  afterwards: () => {
    setTimeout(() => {
      throw new Error("after the answer");
    }, 1);
    return "answered";
  },
  withoutListeners: async () => {
    process.removeAllListeners("uncaughtException");
    process.removeAllListeners("unhandledRejection");
    await sleep(1);
    return cases.unhandled();
  },
  // The request.
  echo: async (request) => new Response(await request.text(), {
    headers: { "x-type": request.headers.get("content-type") ?? "" },
  }),
  json: async (request) => ({ got: await request.json() }),
  form: async (request) => [...await request.formData()].map(([name, value]) =>
    [name, typeof value === "string" ? value : `${value.name} of ${value.size}`]),
  through: (request) => new Response(request.body),
  count: async (request) => {
    let all = 0;
    for await (const piece of request.body) all += piece.length;
    return String(all);
  },
  slowly: async (request) => {
    let all = 0;
    for await (const piece of request.body) {
      all += piece.length;
      await sleep(1);
    }
    return String(all);
  },
  about: (request) => ({
    method: request.method, url: request.url, headers: [...request.headers], params: request.params,
    query: [...request.query], deadline: request.duet.deadline, variant: request.duet.variant,
  }),
  remember: (request) => {
    last = request;
    return "remembered";
  },
  recall: (request, env, ctx) => {
    const said = {};
    for (const read of ["method", "url", "params", "query", "duet"]) {
      try {
        said[read] = String(last[read]);
      } catch (error) {
        said[read] = error.message;
      }
    }
    try {
      last.headers.get("host");
    } catch (error) {
      said.headers = error.message;
    }
    return last.text().catch((error) => ({ ...said, text: error.message }));
  },
  signal: (request) => new Promise((resolve) => {
    request.signal.addEventListener("abort", () => {
      stopped = `${request.signal.reason.name}: ${request.signal.reason.message}`;
      resolve("aborted");
    });
  }),
  stopped: () => ({ stopped }),
  endless: (request) => new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(65536)),
    cancel: () => {
      stopped = "the stream was cancelled";
    },
  }),
  never: () => new Promise(() => {}),
  // Node.
  env: (request, env) => env,
  started: () => started,
  storage: async () => storage.run({ id: 7 }, async () => {
    await sleep(2);
    await new Promise((resolve) => setImmediate(resolve));
    return { store: storage.getStore() };
  }),
  fetch: async (request) => {
    const response = await fetch(new URL("/cases/string", request.url));
    return { ok: response instanceof Response, headers: response.headers instanceof Headers,
      text: await response.text() };
  },
  proxy: (request) => fetch(new Request(new URL("/cases/echo", request.url), request)),
  clone: async (request) => {
    const copy = request.clone();
    return [await request.text(), await copy.text()];
  },
  worker: () => {
    const worker = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
    return new Promise((resolve) => worker.on("message", (value) => resolve({ value })));
  },
  child: () => new Promise((resolve) => execFile("echo", ["from a child"], (error, out) => resolve(out))),
  console: () => {
    console.log("said %s", "this", { a: 1 });
    console.warn("warned");
    console.error("line one\nline two");
    console.log("\n  set apart\n  by an empty line\n");
    return "ok";
  },
  wait: (request, env, ctx) => {
    ctx.waitUntil(sleep(20).then(() => console.log("waited for", request.method, request.url)));
    ctx.waitUntil(sleep(10).then(() => {
      throw new Error("in waitUntil");
    }));
    return "answered";
  },
  heap: () => {
    const all = [];
    for (;;) all.push(new Array(100_000).fill({}));
  },
};

export default {
  fetch(request, env, ctx) {
    const run = cases[request.params.case];
    return run === undefined ? new Response("no such case", { status: 404 }) : run(request, env, ctx);
  },
};
