// node python_node_server.mjs PORT hello: asgi_server.py inside Node, by @platformatic/python-node
import http from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

// Its packages are where it is started, not beside this file.
const { Python, Request } = createRequire(`${process.cwd()}/`)("@platformatic/python-node");
const [port, workload] = process.argv.slice(2);
const python = new Python({
  docroot: dirname(fileURLToPath(import.meta.url)),
  appTarget: `asgi_server:${workload}`,
});

async function answer({ method, url, headers }, response) {
  const answered = await python.handleRequest(
    new Request({ method, url: `http://${headers.host}${url}`, headers }),
  );
  response.statusCode = answered.status;
  for (const [name, value] of answered.headers.entries()) response.setHeader(name, value);
  response.end(answered.body);
}

http.createServer(answer).listen(Number(port), "127.0.0.1");
