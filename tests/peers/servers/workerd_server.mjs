// For workerd.capnp: one module for both workloads; the binding says which.
import { answer } from "./order.mjs";

// workerd has no setImmediate outside of its Node compatibility.
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function order(request) {
  const { headers } = request;
  const id = new URL(request.url).pathname.slice("/orders/".length);
  const tenant = headers.get("x-tenant");
  const requestId = headers.get("x-request-id");
  const language = headers.get("accept-language");
  const body = await request.json();
  await turn();
  return Response.json(answer(id, tenant, requestId, language, body));
}

export default {
  fetch(request, { workload }) {
    return workload === "order" ? order(request) : new Response("Hello, World!");
  },
};
