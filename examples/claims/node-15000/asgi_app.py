import json

HEAD = {"type": "http.response.start", "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"27")]}


async def app(scope, receive, send):
    body = json.dumps({"message": "Hello, World"}).encode()
    await send(HEAD)
    await send({"type": "http.response.body", "body": body})
