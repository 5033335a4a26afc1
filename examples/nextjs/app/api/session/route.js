import { cookies } from "next/headers";

export async function GET() {
  return new Response((await cookies()).get("session")?.value ?? "nobody");
}

export async function POST(request) {
  const form = await request.formData();
  const jar = await cookies();
  jar.set("session", String(form.get("name")), { httpOnly: true });
  jar.set("theme", "dark mode");
  return Response.redirect(new URL("/items/1", "http://shop.example"), 303);
}
