// Applications below others, by route() and by mount(), and middleware that is no route. Without its
// adapter: a fetch-style handler.
import { Hono } from "hono";

const items = new Hono().get("/", (c) => c.text("items")).get("/:item", (c) => c.text("item"));
const admin = new Hono().get("/users/:user", (c) => c.text("user"));

const app = new Hono();
app.use(async (c, next) => next());
app.use("/shops/*", async (c, next) => next());
app.route("/shops/:shop/items", items);
app.mount("/admin", admin.fetch);
export default app;
