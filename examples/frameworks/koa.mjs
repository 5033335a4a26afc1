// The shop in Koa: node koa.mjs, or duet serve koa.mjs.
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { bodyParser } from "@koa/bodyparser";
import Router from "@koa/router";
import Koa from "koa";
import { find, list, mistakes, report } from "./shop.ts";

const app = new Koa();
const router = new Router();

router.get("/items", (ctx) => {
  ctx.body = list(ctx.query.q);
});
router.get("/items/:id", (ctx) => {
  const item = find(ctx.params.id);
  if (item === undefined) return;
  ctx.set("X-Item", item.name);
  ctx.body = item;
});
router.post("/items", (ctx) => {
  const wrong = mistakes(ctx.request.body);
  if (wrong.length > 0) {
    ctx.status = 422;
    ctx.body = { mistakes: wrong };
    return;
  }
  ctx.status = 201;
  ctx.set("Location", "/items/3");
  ctx.body = { id: "3", ...ctx.request.body };
});
router.post("/upload", async (ctx) => {
  let bytes = 0;
  for await (const piece of ctx.req) bytes += piece.length;
  ctx.body = { bytes };
});
router.get("/login", (ctx) => {
  ctx.cookies.set("session", "s1");
  ctx.cookies.set("theme", "dark", { httpOnly: false });
  ctx.status = 303;
  ctx.redirect("/items");
});
router.get("/whoami", (ctx) => {
  ctx.body = ctx.cookies.get("session") ?? "nobody";
});
router.get("/report", (ctx) => {
  ctx.type = "text/csv";
  ctx.body = Readable.from(report());
});
router.get("/files/about.txt", (ctx) => {
  ctx.type = "text/plain";
  ctx.body = createReadStream(new URL("public/about.txt", import.meta.url));
});
router.get("/fail", (ctx) => {
  ctx.throw(418, "teapot");
});
router.delete("/items/:id", (ctx) => {
  ctx.status = 204;
});

app.use(bodyParser({ enableTypes: ["json"] }));
app.use(router.routes()).use(router.allowedMethods());
app.silent = true;  // its own log of errors would be the only output of a test
app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
