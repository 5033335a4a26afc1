import { createServer } from "node:http";

createServer((request, response) => {
  const body = JSON.stringify({ message: "Hello, World" });
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}).listen(Number(process.argv[2]), "127.0.0.1");
