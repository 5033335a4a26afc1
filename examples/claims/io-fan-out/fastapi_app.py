"""aiohttp_client.py in FastAPI."""

import aiohttp_client
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def fan_out():
    return await aiohttp_client.fetch(None)
