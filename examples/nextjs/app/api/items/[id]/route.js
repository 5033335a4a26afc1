import { find } from "../../../../shop.js";

export async function GET(_, { params }) {
  const item = find((await params).id);
  if (item === undefined) return Response.json({ error: "no such item" }, { status: 404 });
  return Response.json(item, { headers: { "X-Item": item.name } });
}

export async function DELETE() {
  return new Response(null, { status: 204 });
}
