// node node_server.mjs PORT hello|order
import http from "node:http";
import { answer, turn } from "./order.mjs";

const [port, workload] = process.argv.slice(2);

function hello(request, response) {
  response.writeHead(200, { "content-type": "text/plain;charset=UTF-8", "content-length": 13 });
  response.end("Hello, World!");
}

async function order(request, response) {
  const id = request.url.slice("/orders/".length);
  const { headers } = request;
  const tenant = headers["x-tenant"];
  const requestId = headers["x-request-id"];
  const language = headers["accept-language"];
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = JSON.parse(pieces.length === 1 ? pieces[0].toString() : Buffer.concat(pieces));
  await turn();
  const text = JSON.stringify(answer(id, tenant, requestId, language, body));
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

http.createServer(workload === "order" ? order : hello).listen(Number(port), "127.0.0.1");
