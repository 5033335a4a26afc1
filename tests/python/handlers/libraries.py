"""HTTP clients from PyPI on the host's loop. /<client>/<case> asks `x-server`, this very host."""

import asyncio
import importlib

import duet

MODULES = {name: importlib.import_module(name) for name in ("aiohttp", "httpx")}


# --- what they talk to: /server/<case> ---


async def serve_echo(request):
    return {"method": request.method, "body": await request.text(),
            "type": request.headers.get("content-type"), "agent": request.headers["user-agent"],
            "query": request.query.multi_items(), "cookie": request.headers.get("cookie")}


async def serve_pieces(request):
    async def pieces():
        for n in range(5):
            yield f"{n}\n"
            await asyncio.sleep(0.001)

    return duet.Response(pieces(), headers={"content-type": "text/plain"})


async def serve_large(request):
    return duet.Response(b"x" * 3_000_000)


async def serve_count(request):
    total = 0
    async for piece in request.body:
        total += len(piece)
    return {"total": total}


async def serve_redirect(request):
    return duet.Response.redirect("/server/echo?moved=1", 302)


async def serve_cookie(request):
    return duet.Response("set", headers={"set-cookie": "taste=sweet; Path=/"})


async def serve_missing(request):
    return duet.Response("no", 404)


async def serve_never(request):
    await request.signal.wait()
    return "nobody"


# --- aiohttp ---


async def aiohttp_tour(server):
    aiohttp = MODULES["aiohttp"]
    seen = {}

    async def produce():
        for _ in range(100):
            yield b"y" * 10_000
            await asyncio.sleep(0)

    jar = aiohttp.CookieJar(unsafe=True)  # without: none from a server without a name
    async with aiohttp.ClientSession(server, cookie_jar=jar) as session:
        async with session.post("/server/echo?a=1&a=2", json={"é": 1}) as answer:
            seen["json"] = await answer.json()
        async with session.post("/server/count", data=produce()) as answer:
            seen["upload"] = await answer.json()
        async with session.get("/server/pieces") as answer:
            seen["lines"] = [line.decode() async for line in answer.content]
        async with session.get("/server/large") as answer:
            seen["large"] = sum([len(piece) async for piece in answer.content.iter_chunked(65536)])
        async with session.get("/server/redirect") as answer:
            seen["moved"] = [str(answer.url.relative()), len(answer.history)]
        async with session.get("/server/cookie") as answer:
            await answer.read()
        async with session.get("/server/echo") as answer:
            seen["cookie"] = (await answer.json())["cookie"]

        async def one(n):
            async with session.get(f"/server/echo?n={n}") as answer:
                return (await answer.json())["query"][0][1]

        seen["together"] = await asyncio.gather(*(one(n) for n in range(50)))
        try:
            timeout = aiohttp.ClientTimeout(total=0.05)
            async with session.get("/server/never", timeout=timeout):
                pass
        except asyncio.TimeoutError:
            seen["timeout"] = True
        try:
            async with session.get("/server/missing", raise_for_status=True):
                pass
        except aiohttp.ClientResponseError as error:
            seen["status"] = error.status
        try:
            async with session.get("http://127.0.0.1:1/"):
                pass
        except aiohttp.ClientConnectorError:
            seen["refused"] = True
    return seen


# --- httpx ---


async def httpx_tour(server):
    httpx = MODULES["httpx"]
    seen = {}

    async def produce():
        for _ in range(100):
            yield b"y" * 10_000
            await asyncio.sleep(0)

    async with httpx.AsyncClient(base_url=server, timeout=20) as client:
        seen["json"] = (await client.post("/server/echo?a=1&a=2", json={"é": 1})).json()
        seen["upload"] = (await client.post("/server/count", content=produce())).json()
        async with client.stream("GET", "/server/pieces") as answer:
            seen["lines"] = [line + "\n" async for line in answer.aiter_lines()]
        async with client.stream("GET", "/server/large") as answer:
            seen["large"] = sum([len(piece) async for piece in answer.aiter_bytes()])
        answer = await client.get("/server/redirect", follow_redirects=True)
        seen["moved"] = [answer.url.raw_path.decode(), len(answer.history)]
        await client.get("/server/cookie")
        seen["cookie"] = (await client.get("/server/echo")).json()["cookie"]

        async def one(n):
            return (await client.get(f"/server/echo?n={n}")).json()["query"][0][1]

        seen["together"] = await asyncio.gather(*(one(n) for n in range(50)))
        try:
            await client.get("/server/never", timeout=0.05)
        except httpx.ReadTimeout:
            seen["timeout"] = True
        try:
            (await client.get("/server/missing")).raise_for_status()
        except httpx.HTTPStatusError as error:
            seen["status"] = error.response.status_code
        try:
            await client.get("http://127.0.0.1:1/")
        except httpx.ConnectError:
            seen["refused"] = True
    return seen


# --- anyio, which comes with httpx ---


async def anyio_tour(server):
    import anyio
    results = []

    async def add(n):
        await anyio.sleep(0.001)
        results.append(n)

    async with anyio.create_task_group() as group:
        for n in range(3):
            group.start_soon(add, n)
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(5)
    threaded = await anyio.to_thread.run_sync(lambda: "thread")
    return {"sum": sum(results), "moved_on": scope.cancelled_caught, "threaded": threaded}


async def fetch(request):
    _, part, case = request.path.split("/", 2)
    if part == "server":
        return await globals()[f"serve_{case}"](request)
    return await globals()[f"{part}_tour"](request.headers["x-server"])
