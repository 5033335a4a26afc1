// The API over a store of items, the same for each database.
export const ROWS = 1000; // that are there from the start

export const api = (store) => async (request) => {
  const [, , id] = new URL(request.url).pathname.split("/");
  switch (request.method) {
    case "GET":
      return Response.json((await store.get(Number(id))) ?? { error: "no such item" });
    case "POST": {
      const item = await request.json();
      await store.put(item.id, item.name, item.price);
      return Response.json(item, { status: 201 });
    }
    case "PUT": {
      const item = await request.json();
      await store.put(Number(id), item.name, item.price);
      return Response.json({ id: Number(id), ...item });
    }
    case "DELETE":
      await store.remove(Number(id));
      return new Response(null, { status: 204 });
    default:
      return new Response(null, { status: 405 });
  }
};
