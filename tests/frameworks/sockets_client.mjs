// sockets_client.mjs PORT: talks to sockets.mjs and prints what it saw, as JSON.
import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";

import { io } from "socket.io-client";
import WebSocket from "ws";

const address = `127.0.0.1:${process.argv[2]}`;
const DEADLINE = 20_000;  // ms
const seen = {};

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not happen in time: ${what}`)), DEADLINE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function get(path, headers = {}) {
  return within(new Promise((resolve, reject) => {
    http.get(`http://${address}${path}`, { headers, agent: false }, async (answer) => {
      let body = "";
      for await (const piece of answer) body += piece;
      resolve([answer.statusCode, body]);
    }).on("error", (error) => resolve([error.code])).on("upgrade", () => reject(new Error("upgraded")));
  }), path);
}

async function ended(name) {
  const deadline = Date.now() + DEADLINE;
  for (;;) {
    const found = JSON.parse((await get(`/ended/${encodeURIComponent(name)}`))[1]);
    if (found !== null) return found;
    if (Date.now() > deadline) return "never";
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function open(name, protocols = [], options = {}) {
  const socket = new WebSocket(`ws://${address}/echo?name=${name}`, protocols, options);
  socket.closed = once(socket, "close").then(([code, reason]) => [code, String(reason)]);
  socket.next = () => within(once(socket, "message"), `a message for ${name}`)
    .then(([data, binary]) => (binary ? createHash("sha1").update(data).digest("hex") + data.length
      : data.length > 200 ? `${data.length} ${String(data).slice(0, 20)}` : String(data)));
  socket.ask = (...values) => {
    const answer = socket.next();
    socket.send(...values);
    return answer;
  };
  await within(once(socket, "open"), `open ${name}`);
  return socket;
}

const cases = {
  async messages() {
    const socket = await open("messages", ["other", "shop"]);
    const said = [socket.protocol, socket.extensions];
    for (const data of ["hello", "", "h\u00e9llo \u{1f600}", Buffer.from([0, 255, 1]), Buffer.alloc(0),
      "compressed ".repeat(20_000), Buffer.alloc(3 << 20, "abc")]) {
      said.push(await socket.ask(data));
    }
    const answer = socket.next();
    for (const part of ["in ", "three ", "parts"]) socket.send(part, { fin: part === "parts" });
    said.push(await answer);
    socket.close(4001, "enough");
    return [...said, await socket.closed, await ended("messages")];
  },
  async plain() {
    const socket = await open("plain", [], { perMessageDeflate: false });
    const said = [socket.extensions, await socket.ask("hello"), await socket.ask("x".repeat(70_000))];
    socket.close();
    return [...said, await socket.closed, await ended("plain")];
  },
  async pings() {
    const socket = await open("pings");
    const pinged = once(socket, "ping");
    const ponged = once(socket, "pong");
    socket.ping("here");
    const said = [String((await within(ponged, "pong"))[0]), await socket.ask("ping"),
      String((await pinged)[0])];
    return [...said, await socket.ask("after")];
  },
  async closes() {
    const asked = await open("asked");
    asked.send("close");
    const cut = await open("cut");
    cut.send("terminate");
    const left = await open("left");
    left.terminate();
    const large = await open("large", [], { perMessageDeflate: false });
    large.on("error", () => {});
    large.send(Buffer.alloc((16 << 20) + 1));
    return [await asked.closed, await ended("asked"), await cut.closed, await ended("cut"),
      await ended("left"), (await large.closed)[0], await ended("large")];
  },
  async flood() {
    const socket = await open("flood");
    socket.send("flood");
    socket.pause();
    await get("/ended/nobody");  // answered behind the flood
    const sizes = [];
    const done = new Promise((resolve) => {
      socket.on("message", (data, binary) => {
        if (binary) sizes.push(data.length === 1 << 20 && data[0] === sizes.length % 256);
        else resolve(String(data));
      });
    });
    socket.resume();
    return [await within(done, "the flood"), sizes.length, sizes.every(Boolean)];
  },
  async refusals() {
    const refusal = (path, options) => within(new Promise((resolve) => {
      const socket = new WebSocket(`ws://${address}${path}`, options);
      socket.on("unexpected-response", async (request, answer) => {
        let body = "";
        for await (const piece of answer) body += piece;
        resolve([answer.statusCode, answer.headers["x-way"], body]);
      });
      socket.on("error", (error) => resolve([error.code]));
    }), path);
    return [await refusal("/refused"), await refusal("/response"), await refusal("/nowhere"),
      await get("/echo", { Connection: "Upgrade", Upgrade: "websocket",
        "Sec-WebSocket-Version": "7", "Sec-WebSocket-Key": "bad" }),
      await get("/ended/nobody")];
  },
  async socketIo() {
    const said = [];
    for (const transports of [["polling", "websocket"], ["websocket"], ["polling"]]) {
      const name = transports.join();
      const socket = io(`http://${address}`, { transports, query: { name }, forceNew: true });
      const upgraded = transports.length > 1 ? once(socket.io.engine, "upgrade") : undefined;
      await within(once(socket, "connect"), `connect by ${name}`);
      await within(upgraded, "upgrade");
      const ask = (...values) => socket.timeout(DEADLINE).emitWithAck(...values);
      said.push(await ask("transports"), await ask("echo", "text", { n: 1 }, [null, "x".repeat(50_000).length]));
      const [[bytes]] = [await ask("echo", Buffer.from([1, 2, 255]))];
      said.push([...bytes]);
      await ask("join", name);
      const told = once(socket, "told");
      socket.emit("tell", name, "all of you");
      said.push(await within(told, "broadcast"));
      socket.disconnect();
      said.push(await ended(`io ${name}`));
    }
    return said;
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    seen[name] = await run();
  } catch (error) {
    seen[name] = String(error.stack);
  }
}
console.log(JSON.stringify(seen));
process.exit(0);
