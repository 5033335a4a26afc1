export default (request) => {
  const { socket, response } = request.duet.upgradeWebSocket();
  socket.onmessage = (event) => socket.send(event.data);
  return response;
};
