// server.mjs PORT PROCESSES
import cluster from "node:cluster";
import { createServer } from "node:http";

import { catalogue } from "./work.mjs";

const [port, processes] = process.argv.slice(2).map(Number);
if (cluster.isPrimary && processes > 1) {
  for (let i = 0; i < processes; i++) cluster.fork();
} else {
  createServer((request, response) => {
    const body = catalogue();
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
    });
    response.end(body);
  }).listen(port, "127.0.0.1");
}
