// The shop in Hono on its adapter for Node: node hono.ts, or duet serve hono.ts. (Without the adapter it is
// `export default app`, a fetch-style handler.)
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { HTTPException } from "hono/http-exception";
import { stream } from "hono/streaming";
import { fileURLToPath } from "node:url";
import { find, list, mistakes, report, type NewItem } from "./shop.ts";

const app = new Hono();
app.get("/items", (c) => c.json(list(c.req.query("q"))));
app.get("/items/:id", (c) => {
  const item = find(c.req.param("id"));
  if (item === undefined) return c.notFound();
  c.header("X-Item", item.name);
  return c.json(item);
});
app.post("/items", async (c) => {
  const item = await c.req.json<NewItem>();
  const wrong = mistakes(item);
  if (wrong.length > 0) return c.json({ mistakes: wrong }, 422);
  c.header("Location", "/items/3");
  return c.json({ id: "3", ...item }, 201);
});
app.post("/upload", async (c) => {
  const { file, note } = await c.req.parseBody() as { file: File; note: string };
  return c.json({ name: file.name, bytes: file.size, note });
});
app.get("/login", (c) => {
  setCookie(c, "session", "s1", { httpOnly: true, path: "/" });
  setCookie(c, "theme", "dark mode");
  return c.redirect("/items", 303);
});
app.get("/whoami", (c) => c.text(getCookie(c, "session") ?? "nobody"));
app.get("/report", (c) => {
  c.header("Content-Type", "text/csv");
  return stream(c, async (out) => {
    for await (const line of report()) await out.write(line);
  });
});
app.get("/files/*", serveStatic({
  root: fileURLToPath(new URL("public", import.meta.url)),
  rewriteRequestPath: (path) => path.slice("/files".length),
}));
app.get("/fail", () => {
  throw new HTTPException(418, { message: "teapot" });
});
app.delete("/items/:id", (c) => c.body(null, 204));

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1" });
