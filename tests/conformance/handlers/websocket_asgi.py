"""websocket.py as an ASGI application: what conformance/websocket_test.cc asks for, by the path's
last part."""

import asyncio
import json

state = {"closed": [], "errors": 0, "drained": 0, "seen": 0}
rooms = set()


class Left(Exception):
    pass


async def accept(receive, send, **more):
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", **more})


async def take(receive):
    message = await receive()
    if message["type"] == "websocket.disconnect":
        raise Left(message["code"], message["reason"])
    return message["text"] if "text" in message else message["bytes"]


async def say(send, message):
    await send({"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message})


async def echo(scope, receive, send):
    await accept(receive, send)
    try:
        while True:
            await say(send, await take(receive))
    except Left as left:
        code, reason = left.args
        state["closed"].append([code, reason, code != 1006])


async def loop(scope, receive, send):
    await accept(receive, send)
    while (message := await take(receive)) != "stop":
        await say(send, f"{message}!" if isinstance(message, str) else message)


async def late(scope, receive, send):
    await accept(receive, send)
    await asyncio.sleep(0.02)  # what came meanwhile waits
    while True:
        await say(send, f"late {await take(receive)}")


async def hello(scope, receive, send):
    await accept(receive, send)
    await say(send, "hello")
    await send({"type": "websocket.close", "code": 4000, "reason": "that was all"})


async def protocol(scope, receive, send):
    await accept(receive, send, subprotocol="chat.v2", headers=[(b"x-more", b"yes")])
    await say(send, "chat.v2")
    await take(receive)


async def chat(scope, receive, send):
    await accept(receive, send)
    rooms.add(send)
    try:
        while True:
            message = await take(receive)
            for member in list(rooms):
                try:
                    await say(member, message)
                except OSError:
                    pass  # has just left
    finally:
        rooms.discard(send)


async def throws(scope, receive, send):
    await accept(receive, send)
    await take(receive)
    raise RuntimeError("misbehaves")


async def flood(scope, receive, send):
    await accept(receive, send)
    await take(receive)
    await asyncio.gather(*(say(send, bytes(100_000)) for _ in range(150)))
    state["drained"] += 1
    await take(receive)


async def slow(scope, receive, send):
    await accept(receive, send)
    while True:
        await take(receive)
        state["seen"] += 1
        await asyncio.sleep(0.001)


async def wrong(scope, receive, send):
    await accept(receive, send)
    told = []
    for mistake in (
        {"type": "websocket.close", "code": 1005},
        {"type": "websocket.close", "reason": "x" * 124},
        {"type": "websocket.send", "text": 42},
        {"type": "websocket.accept"},
    ):
        try:
            await send(mistake)
            told.append("no error")
        except Exception as error:
            told.append(type(error).__name__)
    await say(send, " ".join(told))
    await take(receive)


routes = {
    "echo": echo, "loop": loop, "late": late, "hello": hello, "protocol": protocol, "chat": chat,
    "throws": throws, "flood": flood, "slow": slow, "wrong": wrong,
}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": json.dumps(state).encode()})
        return
    try:
        await routes[scope["path"].split("/")[-1]](scope, receive, send)
    except Left:
        pass
