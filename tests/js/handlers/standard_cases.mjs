// What the Fetch standard promises of Headers, Response and Request, as cases that run alike on Node's
// own classes and on duet's: every public member, every reading of a body, every error.
//
// A case is [name, function (classes) → value]. Values are compared after normalise(); errors by class.

import { outcome } from "./standard_compare.mjs";
import { addRequestCases, READS } from "./standard_request_cases.mjs";

export { outcome } from "./standard_compare.mjs";
export { GIVEN, givenCases } from "./standard_request_cases.mjs";

const text = new TextEncoder();
const cases = [];

const names = new Set();

function add(name, run) {
  if (names.has(name)) throw new Error(`two cases are called ${name}`);
  names.add(name);
  cases.push([name, run]);
}

const stream = (...chunks) => new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(chunk);
    controller.close();
  },
});

// --- the shape of each interface ---

const INTERFACES = ["Headers", "Response", "Request"];

for (const name of INTERFACES) {
  add(`${name}: name, length, tag`, (k) => [
    k[name].name, k[name].length, Object.prototype.toString.call(k[name].prototype),
    Object.getOwnPropertyDescriptor(k[name], "prototype").writable,
  ]);
  add(`${name}: without new`, (k) => k[name]("http://x/"));
  add(`${name}: is a class to extend`, (k) => {
    class Mine extends k[name] {}
    const mine = new Mine("http://x/" === undefined ? undefined : argumentFor(name));
    return [mine instanceof k[name], mine instanceof Mine, mine.constructor === Mine];
  });
}

function argumentFor(name) {
  return name === "Headers" ? undefined : "http://x/";
}

const MEMBERS = {
  Headers: ["append", "delete", "get", "has", "set", "getSetCookie", "forEach", "keys", "values",
    "entries", Symbol.iterator],
  Response: ["type", "url", "redirected", "status", "ok", "statusText", "headers", "body", "bodyUsed",
    "clone", "blob", "arrayBuffer", "bytes", "text", "json", "formData"],
  Request: ["method", "url", "headers", "destination", "referrer", "referrerPolicy", "mode",
    "credentials", "cache", "redirect", "integrity", "keepalive", "isReloadNavigation",
    "isHistoryNavigation", "signal", "duplex", "body", "bodyUsed", "clone", "blob", "arrayBuffer",
    "bytes", "text", "json", "formData"],
};

for (const [name, members] of Object.entries(MEMBERS)) {
  add(`${name}: public members`, (k) => {
    const found = Object.getOwnPropertyNames(k[name].prototype);
    return members.filter((member) => typeof member === "string" && !found.includes(member));
  });
  for (const member of members) {
    const label = String(member);
    add(`${name}.${label}: descriptor`, (k) => {
      const found = Object.getOwnPropertyDescriptor(k[name].prototype, member);
      return [typeof found.value, typeof found.get, typeof found.set, found.enumerable,
        found.configurable, found.writable, (found.value ?? found.get).length];
    });
    for (const [what, receiver] of [["an object", {}], ["the prototype", null], ["undefined", undefined]]) {
      add(`${name}.${label}: on ${what}`, (k) => {
        const found = Object.getOwnPropertyDescriptor(k[name].prototype, member);
        return (found.value ?? found.get).call(receiver === null ? k[name].prototype : receiver,
                                               "a", "b");
      });
    }
  }
}
for (const name of ["error", "json", "redirect"]) {
  add(`static Response.${name}: descriptor`, (k) => {
    const found = Object.getOwnPropertyDescriptor(k.Response, name);
    return [found.enumerable, found.configurable, found.writable, found.value.length];
  });
}

// --- Headers ---

const INITS = {
  nothing: () => undefined,
  null: () => null,
  "a number": () => 1,
  "a string": () => "ab",
  true: () => true,
  "a symbol": () => Symbol("s"),
  "a function": () => Object.assign(() => {}, { "x-a": "1" }),
  "an empty object": () => ({}),
  "a record": () => ({ B: "2", a: "1", "X-C": "3" }),
  "a record with numbers": () => ({ a: 1, b: null, c: undefined, d: true, e: 1.5 }),
  "a record with a symbol value": () => ({ a: Symbol("s") }),
  "a record with an object value": () => ({ a: { toString: () => "made" } }),
  "a record that throws": () => ({ get a() { throw new RangeError("mine"); } }),
  "a record with a bad name": () => ({ "a b": "1" }),
  "a record with an empty name": () => ({ "": "1" }),
  "a record with a bad value": () => ({ a: "1\r\n2" }),
  "a record with NUL": () => ({ a: "1\0" }),
  "a record beyond Latin-1": () => ({ a: "\u0100" }),
  "a record name beyond Latin-1": () => ({ "\u0100": "a" }),
  "a record in Latin-1": () => ({ a: "\u00e9" }),
  "a record with spaces around": () => ({ a: " \t1 2\r\n " }),
  "a record with an empty value": () => ({ a: "" }),
  "a null-prototype record": () => Object.assign(Object.create(null), { a: "1" }),
  "an instance": () => new (class { a = "1"; get b() { return "2"; } })(),
  "inherited properties": () => Object.create({ a: "1" }, { b: { value: "2", enumerable: true }, c: { value: "3" } }),
  "a proxy": () => new Proxy({ a: "1" }, {}),
  "an empty array": () => [],
  "pairs": () => [["a", "1"], ["B", "2"], ["a", "3"]],
  "pairs with numbers": () => [["a", 1], [2, "b"]],
  "a short pair": () => [["a"]],
  "a long pair": () => [["a", "1", "2"]],
  "a pair that is a string": () => ["ab"],
  "a pair that is a number": () => [1],
  "a pair that is null": () => [null],
  "a pair that is a Set": () => [new Set(["a", "1"])],
  "a pair with a bad name": () => [["a b", "1"]],
  "a Map": () => new Map([["a", "1"]]),
  "a Set of pairs": () => new Set([["a", "1"]]),
  "a generator": () => (function* () { yield ["a", "1"]; })(),
  "an iterator that is no function": () => ({ [Symbol.iterator]: 1 }),
  "URLSearchParams": () => new URLSearchParams("a=1&b=2&a=3"),
  "FormData": () => { const form = new FormData(); form.append("a", "1"); return form; },
  "cookies": () => [["set-cookie", "a=1"], ["Set-Cookie", "b=2"], ["x", "y"]],
  "a cookie header twice": () => [["cookie", "a=1"], ["cookie", "b=2"]],
};
for (const [what, make] of Object.entries(INITS)) {
  add(`new Headers(${what})`, (k) => [...new k.Headers(make())]);
  add(`new Response(headers: ${what})`, (k) => [...new k.Response(null, { headers: make() }).headers]);
}
add("new Headers() of Headers", (k) => {
  const first = new k.Headers([["a", "1"], ["a", "2"], ["set-cookie", "x"], ["set-cookie", "y"]]);
  const second = new k.Headers(first);
  first.set("a", "3");
  return [[...second], second.getSetCookie()];
});
add("new Headers() of Headers with another iterator", (k) => {
  const first = new k.Headers({ a: "1" });
  first[Symbol.iterator] = function* () { yield ["b", "2"]; };
  return [...new k.Headers(first)];
});
add("new Headers(), undefined explicitly", (k) => [...new k.Headers(undefined)]);

const NAMES = ["a", "A", "x-a", "", " ", "a ", "a b", "a:b", "a\n", "a\0", "\u00e9", "\u0100", "(", "`", "!#$%&'*+-.^_`|~09aZ",
  "content-type", "host", "cookie", "set-cookie", "Transfer-Encoding", "__proto__", "constructor"];
const VALUES = ["", "1", " 1", "1 ", "\t1\t", "1\n", "\r\n1", "1\r2", "1\n2", "1\0", "\u00e9", "\u00ff", "\u0100",
  "\ud800", "1\x01", "1\x7f", "  ", 1, null, undefined, {}, true, 1n];
for (const method of ["append", "set"]) {
  for (const name of NAMES) {
    add(`Headers.${method}(${JSON.stringify(name)}, "v")`, (k) => {
      const headers = new k.Headers({ a: "0" });
      const returned = headers[method](name, "v");
      return [returned, [...headers]];
    });
  }
  for (const value of VALUES) {
    add(`Headers.${method}("n", ${typeof value} ${String(value).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0)}`)})`, (k) => {
      const headers = new k.Headers();
      headers[method]("n", value);
      return [...headers];
    });
  }
  add(`Headers.${method}("n", symbol)`, (k) => new k.Headers()[method]("n", Symbol("x")));
  add(`Headers.${method}(symbol, "v")`, (k) => new k.Headers()[method](Symbol("x"), "v"));
  add(`Headers.${method}()`, (k) => new k.Headers()[method]());
  add(`Headers.${method}("a")`, (k) => new k.Headers()[method]("a"));
  add(`Headers.${method} keeps the order of conversion`, (k) => {
    const seen = [];
    const say = (what) => ({ toString() { seen.push(what); return what; } });
    new k.Headers()[method](say("n"), say("v"));
    return seen;
  });
}
for (const method of ["get", "has", "delete"]) {
  for (const name of [...NAMES, 1, null, undefined, {}]) {
    add(`Headers.${method}(${typeof name} ${JSON.stringify(name)})`, (k) => {
      const headers = new k.Headers([["a", "1"], ["a", "2"], ["1", "one"], ["null", "n"], ["set-cookie", "c"],
        ["set-cookie", "d"], ["cookie", "x=1"], ["cookie", "y=2"]]);
      return [headers[method](name), [...headers]];
    });
  }
  add(`Headers.${method}()`, (k) => new k.Headers()[method]());
  add(`Headers.${method}(symbol)`, (k) => new k.Headers()[method](Symbol("x")));
}
add("Headers.set replaces all", (k) => {
  const headers = new k.Headers([["a", "1"], ["b", "2"], ["A", "3"], ["c", "4"], ["a", "5"]]);
  headers.set("a", "9");
  return [...headers];
});
add("Headers.getSetCookie", (k) => {
  const headers = new k.Headers([["Set-Cookie", "a=1"], ["x", "1"]]);
  headers.append("set-cookie", " b=2 ");
  const list = headers.getSetCookie();
  list.push("mine");
  return [headers.getSetCookie(), headers.get("set-cookie"), [...headers]];
});
add("Headers.forEach", (k) => {
  const headers = new k.Headers({ b: "2", a: "1" });
  const seen = [];
  const self = {};
  const returned = headers.forEach(function (value, name, all) {
    seen.push([value, name, all === headers, this === self]);
  }, self);
  return [seen, returned];
});
for (const [what, callback] of [["nothing"], ["null", null], ["an object", {}], ["a string", "x"]]) {
  add(`Headers.forEach(${what})`, (k) => (callback === undefined ? new k.Headers({ a: "1" }).forEach()
    : new k.Headers({ a: "1" }).forEach(callback)));
}
add("Headers.forEach with an error", (k) => new k.Headers({ a: "1" }).forEach(() => { throw new RangeError("x"); }));
add("Headers iteration is sorted, lower case, combined", (k) => [...new k.Headers([["Z", "1"], ["a", "2"], ["z", "3"], ["B", "4"]])]);
add("Headers.keys, values, entries", (k) => {
  const headers = new k.Headers({ b: "2", a: "1" });
  return [[...headers.keys()], [...headers.values()], [...headers.entries()]];
});
add("Headers iterator: tag and prototype", (k) => {
  const iterator = new k.Headers().entries();
  const prototype = Object.getPrototypeOf(iterator);
  return [Object.prototype.toString.call(iterator), Object.getOwnPropertyNames(prototype),
    typeof iterator[Symbol.iterator], iterator[Symbol.iterator]() === iterator,
    Object.getPrototypeOf(prototype) === Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))];
});
add("Headers iterator: next on another object", (k) => Object.getPrototypeOf(new k.Headers().entries()).next.call({}));
add("Headers iterator: next after the end", (k) => {
  const iterator = new k.Headers({ a: "1" }).keys();
  return [iterator.next(), iterator.next(), iterator.next()];
});
add("Headers iterator sees changes: append", (k) => {
  const headers = new k.Headers({ a: "1", b: "2" });
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    if (name === "a") headers.append("c", "3");
  }
  return seen;
});
add("Headers iterator sees changes: delete", (k) => {
  const headers = new k.Headers({ a: "1", b: "2", c: "3" });
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    headers.delete(name);
  }
  return seen;
});
add("Headers[Symbol.iterator] is entries", (k) => k.Headers.prototype[Symbol.iterator] === k.Headers.prototype.entries);
add("Headers has no enumerable state", (k) => [Object.keys(new k.Headers({ a: "1" })), JSON.stringify(new k.Headers({ a: "1" }))]);

// --- Response ---

const BODIES = {
  nothing: () => undefined,
  null: () => null,
  "an empty string": () => "",
  "a string": () => "h\u00e9llo \u20ac \ud83d\ude00",
  "a lone surrogate": () => "a\ud800b",
  "JSON": () => '{"a":[1,null]}',
  "a number": () => 12,
  false: () => false,
  "an object": () => ({ a: 1 }),
  "an object with toString": () => ({ toString: () => "mine" }),
  "an array": () => [1, 2],
  "a symbol": () => Symbol("s"),
  "a bigint": () => 5n,
  "a function": () => function f() {},
  "a String object": () => new String("boxed"),
  "Uint8Array": () => text.encode("bytes"),
  "an empty Uint8Array": () => new Uint8Array(0),
  "bytes with a mark": () => new Uint8Array([0xef, 0xbb, 0xbf, 0x61]),
  "malformed UTF-8": () => new Uint8Array([0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82]),
  "a part of a buffer": () => new Uint8Array(text.encode("abcdef").buffer, 2, 3),
  "Uint16Array": () => new Uint16Array([0x6161, 0x6262]),
  "DataView": () => new DataView(text.encode("view").buffer, 1),
  "ArrayBuffer": () => text.encode("buffer").buffer,
  "Buffer": () => Buffer.from("node buffer"),
  "Blob": () => new Blob(["blob"]),
  "Blob with type": () => new Blob(["blob"], { type: "Text/Plain" }),
  "File": () => new File(["file"], "f.txt", { type: "text/x" }),
  "URLSearchParams": () => new URLSearchParams({ a: "1 2", b: "\u00e9" }),
  "a stream": () => stream(text.encode("one "), text.encode("two")),
  "an empty stream": () => stream(),
  "a stream of strings": () => stream("text"),
  "a stream of null": () => stream(null),
  "a stream that fails": () => new ReadableStream({ start(c) { c.error(new RangeError("mine")); } }),
  "a locked stream": () => { const s = stream(text.encode("x")); s.getReader(); return s; },
  "an async generator": () => (async function* () { yield text.encode("gen"); })(),
};

for (const [what, make] of Object.entries(BODIES)) {
  add(`new Response(${what})`, (k) => {
    const response = new k.Response(make());
    return [response.status, response.statusText, response.ok, response.type, response.url, response.redirected,
      [...response.headers], response.bodyUsed, response.body === null];
  });
  add(`new Response(${what}, { content-type })`, (k) => [...new k.Response(make(), { headers: { "Content-Type": "x/y" } }).headers]);
  for (const read of READS) {
    add(`new Response(${what}).${read}()`, async (k) => {
      const response = new k.Response(make());
      const value = await response[read]();
      return [value, response.bodyUsed];
    });
  }
  add(`new Response(${what}): reading twice`, async (k) => {
    const response = new k.Response(make());
    await response.text();
    return response.text();
  });
  add(`new Response(${what}): bodyUsed while reading`, async (k) => {
    const response = new k.Response(make());
    const promise = response.text().catch(() => {});
    const used = response.bodyUsed;
    await promise;
    return used;
  });
  add(`new Response(${what}).clone()`, async (k) => {
    const response = new k.Response(make(), { status: 201, statusText: "Made", headers: { a: "1" } });
    const copy = response.clone();
    copy.headers.set("b", "2");
    return [copy.status, copy.statusText, [...response.headers], [...copy.headers], await response.text(), await copy.text()];
  });
  add(`new Response(${what}).clone() after reading`, async (k) => {
    const response = new k.Response(make());
    await response.text();
    return response.clone().status;
  });
  add(`new Response(${what}).body`, async (k) => {
    const response = new k.Response(make());
    const { body } = response;
    if (body === null) return null;
    const same = body === response.body && body instanceof ReadableStream;
    const locked = body.locked;
    let all = "";
    const decoder = new TextDecoder();
    for await (const chunk of body) all += decoder.decode(chunk, { stream: true });
    return [same, locked, all, response.bodyUsed];
  });
  add(`new Response(${what}).body, a byte reader`, async (k) => {
    const { body } = new k.Response(make());
    if (body === null) return null;
    const reader = body.getReader({ mode: "byob" });
    const { value, done } = await reader.read(new Uint8Array(100));
    return [value === undefined ? undefined : [...value], done];
  });
  add(`new Response(${what}): reading what is locked`, async (k) => {
    const response = new k.Response(make());
    if (response.body === null) return null;
    response.body.getReader();
    return [response.bodyUsed, await response.text()];
  });
  add(`new Response(${what}): reading what was cancelled`, async (k) => {
    const response = new k.Response(make());
    if (response.body === null) return null;
    await response.body.cancel();
    return [response.bodyUsed, await response.text()];
  });
}
add("new Response() copies bytes", async (k) => {
  const bytes = text.encode("before");
  const response = new k.Response(bytes);
  bytes.fill(65);
  return response.text();
});
add("new Response() with another Response's body", async (k) => new k.Response(new k.Response("inner").body).text());
add("new Response(undefined, {})", (k) => [...new k.Response(undefined, {}).headers]);

const STATUSES = [undefined, null, 0, 99, 100, 101, 103, 199, 200, 201, 204, 205, 304, 299, 300, 404, 500, 599, 600,
  999, -200, 200.9, "201", "abc", NaN, Infinity, 65736, {}, [202], true, 1n];
for (const status of STATUSES) {
  for (const body of [null, "x"]) {
    add(`new Response(${body}, { status: ${typeof status} ${String(status)} })`, (k) => {
      const response = new k.Response(body, { status });
      return [response.status, response.ok, [...response.headers]];
    });
  }
  add(`Response.json(1, { status: ${typeof status} ${String(status)} })`, (k) => k.Response.json(1, { status }).status);
  add(`Response.redirect("http://x/", ${typeof status} ${String(status)})`, (k) => k.Response.redirect("http://x/", status).status);
}
for (const statusText of ["", "OK", "a b\tc", "\u00e9", "\u0100", "a\r\nb", "a\0", "\x7f", 1, null, undefined, {}]) {
  add(`new Response(statusText: ${typeof statusText} ${JSON.stringify(statusText)})`, (k) => new k.Response("", { statusText }).statusText);
}
for (const [what, init] of [["null", null], ["a number", 1], ["a string", "x"], ["true", true], ["a function", () => {}], ["an array", []]]) {
  add(`new Response("", ${what})`, (k) => new k.Response("", init).status);
  add(`Response.json(1, ${what})`, (k) => k.Response.json(1, init).status);
}
add("new Response() takes a Response as init", (k) => {
  const first = new k.Response("a", { status: 418, statusText: "Tea", headers: { a: "1" } });
  const second = new k.Response("b", first);
  return [second.status, second.statusText, [...second.headers]];
});
add("new Response(): order of what is read from init", (k) => {
  const seen = [];
  new k.Response("x", new Proxy({}, { get(_, name) { seen.push(String(name)); return undefined; } }));
  return seen.sort();
});
add("Response.headers is one object", (k) => { const r = new k.Response("x"); return r.headers === r.headers; });
add("Response.headers can be changed", (k) => {
  const response = new k.Response("x");
  response.headers.set("content-type", "a/b");
  response.headers.append("x", "y");
  return [...response.headers];
});
add("Response.headers cannot be replaced", (k) => { "use strict"; const r = new k.Response("x"); r.headers = 1; });
add("Response.error()", (k) => {
  const response = k.Response.error();
  return [response.type, response.status, response.ok, response.statusText, [...response.headers], response.body];
});
add("Response.error().headers", (k) => k.Response.error().headers.set("a", "1"));
for (const [what, data] of Object.entries({
  null: null, undefined, number: 1.5, string: "a\u20ac", array: [1, [2]], object: { a: { b: 1 } }, true: true,
  function: () => {}, symbol: Symbol("s"), bigint: 1n, date: new Date(0), NaN, "toJSON": { toJSON: () => 7 },
})) {
  add(`Response.json(${what})`, async (k) => {
    const response = k.Response.json(data);
    return [response.status, [...response.headers], await response.text()];
  });
}
add("Response.json(): circular", (k) => { const a = {}; a.a = a; return k.Response.json(a); });
add("Response.json(): no argument", (k) => k.Response.json());
add("Response.json(): its own type", async (k) => {
  const response = k.Response.json({}, { status: 201, statusText: "M", headers: { "content-type": "a/b", x: "y" } });
  return [response.status, response.statusText, [...response.headers]];
});
for (const url of ["http://x/", "http://x/a b", "/relative", "relative", "", "http://", "javascript:1", "http://x/\u00e9", 1, null, undefined, {},
  new URL("http://y/z")]) {
  add(`Response.redirect(${typeof url} ${String(url)})`, (k) => {
    const response = k.Response.redirect(url);
    return [response.status, [...response.headers], response.body, response.type, response.redirected];
  });
}
add("Response.redirect(): no argument", (k) => k.Response.redirect());
add("Response.redirect().headers", (k) => k.Response.redirect("http://x/").headers.set("a", "1"));
add("Response.redirect(symbol)", (k) => k.Response.redirect(Symbol("x")));
add("Response.blob(): type from the header", async (k) => [
  (await new k.Response("x", { headers: { "content-type": "Text/HTML; Charset=UTF-8" } }).blob()).type,
  (await new k.Response("x", { headers: { "content-type": "nonsense" } }).blob()).type,
  (await new k.Response("x").blob()).type,
  (await new k.Response(new Uint8Array(1)).blob()).type,
]);
add("Response.json() of what is no JSON", (k) => new k.Response("{").json());
add("Response.json() of nothing", (k) => new k.Response().json());
add("Response.formData(): urlencoded", async (k) => [...await new k.Response(new URLSearchParams("a=1&b=%C3%A9")).formData()]);
add("Response.formData(): multipart", async (k) => {
  const form = new FormData();
  form.append("a", "1");
  form.append("f", new File(["content"], "name.txt", { type: "text/plain" }));
  const back = await new k.Response(form).formData();
  const file = back.get("f");
  return [back.get("a"), file.name, file.type, await file.text()];
});
add("Response.formData(): another type", (k) => new k.Response("a=1").formData());
add("Response.formData(): no type", (k) => new k.Response(new Uint8Array(3)).formData());
add("Response.formData(): broken multipart", (k) =>
  new k.Response("broken", { headers: { "content-type": "multipart/form-data; boundary=x" } }).formData());
add("new Response(FormData): type", (k) => {
  const form = new FormData();
  form.append("a", "1");
  return new k.Response(form).headers.get("content-type").replace(/boundary=.*/, "boundary=");
});
add("Response has no enumerable state", (k) => [Object.keys(new k.Response("x")), JSON.stringify(new k.Response("x"))]);
add("Response.text() does not throw at once", (k) => {
  const promise = k.Response.prototype.text.call({});
  return [promise instanceof Promise, promise.catch((error) => error.name)];
});
add("Response.arrayBuffer(): its own memory", async (k) => {
  const bytes = new Uint8Array(10);
  const response = new k.Response(bytes);
  const copy = response.clone();
  new Uint8Array(await response.arrayBuffer()).fill(7);
  return [...new Uint8Array(await copy.arrayBuffer())];
});
add("instanceof", (k) => [
  new k.Response() instanceof k.Response, {} instanceof k.Response, new k.Headers() instanceof k.Headers,
  new k.Response().headers instanceof k.Headers, Object.create(k.Response.prototype) instanceof k.Response,
]);
add("structuredClone(Response)", (k) => structuredClone(new k.Response("x")));

addRequestCases(add, stream);

export async function runCases(classes) {
  const results = {};
  for (const [name, run] of cases) results[name] = await outcome(run, classes);
  return results;
}
