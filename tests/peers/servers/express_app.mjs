// node express_app.mjs PORT, or duet serve express_app.mjs
import express from "express";

const app = express();
app.get("/hello/:name", (request, response) => {
  response.json({ hello: request.params.name });
});
app.listen(Number(process.argv[2] ?? 0), "127.0.0.1");
