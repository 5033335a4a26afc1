import asyncio

from fastapi import FastAPI

WAIT = 0.01  # seconds

app = FastAPI()


@app.get("/items/{item}")
async def at_once(item: int):
    return {"id": item, "name": "tea", "price": 3.5}


@app.get("/slow/{item}")
async def slow(item: int):
    await asyncio.sleep(WAIT)
    return {"id": item, "name": "tea", "price": 3.5}
