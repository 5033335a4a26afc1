"""The API over a store of items, the same for each database."""

import duet

ROWS = 1000  # that are there from the start


def item_id(request):
    return int(request.path.rpartition("/")[2])


def api(store):
    async def fetch(request):
        if request.method == "GET":
            return await store.get(item_id(request)) or {"error": "no such item"}
        if request.method == "POST":
            item = await request.json()
            await store.put(item["id"], item["name"], item["price"])
            return duet.Response.json(item, status=201)
        if request.method == "PUT":
            item = await request.json()
            await store.put(item_id(request), item["name"], item["price"])
            return {"id": item_id(request), **item}
        if request.method == "DELETE":
            await store.remove(item_id(request))
            return duet.Response(None, status=204)
        return duet.Response(None, status=405)

    return fetch
