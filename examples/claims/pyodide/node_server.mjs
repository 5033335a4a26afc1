// pyodide.mjs on Node's own server.
import { createServer } from "node:http";

import handle from "./pyodide.mjs";

createServer(async (request, response) => {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(await handle().text());
}).listen(Number(process.argv[2]), "127.0.0.1");
