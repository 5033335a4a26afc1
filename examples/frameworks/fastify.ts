// The shop in Fastify: node fastify.ts, or duet serve fastify.ts.
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import cookie from "@fastify/cookie";
import multipart from "@fastify/multipart";
import files from "@fastify/static";
import Fastify from "fastify";
import { find, list, report, type NewItem } from "./shop.ts";

const app = Fastify();
await app.register(cookie);
await app.register(multipart);
await app.register(files, {
  root: fileURLToPath(new URL("public", import.meta.url)), prefix: "/files/",
});

const item = {
  type: "object",
  required: ["name", "cents"],
  properties: { name: { type: "string", minLength: 1 }, cents: { type: "integer", minimum: 0 } },
};

app.get<{ Querystring: { q?: string } }>("/items", async (request) => list(request.query.q));
app.get<{ Params: { id: string } }>("/items/:id", async (request, reply) => {
  const found = find(request.params.id);
  if (found === undefined) return reply.callNotFound();
  reply.header("X-Item", found.name);
  return found;
});
app.post<{ Body: NewItem }>("/items", { schema: { body: item } }, async (request, reply) => {
  reply.code(201).header("Location", "/items/3");
  return { id: "3", ...request.body };
});
app.post("/upload", async (request) => {
  const part = (await request.file())!;
  const data = await part.toBuffer();
  return { name: part.filename, bytes: data.length };
});
app.get("/login", async (request, reply) => {
  reply.setCookie("session", "s1", { httpOnly: true, path: "/" });
  reply.setCookie("theme", "dark mode");
  return reply.redirect("/items", 303);
});
app.get("/whoami", async (request, reply) => {
  reply.type("text/plain");
  return request.cookies.session ?? "nobody";
});
app.get("/report", async (request, reply) => {
  reply.type("text/csv");
  return reply.send(Readable.from(report()));
});
app.get("/fail", async () => {
  throw Object.assign(new Error("teapot"), { statusCode: 418 });
});
app.delete("/items/:id", async (request, reply) => {
  reply.code(204);
});

await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
