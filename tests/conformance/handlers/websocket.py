"""The twin of websocket.mjs: what conformance/websocket_test.cc asks for, by the path's last part."""

import asyncio

import duet

state = {"closed": [], "errors": 0, "drained": 0, "seen": 0}
rooms = set()


async def report(request):
    return state


async def echo(request):
    ws = await request.websocket()
    async for message in ws:
        await ws.send(message)
    state["closed"].append([ws.close_code, ws.close_reason, ws.close_code != 1006])


async def loop(request):
    ws = await request.websocket()
    while (message := await ws.receive()) != "stop":
        await ws.send(f"{message}!" if isinstance(message, str) else message)


async def late(request):
    ws = request.websocket()
    await asyncio.sleep(0.02)  # what came meanwhile waits
    async for message in ws:
        await ws.send(f"late {message}")


async def hello(request):
    ws = await request.websocket()
    await ws.send("hello")
    await ws.close(4000, "that was all")


async def protocol(request):
    ws = await request.websocket("chat.v2", {"x-more": "yes"})
    await ws.send(ws.protocol)
    async for message in ws:
        pass


async def chat(request):
    ws = await request.websocket()
    rooms.add(ws)
    try:
        async for message in ws:
            for member in list(rooms):
                try:
                    await member.send(message)
                except duet.WebSocketClosed:
                    pass  # has just left
    finally:
        rooms.discard(ws)


async def throws(request):
    ws = await request.websocket()
    await ws.receive()
    raise RuntimeError("misbehaves")


async def flood(request):
    ws = await request.websocket()
    await ws.receive()
    sends = [asyncio.ensure_future(ws.send(bytes(100_000))) for _ in range(150)]
    await asyncio.gather(*sends)
    state["drained"] += 1
    async for message in ws:
        pass


async def slow(request):
    ws = await request.websocket()
    async for message in ws:
        state["seen"] += 1
        await asyncio.sleep(0.001)


async def wrong(request):
    ws = await request.websocket()
    told = []
    for mistake in (
        lambda: ws.close(1005),
        lambda: ws.close(1000, "x" * 124),
        lambda: ws.send(42),
        lambda: request.websocket(),
    ):
        try:
            await mistake()
            told.append("no error")
        except Exception as error:
            told.append(type(error).__name__)
    await ws.send(" ".join(told))
    await ws.receive()


routes = {
    "state": report, "echo": echo, "loop": loop, "late": late, "hello": hello,
    "protocol": protocol, "chat": chat, "throws": throws, "flood": flood, "slow": slow,
    "wrong": wrong,
}


async def fetch(request: duet.Request):
    return await routes[request.path.split("/")[-1]](request)
