"""The twin of behaviour.mjs: what conformance/behaviour_test.cc asks for, by the path's last part."""

import asyncio
import sys
import time

from duet import Response

state = {"aborted": 0, "reason": None, "cancelled": 0, "produced": 0, "late": 0}
gate = None


async def hello(request):
    return "hello"


async def report(request):
    return state


async def release(request):
    if gate is not None:
        gate.set()
    return "released"


async def waits(request):
    def aborted():
        state["aborted"] += 1
        state["reason"] = request.signal.reason

    request.signal.add_callback(aborted)
    await asyncio.sleep(20)
    return "never read"


async def stepwise(request):
    global gate
    gate = asyncio.Event()

    async def pieces(gate):
        yield "one"
        await gate.wait()
        yield "two"

    return Response(pieces(gate))


async def ticks(request):
    async def pieces():
        try:
            while True:
                await asyncio.sleep(0.002)
                yield "tick\n"
        finally:
            state["cancelled"] += 1

    return Response(pieces())


async def flood(request):
    async def pieces():
        piece = b"x" * 16384
        try:
            while True:
                state["produced"] += len(piece)
                yield piece
        finally:
            state["cancelled"] += 1

    return Response(pieces())


async def mirror(request):
    return Response(request.body)


async def ordered(request):
    await asyncio.sleep(int(request.query["ms"]) / 1000)
    return request.query["n"]


# --- misbehaviour ---


async def throws(request):
    raise RuntimeError("misbehaves")


async def rejects(request):
    await asyncio.sleep(0.001)
    raise RuntimeError("misbehaves")


async def exits(request):
    sys.exit(1)


async def wrong(request):
    return 42


async def nothing(request):
    pass


async def never(request):
    await asyncio.get_running_loop().create_future()


async def lost(request):
    async def fails():
        raise RuntimeError("misbehaves")

    asyncio.ensure_future(fails())
    await asyncio.get_running_loop().create_future()


async def torn(request):
    async def pieces():
        yield "begun"
        await asyncio.sleep(0.001)
        raise RuntimeError("misbehaves")

    return Response(pieces())


async def blocks(request):
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        pass
    return "blocked"


async def loops(request):
    while True:
        pass


async def loopsLater(request):
    await asyncio.sleep(0.001)
    while True:
        pass


routes = dict(globals(), state=report)


async def fetch(request):
    return await routes[request.params["rest"].split("/")[-1]](request)
