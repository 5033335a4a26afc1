import { setTimeout as wait } from "node:timers/promises";

const WAIT = 10; // milliseconds

export default async (request) => {
  const [, kind, id] = new URL(request.url).pathname.split("/");
  if (kind === "slow") await wait(WAIT);
  return Response.json({ id: Number(id), name: "tea", price: 3.5 });
};
