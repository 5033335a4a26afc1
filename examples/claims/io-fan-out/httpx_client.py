"""Asks three services at once, with httpx."""

import asyncio
import os

import httpx

SERVICES = ["/user?ms=5", "/cart?ms=10", "/offers?ms=20"]
client = httpx.AsyncClient(base_url=os.environ["UPSTREAM"],
                           limits=httpx.Limits(max_connections=256,
                                               max_keepalive_connections=256))


async def ask(path):
    return (await client.get(path)).json()


async def fetch(request):
    answers = await asyncio.gather(*(ask(path) for path in SERVICES))
    return {"services": [answer["of"] for answer in answers]}
