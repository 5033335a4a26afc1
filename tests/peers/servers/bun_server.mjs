// bun bun_server.mjs PORT hello|order
import { answer, turn } from "./order.mjs";

const [port, workload] = Bun.argv.slice(2);
const where = { hostname: "127.0.0.1", port: Number(port) };

function hello() {
  return new Response("Hello, World!");
}

async function order(request) {
  const { headers } = request;
  const tenant = headers.get("x-tenant");
  const requestId = headers.get("x-request-id");
  const language = headers.get("accept-language");
  const body = await request.json();
  await turn();
  return Response.json(answer(request.params.id, tenant, requestId, language, body));
}

if (workload === "order") {
  Bun.serve({ ...where, routes: { "/orders/:id": order } });
} else {
  Bun.serve({ ...where, fetch: hello });
}
