// deno run --allow-net deno_server.mjs PORT hello|order
import { answer, turn } from "./order.mjs";

const [port, workload] = Deno.args;
const where = { hostname: "127.0.0.1", port: Number(port), onListen() {} };

function hello() {
  return new Response("Hello, World!");
}

async function order(request) {
  const id = request.url.slice(request.url.lastIndexOf("/") + 1);
  const { headers } = request;
  const tenant = headers.get("x-tenant");
  const requestId = headers.get("x-request-id");
  const language = headers.get("accept-language");
  const body = await request.json();
  await turn();
  return Response.json(answer(id, tenant, requestId, language, body));
}

Deno.serve(where, workload === "order" ? order : hello);
