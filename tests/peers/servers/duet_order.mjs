import { answer, turn } from "./order.mjs";

export default {
  async fetch(request) {
    const { headers } = request;
    const tenant = headers.get("x-tenant");
    const requestId = headers.get("x-request-id");
    const language = headers.get("accept-language");
    const body = await request.json();
    await turn();
    return Response.json(answer(request.params.id, tenant, requestId, language, body));
  },
};
