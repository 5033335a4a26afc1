"""POST /py/visits answers at once and does its work afterwards; GET tells how much has been done."""

import asyncio

from duet import Response

recorded = 0


async def record():
    global recorded
    await asyncio.sleep(0.02)  # a slow database, say
    recorded += 1


async def fetch(request, env, ctx):
    if request.method == "GET":
        return {"recorded": recorded}
    ctx.wait_until(record())
    return Response(status=202)
