// Asks three services at once, with undici's pool.
import { Pool } from "undici";

const pool = new Pool(process.env.UPSTREAM, { connections: 256 });
const SERVICES = ["/user?ms=5", "/cart?ms=10", "/offers?ms=20"];

async function ask(path) {
  const { body } = await pool.request({ method: "GET", path });
  return body.json();
}

export default async () => {
  const answers = await Promise.all(SERVICES.map(ask));
  return Response.json({ services: answers.map((answer) => answer.of) });
};
