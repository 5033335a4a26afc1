"""WebSockets of ASGI without a framework: a case a path, right and wrong ones."""

import asyncio
import json

told = {}


async def connect(receive):
    message = await receive()
    assert message == {"type": "websocket.connect"}, message


async def accept(receive, send, **more):
    await connect(receive)
    await send({"type": "websocket.accept", **more})


async def scope(scope, receive, send):
    await accept(receive, send)
    del scope["route"]
    text = json.dumps(scope, default=lambda value: value.decode("latin-1"))
    await send({"type": "websocket.send", "text": text})


async def denied(scope, receive, send):
    await connect(receive)
    await send({"type": "websocket.http.response.start", "status": 401,
                "headers": [(b"www-authenticate", b"Basic"), (b"content-length", b"9")]})
    await send({"type": "websocket.http.response.body", "body": b"who ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"else?"})
    told["denied"] = await receive()


async def rejected(scope, receive, send):
    await connect(receive)
    await send({"type": "websocket.close", "code": 4000})


async def waits(scope, receive, send):
    """A client may leave before it is accepted."""
    await connect(receive)
    told["waits"] = "connected"
    told["waits"] = await receive()
    try:
        await send({"type": "websocket.accept"})
    except OSError:
        told["accept"] = "OSError"


async def early_receive(scope, receive, send):
    await connect(receive)
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": (await waiting)["text"] + "!"})


async def cancelled_receive(scope, receive, send):
    """What came just before a receive() was cancelled is there for the next one."""
    await accept(receive, send)
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    await send({"type": "websocket.send", "text": "waiting"})
    while not waiting._fut_waiter.done():
        await asyncio.sleep(0)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        await send({"type": "websocket.send", "text": (await receive())["text"] + ", late"})


async def eager_receive(scope, receive, send):
    """A task that begins within the step that makes it, where Python has such."""
    await accept(receive, send)
    loop = asyncio.get_running_loop()
    more = {"eager_start": True} if hasattr(asyncio, "eager_task_factory") else {}
    waiting = asyncio.Task(receive(), loop=loop, **more)
    await asyncio.sleep(0)
    await send({"type": "websocket.send", "text": "waiting"})
    await send({"type": "websocket.send", "text": (await waiting)["text"] + "!"})


async def left(scope, receive, send):
    await accept(receive, send)
    told["left"] = [await receive(), await receive()]
    try:
        await send({"type": "websocket.send", "text": "anybody?"})
    except OSError:
        told["send"] = "OSError"
    await send({"type": "websocket.close"})


async def closes(scope, receive, send):
    await accept(receive, send)
    await send({"type": "websocket.close", "code": None, "reason": None})
    try:
        await send({"type": "websocket.send", "text": "more"})
    except RuntimeError as error:
        told["closes"] = str(error)


async def from_a_thread(scope, receive, send):
    await accept(receive, send)

    def foreign():
        try:
            asyncio.run(send({"type": "websocket.send", "text": "from a thread"}))
        except RuntimeError as error:
            return str(error)

    said = await asyncio.get_running_loop().run_in_executor(None, foreign)
    await send({"type": "websocket.send", "text": said})


# --- what is wrong; before the socket is accepted ---


async def silent(scope, receive, send):
    await connect(receive)


async def raises(scope, receive, send):
    raise LookupError("on purpose")


def sends(*messages):
    async def application(scope, receive, send):
        await connect(receive)
        for message in messages:
            await send(message)

    return application


ACCEPT = {"type": "websocket.accept"}
START = {"type": "websocket.http.response.start", "status": 400}

MISTAKES = {
    "send_first": sends({"type": "websocket.send", "text": "a"}),
    "http_start": sends({"type": "http.response.start", "status": 200}),
    "body_first": sends({"type": "websocket.http.response.body"}),
    "start_twice": sends(START, START),
    "accept_denied": sends(START, ACCEPT),
    "bad_status": sends({**START, "status": "400"}),
    "no_dict": sends("websocket.accept"),
    "no_type": sends({"subprotocol": "a"}),
    "protocol_bytes": sends({**ACCEPT, "subprotocol": b"a"}),
    "protocol_absent": sends({**ACCEPT, "subprotocol": "absent"}),
    "text_header": sends({**ACCEPT, "headers": [("a", "b")]}),
    "no_headers": sends({**ACCEPT, "headers": 5}),
    "split_header": sends({**ACCEPT, "headers": [(b"a", b"b\r\nc: d")]}),
    "protocol_header": sends({**ACCEPT, "headers": [(b"Sec-WebSocket-Protocol", b"a")]}),
    # after it
    "accept_twice": sends(ACCEPT, ACCEPT),
    "nothing": sends(ACCEPT, {"type": "websocket.send"}),
    "both": sends(ACCEPT, {"type": "websocket.send", "text": "a", "bytes": b"a"}),
    "text_bytes": sends(ACCEPT, {"type": "websocket.send", "text": b"a"}),
    "bytes_text": sends(ACCEPT, {"type": "websocket.send", "bytes": "a"}),
    "code_text": sends(ACCEPT, {"type": "websocket.close", "code": "1000"}),
    "code_reserved": sends(ACCEPT, {"type": "websocket.close", "code": 1006}),
}


async def raises_late(scope, receive, send):
    await accept(receive, send)
    raise LookupError("on purpose, late")


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})
        return
    name = scope["path"].rpartition("/")[2]
    scope["route"] = type("Route", (), {"path": f"/{{kind}}/{name}"})
    await (MISTAKES[name] if name in MISTAKES else globals()[name])(scope, receive, send)
