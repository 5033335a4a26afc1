// Asks three services at once, with the fetch that Node has.
const SERVICES = ["/user?ms=5", "/cart?ms=10", "/offers?ms=20"];

async function ask(path) {
  const response = await fetch(process.env.UPSTREAM + path);
  return response.json();
}

export default async () => {
  const answers = await Promise.all(SERVICES.map(ask));
  return Response.json({ services: answers.map((answer) => answer.of) });
};
