import { WebSocketServer } from "ws";

import { take } from "./readings.mjs";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });
server.on("connection", (socket) => {
  socket.on("message", (data) => socket.send(take(data.toString())));
});
