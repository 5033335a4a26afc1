// WebSockets as Node's users write them: `ws` on a server and by itself, and socket.io, behind one
// Express application.
import http from "node:http";

import express from "express";
import { Server } from "socket.io";
import { WebSocketServer } from "ws";

const app = express();
const ended = {};  // how each socket ended, by the name its client gave
app.get("/ended/:name", (req, res) => res.json(ended[req.params.name] ?? null));
const server = http.createServer(app);

const echo = new WebSocketServer({
  noServer: true, perMessageDeflate: { threshold: 1000 }, maxPayload: 16 << 20,
  handleProtocols: (protocols) => (protocols.has("shop") ? "shop" : false),
});
echo.on("connection", (socket, request) => {
  const name = new URL(request.url, "http://x").searchParams.get("name");
  socket.on("close", (code, reason) => {
    ended[name] = [code, String(reason)];
  });
  socket.on("error", (error) => socket.emit("failed", error));
  socket.on("pong", (data) => socket.send(`pong ${data}`));
  socket.on("message", (data, binary) => {
    const text = binary ? "" : String(data);
    if (text === "close") socket.close(4002, "as you wish");
    else if (text === "terminate") socket.terminate();
    else if (text === "ping") socket.ping("are you there");
    else if (text === "flood") flood(socket);
    else socket.send(data, { binary });
  });
});

// 32 MiB to a client that does not read at first: what the socket holds back is seen here.
async function flood(socket) {
  let most = 0;
  for (let i = 0; i < 32; i++) {
    socket.send(Buffer.alloc(1 << 20, i), { compress: false });
    most = Math.max(most, socket.bufferedAmount);
  }
  socket.send(`held back ${most > 8 << 20}`);
}

server.on("upgrade", (request, socket, head) => {
  const { pathname } = new URL(request.url, "http://x");
  if (pathname === "/echo") {
    echo.handleUpgrade(request, socket, head, (ws) => echo.emit("connection", ws, request));
  } else if (pathname === "/refused") {
    socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 4\r\n\r\nauth");
  } else if (pathname === "/response") {  // as frameworks do that answer through their routes
    const res = new http.ServerResponse(request);
    res.assignSocket(socket);
    res.writeHead(403, { "X-Way": "response", "Connection": "close", "Content-Length": 2 });
    res.end("no");
    socket.destroySoon();
  } else if (pathname !== "/socket.io/") {
    socket.destroy();
  }
});

const io = new Server(server);
io.on("connection", (socket) => {
  const log = [];
  socket.conn.on("upgrade", (transport) => log.push(transport.name));
  socket.on("transports", (reply) => reply([socket.handshake.query.transport, ...log]));
  socket.on("echo", (...values) => values.pop()(values));
  socket.on("join", (room, reply) => {
    socket.join(room);
    reply(true);
  });
  socket.on("tell", (room, text) => io.to(room).emit("told", text));
  socket.on("disconnect", (reason) => {
    ended[`io ${socket.handshake.query.name}`] = reason;
  });
});

server.listen(process.env.PORT ?? 3000);
