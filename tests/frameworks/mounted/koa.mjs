// Routers below routers, and an application below another (koa-mount).
import Router from "@koa/router";
import Koa from "koa";
import mount from "koa-mount";

const say = (text) => (ctx) => {
  ctx.body = text;
};
const items = new Router();
items.get("/", say("items")).get("/:item", say("item"));
const shops = new Router({ prefix: "/shops" });
shops.use("/:shop/items", items.routes());
const admin = new Koa();
admin.use(new Router().get("/users/:user", say("user")).routes());

const app = new Koa();
app.use(shops.routes()).use(mount("/admin", admin)).listen(1);
