import Database from "better-sqlite3";
import express from "express";

import { sqliteStore } from "./sqlite_store.mjs";

const store = sqliteStore(Database);
const app = express();
app.use(express.json());
app.get("/items/:id", (request, response) => {
  response.json(store.get(Number(request.params.id)) ?? { error: "no such item" });
});
app.post("/items", (request, response) => {
  const { id, name, price } = request.body;
  store.put(id, name, price);
  response.status(201).json(request.body);
});
app.put("/items/:id", (request, response) => {
  const id = Number(request.params.id);
  store.put(id, request.body.name, request.body.price);
  response.json({ id, ...request.body });
});
app.delete("/items/:id", (request, response) => {
  store.remove(Number(request.params.id));
  response.status(204).end();
});
// On duet this is the host's address.
app.listen(Number(process.argv[2] ?? 8000), "127.0.0.1");
