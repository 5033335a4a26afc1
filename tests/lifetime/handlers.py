"""The twin of handlers.mjs."""

import asyncio
import gc

from duet import Response

kept = []
failures = 0


async def pieces():
    for _ in range(50):
        await asyncio.sleep(0.001)
        yield b"x" * 1000


async def later(request):
    await asyncio.sleep(0.05)
    try:
        request.headers.get("x-a")
    except RuntimeError:
        pass


async def fetch(request, env, ctx):
    global failures
    what = request.params["rest"]
    if what == "state":
        return {"kept": len(kept), "failures": failures}
    if what == "collect":
        gc.collect()
        return "collected"
    if what == "await":
        await asyncio.sleep(0.005)
        return "awaited"
    if what == "body":
        return str(len(await request.text()))
    if what == "stream":
        return Response(pieces())
    if what == "keep":
        kept.append(request)
        return "kept"
    if what == "use":
        for old in kept:
            for use in (lambda: old.headers.get("x-late"), lambda: old.text(), lambda: old.params,
                        lambda: old.signal.aborted, lambda: old.query.get("a")):
                try:
                    value = use()
                    if hasattr(value, "__await__"):
                        await value
                except Exception:
                    failures += 1
        return "used"
    if what == "after":
        ctx.wait_until(later(request))
        return "answered"
    garbage = [{"i": i, "text": f"{what}{i}", "self": None} for i in range(200)]
    for one in garbage:
        one["self"] = one
    return str(len(garbage))
