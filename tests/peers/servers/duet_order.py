import asyncio

from duet import Response
from order import answer


async def fetch(request):
    headers = request.headers
    tenant = headers["x-tenant"]
    request_id = headers["x-request-id"]
    language = headers["accept-language"]
    body = await request.json()
    await asyncio.sleep(0)
    return Response.json(answer(request.params["id"], tenant, request_id, language, body))
