import asyncio

WAIT = 0.01  # seconds


async def fetch(request):
    _, kind, item = request.path.split("/")
    if kind == "slow":
        await asyncio.sleep(WAIT)
    return {"id": int(item), "name": "tea", "price": 3.5}
