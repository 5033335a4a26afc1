// fetch.mjs on Node's own server.
import { createServer } from "node:http";

import handle from "./fetch.mjs";

createServer(async (request, response) => {
  const answer = await handle();
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(await answer.text());
}).listen(Number(process.argv[2]), "127.0.0.1");
