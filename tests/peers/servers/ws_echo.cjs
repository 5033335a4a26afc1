const { WebSocketServer } = require("ws");

new WebSocketServer({ port: Number(process.env.PORT) }).on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
