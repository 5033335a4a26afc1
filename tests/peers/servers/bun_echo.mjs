Bun.serve({
  port: Number(process.env.PORT),
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response("no upgrade", { status: 426 });
  },
  websocket: {
    message(socket, message) { socket.send(message); },
  },
});
