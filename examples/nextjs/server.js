// The custom server of Next.js's manual: duet serve server.js, or node server.js. Before: next build.
const http = require("node:http");
const next = require("next");

const app = next({ dev: false, dir: __dirname });
const handle = app.getRequestHandler();
app.prepare().then(() => {
  http.createServer((req, res) => handle(req, res)).listen(process.env.PORT ?? 3000, "127.0.0.1");
});
