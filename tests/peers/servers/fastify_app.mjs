// node fastify_app.mjs PORT, or duet serve fastify_app.mjs
import Fastify from "fastify";

const app = Fastify();
app.get("/hello/:name", async (request) => ({ hello: request.params.name }));
await app.listen({ port: Number(process.argv[2] ?? 0), host: "127.0.0.1" });
