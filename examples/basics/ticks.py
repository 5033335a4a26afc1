"""GET /py/ticks?count=5: server-sent events, one every 100 ms, until the client has gone."""

import asyncio
import json

from duet import Response


async def ticks(count):
    for i in range(1, count + 1):
        tick = json.dumps({"tick": i}, separators=(",", ":"))
        yield f"id: {i}\ndata: {tick}\n\n"
        if i < count:
            await asyncio.sleep(0.1)


async def fetch(request):
    count = min(int(request.query.get("count", "5")), 1000)
    return Response(ticks(count), headers={"content-type": "text/event-stream",
                                           "cache-control": "no-store"})
