// Node-RED as its manual embeds it: the editor is at /red, the flows of flows.json answer beside it.
const http = require("node:http");
const express = require("express");
const RED = require("node-red");

const app = express();
const server = http.createServer(app);
RED.init(server, {
  httpAdminRoot: "/red",
  httpNodeRoot: "/",
  userDir: __dirname,
  flowFile: "flows.json",
  readOnly: true,
  credentialSecret: false,
  logging: { console: { level: "warn" } },
});
app.use("/red", RED.httpAdmin);
app.use("/", RED.httpNode);
RED.events.once("flows:started", () => server.listen(process.env.PORT ?? 3000, "127.0.0.1"));
RED.start();
