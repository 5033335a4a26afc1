import { take } from "./readings.mjs";

export default (request) => {
  const { socket, response } = request.duet.upgradeWebSocket();
  socket.onmessage = (event) => socket.send(take(event.data));
  return response;
};
