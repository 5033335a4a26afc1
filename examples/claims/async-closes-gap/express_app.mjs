import express from "express";
import { setTimeout as wait } from "node:timers/promises";

const WAIT = 10; // milliseconds

const app = express();
const item = (id) => ({ id: Number(id), name: "tea", price: 3.5 });
app.get("/items/:id", (request, response) => response.json(item(request.params.id)));
app.get("/slow/:id", async (request, response) => {
  await wait(WAIT);
  response.json(item(request.params.id));
});
// On duet this is the host's address.
app.listen(Number(process.argv[2] ?? 8000), "127.0.0.1");
