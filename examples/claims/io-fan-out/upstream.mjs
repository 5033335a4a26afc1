// The service behind: answers after ?ms= milliseconds, and does nothing meanwhile.
import { setTimeout as wait } from "node:timers/promises";

export default async (request) => {
  const url = new URL(request.url);
  await wait(Number(url.searchParams.get("ms")));
  return Response.json({ of: url.pathname });
};
