"""A price, looked up somewhere that takes DELAY_MS to answer."""

import asyncio

import duet

PRICES = {"tea": 2.5, "coffee": 3.2}


async def fetch(request, env):
    await asyncio.sleep(float(env["DELAY_MS"]) / 1000)
    item = request.params["item"]
    if item not in PRICES:
        return duet.Response("no such item\n", status=404)
    return {"item": item, "price": PRICES[item], "variant": request.duet.variant}
