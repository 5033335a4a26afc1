"""An ASGI application without a framework: a case a path, right and wrong ones."""

import asyncio
import json
import os

state = {"disconnects": 0, "closed": []}


def start(status=200, *headers, **more):
    return {"type": "http.response.start", "status": status, "headers": list(headers), **more}


def body(piece=b"", more=False):
    return {"type": "http.response.body", "body": piece, "more_body": more}


async def text(send, value, status=200):
    await send(start(status, (b"content-type", b"text/plain")))
    await send(body(value if isinstance(value, bytes) else str(value).encode()))


async def read(receive):
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return pieces, False
        pieces.append(message["body"])
        if not message["more_body"]:
            return pieces, True


async def scope(scope, receive, send):
    await text(send, json.dumps(scope, default=lambda value: value.decode("latin-1")))


async def echo(scope, receive, send):
    pieces, _ = await read(receive)
    await text(send, b"".join(pieces))


async def answer_before_body(scope, receive, send):
    """Full duplex: the head goes out while the body is on its way."""
    await send(start())
    await send(body(b"go on ", True))
    pieces, _ = await read(receive)
    await send(body(str(sum(map(len, pieces))).encode()))


async def stream(scope, receive, send):
    await send(start(200, (b"content-type", b"text/plain")))
    for number in range(3):
        await send(body(b"%d\n" % number, True))
        await asyncio.sleep(0)
    await send(body())


async def large(scope, receive, send):
    await send(start())
    for _ in range(200):
        await send(body(b"x" * 65536, True))
    await send(body())


async def trailers(scope, receive, send):
    await send(start(200, (b"trailer", b"x-sum"), trailers=True))
    await send(body(b"body"))
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"4")]})


async def file(scope, receive, send):
    path = scope["query_string"].decode()
    await send(start(200, (b"content-length", b"%d" % os.path.getsize(path))))
    await send({"type": "http.response.pathsend", "path": path})


async def growing(scope, receive, send):
    path = scope["query_string"].decode()
    await send(start(200, (b"content-length", b"%d" % os.path.getsize(path))))
    sending = send({"type": "http.response.pathsend", "path": path})
    with open(path, "ab") as more:
        more.write(b"more")
    await sending


async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
    await text(send, "hinted")


async def disconnect(scope, receive, send):
    await receive()
    await send(start())
    await send(body(b"first", True))
    message = await receive()
    assert message["type"] == "http.disconnect", message
    state["disconnects"] += 1
    try:
        await send(body(b"late", True))
    except OSError:
        state["closed"].append("OSError")


async def whole(scope, receive, send):
    """All that was declared has been sent when the client leaves; only then it is said to be all."""
    await send(start(200, (b"content-length", b"5")))
    await send(body(b"whole", True))
    while (await receive())["type"] != "http.disconnect":
        pass
    try:
        await send(body(b"more", True))
    except OSError:
        await send(body(b""))
        state["whole"] = "complete"


async def two_receivers(scope, receive, send):
    first, second = await asyncio.gather(receive(), asyncio.wait_for(receive(), 10))
    pieces = [message.get("body", b"") for message in (first, second)]
    await text(send, b"".join(pieces))


async def receive_as_task(scope, receive, send):
    message = await asyncio.create_task(receive())
    await asyncio.create_task(send(start()))
    await asyncio.ensure_future(send(body(message["type"].encode())))


async def after_the_answer(scope, receive, send):
    await text(send, "answered")
    message = await receive()
    state["after"] = message["type"]


async def timeout(scope, receive, send):
    await receive()
    try:
        async with asyncio.timeout(0.01) if hasattr(asyncio, "timeout") else _timeout():
            await receive()
    except (TimeoutError, asyncio.TimeoutError):
        await text(send, "timed out")


class _timeout:
    async def __aenter__(self):
        raise TimeoutError

    async def __aexit__(self, *_):
        pass


async def told(scope, receive, send):
    await text(send, json.dumps(state))


# --- what is wrong ---


async def silent(scope, receive, send):
    pass


async def exact(scope, receive, send):
    await send(start(200, (b"x-Some", b"one"), (b"content-length", b"5")))
    await send(body(b"exact"))


async def head_only(scope, receive, send):
    await send(start())


async def unfinished(scope, receive, send):
    await send(start())
    await send(body(b"part", True))


async def body_first(scope, receive, send):
    await send(body(b"x"))


async def start_twice(scope, receive, send):
    await send(start())
    await send(start())


async def after_the_end(scope, receive, send):
    await text(send, "fine")
    try:
        await send(body(b"more"))
    except RuntimeError as error:
        state["after_the_end"] = str(error)


async def bad_type(scope, receive, send):
    await send({"type": "http.response.begin", "status": 200})


async def no_type(scope, receive, send):
    await send({"status": 200})


async def no_dict(scope, receive, send):
    await send("http.response.start")


async def no_status(scope, receive, send):
    await send({"type": "http.response.start"})


async def text_status(scope, receive, send):
    await send({"type": "http.response.start", "status": "200"})


async def text_header(scope, receive, send):
    await send(start(200, ("a", "b")))


async def split_header(scope, receive, send):
    await send(start(200, (b"a", b"b\r\nc: d")))


async def text_body(scope, receive, send):
    await send(start())
    await send(body("text"))


async def too_long(scope, receive, send):
    await send(start(200, (b"content-length", b"3")))
    await send(body(b"four"))


async def no_file(scope, receive, send):
    await send(start())
    await send({"type": "http.response.pathsend", "path": "/nowhere"})


async def no_path(scope, receive, send):
    await send(start())
    await send({"type": "http.response.pathsend", "path": b"app.py"})


async def too_short(scope, receive, send):
    await send(start(200, (b"content-length", b"30")))
    await send(body(b"four", True))
    await send(body())


async def raises(scope, receive, send):
    raise LookupError("on purpose")


async def raises_late(scope, receive, send):
    await send(start())
    await send(body(b"part", True))
    raise LookupError("on purpose, late")


async def app(scope_, receive, send):
    if scope_["type"] == "lifespan":
        await receive()
        scope_["state"]["loaded"] = "at start"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("the application shuts down", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await globals()[scope_["path"].rpartition("/")[2]](scope_, receive, send)
