// Plugins below plugins, a route of several methods, and one with an expression.
import Fastify from "fastify";

const app = Fastify();
await app.register(async (shops) => {
  await shops.register(async (items) => {
    items.get("/", async () => "items");
    items.route({ method: ["GET", "PUT"], url: "/:item", handler: async () => "item" });
  }, { prefix: "/:shop/items" });
}, { prefix: "/shops" });
app.get("/at/:hour(^\\d+)", async () => "hour");
await app.listen({ port: 1 });
