// The twin of websocket.py: what conformance/websocket_test.cc asks for, by the path's last part.
const state = { closed: [], errors: 0, drained: 0, seen: 0 };
const rooms = new Set();

const routes = {
  state: () => ({ ...state }),

  echo(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    socket.onmessage = (event) => socket.send(event.data);
    socket.onclose = ({ code, reason, wasClean }) => state.closed.push([code, reason, wasClean]);
    return response;
  },
  async loop(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    for await (const message of socket) {
      if (message === "stop") break;
      socket.send(typeof message === "string" ? `${message}!` : message);
    }
    return response;
  },
  async late(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    await new Promise((resolve) => { setTimeout(resolve, 20); });  // what came meanwhile waits
    socket.onmessage = ({ data }) => socket.send(`late ${data}`);
    return response;
  },
  hello(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    socket.onopen = () => {
      socket.send("hello");
      socket.close(4000, "that was all");
    };
    return response;
  },
  protocol(request) {
    const { socket, response } = request.duet.upgradeWebSocket({
      protocol: "chat.v2", headers: { "x-more": "yes" },
    });
    socket.onopen = () => socket.send(socket.protocol);
    return response;
  },
  chat(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    rooms.add(socket);
    socket.onmessage = ({ data }) => {
      for (const member of rooms) member.send(data);
    };
    socket.onclose = () => rooms.delete(socket);
    return response;
  },
  throws(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    socket.onmessage = () => { throw new Error("misbehaves"); };
    return response;
  },
  async flood(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    socket.ondrain = () => state.drained++;
    socket.onmessage = () => {
      for (let i = 0; i < 150; i++) state.seen += socket.send(new Uint8Array(100_000)) ? 1 : 0;
    };
    return response;
  },
  async slow(request) {
    const { socket, response } = request.duet.upgradeWebSocket();
    for await (const message of socket) {
      state.seen++;
      await new Promise((resolve) => { setTimeout(resolve, 1); });
    }
    return response;
  },
  // --- the handler's own mistakes, which are answered and told by their text ---
  wrong(request) {
    const { socket } = request.duet.upgradeWebSocket();
    const told = [];
    for (const mistake of [
      () => socket.close(1005), () => socket.close(1000, "x".repeat(124)), () => socket.send(42),
      () => request.duet.upgradeWebSocket(),
    ]) {
      try {
        mistake();
        told.push("no error");
      } catch (error) {
        told.push(error.constructor.name);
      }
    }
    socket.onopen = () => socket.send(told.join(" "));
  },
};

export default {
  fetch(request, env, ctx) {
    return routes[new URL(request.url).pathname.split("/").pop()](request, env, ctx);
  },
};
