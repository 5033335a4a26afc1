import { catalogue } from "./work.mjs";

export default () =>
  new Response(catalogue(), { headers: { "Content-Type": "application/json" } });
