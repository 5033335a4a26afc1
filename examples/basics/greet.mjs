// GET /js/greet/{name}?times=3: a route's parameter, the query, a header, the handler's variables.
export default {
  fetch(request, env) {
    const times = Number(new URL(request.url).searchParams.get("times") ?? 1);
    if (!Number.isInteger(times) || times < 1 || times > 10) {
      return Response.json({ error: "times is between 1 and 10" }, { status: 400 });
    }
    return {
      greetings: Array(times).fill(`${env.GREETING}, ${request.params.name}!`),
      language: request.headers.get("accept-language") ?? "any",
    };
  },
};
