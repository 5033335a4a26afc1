import { list } from "../../../shop.js";

export const dynamic = "force-dynamic";

export async function GET() {
  const lines = list().map((item) => `${item.id},${item.name},${item.cents}\n`);
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (lines.length === 0) controller.close();
      else controller.enqueue(new TextEncoder().encode(lines.shift()));
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/csv" } });
}
