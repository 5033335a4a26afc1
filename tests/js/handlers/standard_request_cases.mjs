// The cases of standard_cases.mjs on Request: as user code makes it, and as a handler is given it.

export const READS = ["text", "json", "bytes", "arrayBuffer", "blob"];

/** Adds the cases of requests that user code makes. */
export function addRequestCases(add, stream) {
  const text = new TextEncoder();
  for (const [what, make] of Object.entries({
    "a URL": () => ["http://x/a?b#c"],
    "a URL object": () => [new URL("http://x/")],
    nothing: () => [],
    "no URL": () => ["nonsense"],
    credentials: () => ["http://u:p@x/"],
    "a method": () => ["http://x/", { method: "post" }],
    "a custom method": () => ["http://x/", { method: "chicken" }],
    "a forbidden method": () => ["http://x/", { method: "TRACE" }],
    "a bad method": () => ["http://x/", { method: "a b" }],
    "a body with GET": () => ["http://x/", { body: "x" }],
    "a body": () => ["http://x/", { method: "POST", body: "x" }],
    "a stream without duplex": () => ["http://x/", { method: "POST", body: stream(text.encode("x")) }],
    "a stream": () => ["http://x/", { method: "POST", body: stream(text.encode("x")), duplex: "half" }],
    headers: () => ["http://x/", { headers: { A: "1", host: "y" } }],
    "bad headers": () => ["http://x/", { headers: { "a b": "1" } }],
    mode: () => ["http://x/", { mode: "no-cors" }],
    "a bad mode": () => ["http://x/", { mode: "navigate" }],
    cache: () => ["http://x/", { cache: "no-store" }],
    "a bad cache": () => ["http://x/", { cache: "x" }],
    redirect: () => ["http://x/", { redirect: "manual" }],
    referrer: () => ["http://x/", { referrer: "http://y/", referrerPolicy: "origin" }],
    integrity: () => ["http://x/", { integrity: "sha256-x", keepalive: true, credentials: "omit" }],
    window: () => ["http://x/", { window: 1 }],
    signal: () => ["http://x/", { signal: AbortSignal.abort(new RangeError("x")) }],
    "a bad signal": () => ["http://x/", { signal: {} }],
  })) {
    add(`new Request(${what})`, (k) => describeRequest(new k.Request(...make())));
    add(`new Request(new Request(${what}))`, (k) => describeRequest(new k.Request(new k.Request(...make()))));
    add(`new Request(${what}).clone()`, (k) => describeRequest(new k.Request(...make()).clone()));
    for (const read of READS) {
      add(`new Request(${what}).${read}()`, async (k) => {
        const request = new k.Request(...make());
        return [await request[read](), request.bodyUsed];
      });
    }
  }
  add("new Request(): the body moves", async (k) => {
    const first = new k.Request("http://x/", { method: "POST", body: "moved" });
    const second = new k.Request(first);
    return [first.bodyUsed, second.bodyUsed, await second.text()];
  });
  add("new Request(): a used body", async (k) => {
    const first = new k.Request("http://x/", { method: "POST", body: "x" });
    await first.text();
    return new k.Request(first).method;
  });
  add("new Request(): a used body, replaced", async (k) => {
    const first = new k.Request("http://x/", { method: "POST", body: "x" });
    await first.text();
    return new k.Request(first, { body: "y" }).text();
  });
}

export function describeRequest(request) {
  return {
    method: request.method, url: request.url, headers: [...request.headers], mode: request.mode,
    destination: request.destination, referrer: request.referrer, referrerPolicy: request.referrerPolicy,
    credentials: request.credentials, cache: request.cache, redirect: request.redirect,
    integrity: request.integrity, keepalive: request.keepalive,
    isReloadNavigation: request.isReloadNavigation, isHistoryNavigation: request.isHistoryNavigation,
    duplex: request.duplex, bodyUsed: request.bodyUsed, body: request.body === null,
    aborted: request.signal.aborted, signal: request.signal instanceof AbortSignal,
    tag: Object.prototype.toString.call(request),
  };
}

// --- the request that a handler is given: `given()` is one with that method, headers and body ---

export const GIVEN = {
  method: "POST", headers: { "X-One": "1", "Content-Type": "application/json" }, body: '{"given":"\u00e9"}',
};
export const givenCases = [
  ["members", (request) => {
    const described = describeRequest(request);
    delete described.headers;
    delete described.url;
    return described;
  }],
  ["headers", (request) => ["x-one", "X-ONE", "content-type", "absent"].map((name) => [request.headers.get(name), request.headers.has(name)])],
  ["headers.get()", (request) => request.headers.get()],
  ["headers.get(bad name)", (request) => request.headers.get("a b")],
  ["headers is one object", (request) => request.headers === request.headers],
  ["url is absolute", (request) => new URL(request.url).protocol],
  ["url cannot be replaced", (request) => { "use strict"; request.url = "x"; }],
  ...READS.map((read) => [read, async (request) => [await request[read](), request.bodyUsed]]),
  ["reading twice", async (request) => { await request.text(); return request.text(); }],
  ["bodyUsed while reading", (request) => { const p = request.text(); return [request.bodyUsed, p.then((t) => t.length)]; }],
  ["body", async (request) => {
    const { body } = request;
    let all = "";
    const decoder = new TextDecoder();
    for await (const chunk of body) all += decoder.decode(chunk, { stream: true });
    return [body === request.body, body instanceof ReadableStream, all, request.bodyUsed];
  }],
  ["body, a byte reader", async (request) => {
    const reader = request.body.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(5));
    return [...value];
  }],
  ["reading what is locked", (request) => { request.body.getReader(); return request.text(); }],
  ["reading what was cancelled", async (request) => { await request.body.cancel(); return [request.bodyUsed, await request.text()]; }],
  ["clone", async (request) => {
    const copy = request.clone();
    return [await request.text(), await copy.text(), copy.method, copy.headers.get("x-one")];
  }],
  ["clone after reading", async (request) => { await request.text(); return request.clone(); }],
  ["new Request of it", async (request, k) => {
    const second = new k.Request(request);
    return [second.method, second.headers.get("x-one"), request.bodyUsed, await second.text()];
  }],
  ["new Request of it with another body", async (request, k) => {
    const second = new k.Request(request, { body: "other", headers: { y: "z" } });
    return [request.bodyUsed, await second.text(), second.headers.get("x-one"), second.headers.get("y")];
  }],
  ["formData", (request) => request.formData()],
  ["instanceof", (request, k) => [request instanceof k.Request, request.headers instanceof k.Headers]],
  ["no enumerable state", (request) => Object.keys(request)],
  ["new Response of its body", (request, k) => new k.Response(request.body).text()],
];
