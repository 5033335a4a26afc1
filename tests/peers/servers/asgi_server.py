"""uvicorn asgi_server:hello or asgi_server:order, raw ASGI without a framework."""

import asyncio
import json

from order import answer


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"text/plain;charset=UTF-8"),
                            (b"content-length", b"13")]})
    await send({"type": "http.response.body", "body": b"Hello, World!"})


async def order(scope, receive, send):
    id = scope["path"][len("/orders/"):]
    headers = dict(scope["headers"])
    tenant = headers[b"x-tenant"].decode("latin-1")
    request_id = headers[b"x-request-id"].decode("latin-1")
    language = headers[b"accept-language"].decode("latin-1")
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    order = json.loads(body)
    await asyncio.sleep(0)
    text = json.dumps(answer(id, tenant, request_id, language, order),
                      separators=(",", ":")).encode()
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/json"),
                            (b"content-length", str(len(text)).encode())]})
    await send({"type": "http.response.body", "body": text})
