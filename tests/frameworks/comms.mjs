// comms.mjs PORT: what Node-RED's editor is told over its WebSocket about a request to a flow.
import { createRequire } from "node:module";
import path from "node:path";

const ws = createRequire(path.resolve("package.json"))("ws");
const WebSocket = ws.WebSocket ?? ws;  // older versions are the class
const origin = `127.0.0.1:${process.argv[2]}`;
const socket = new WebSocket(`ws://${origin}/red/comms`);
socket.on("open", async () => {
  socket.send(JSON.stringify({ subscribe: "debug" }));
  socket.ping();  // answered after what was sent before it
});
socket.on("pong", () => fetch(`http://${origin}/items/1`));
socket.on("message", (text) => {
  for (const { topic, data } of [JSON.parse(text)].flat()) {
    if (topic !== "debug") continue;
    console.log(JSON.stringify([data.id, data.topic ?? null, JSON.parse(data.msg)]));
    socket.close();
  }
});
