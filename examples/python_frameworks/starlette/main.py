"""A small site with Starlette: `duet serve main:app`."""

import asyncio
import json
import pathlib

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import (FileResponse, HTMLResponse, JSONResponse, PlainTextResponse,
                                 RedirectResponse, StreamingResponse)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = pathlib.Path(__file__).parent.parent / "static"


async def home(request):
    return HTMLResponse("<h1>Hello</h1>" + "<p>text</p>" * 200)


async def user(request):
    return JSONResponse({"user": request.path_params["name"], "query": dict(request.query_params)})


async def save(request):
    try:
        data = await request.json()
    except json.JSONDecodeError as error:
        return JSONResponse({"error": error.msg}, 400)
    return JSONResponse({"saved": data}, 201)


async def upload(request):
    async with request.form() as form:
        file = form["file"]
        return JSONResponse({"name": file.filename, "size": len(await file.read())})


async def cookies(request):
    response = PlainTextResponse(request.cookies.get("seen", "never"))
    response.set_cookie("seen", "before", max_age=60)
    response.delete_cookie("other")
    return response


async def stream(request):
    text = await request.body()

    async def pieces():
        for start in range(0, len(text), 1000):
            yield text[start : start + 1000].upper()
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type="text/plain")


async def file(request):
    return FileResponse(STATIC / "style.css")


async def away(request):
    return RedirectResponse(request.url_for("user", name="ada").path)


async def broken(request):
    raise RuntimeError("on purpose")


async def not_found(request: Request, error):
    return JSONResponse({"missing": request.url.path}, 404)


app = Starlette(
    routes=[
        Route("/", home),
        Route("/file", file),
        Route("/cookies", cookies),
        Route("/stream", stream, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/away", away),
        Route("/broken", broken),
        Mount("/users", routes=[
            Route("/{name}", user, name="user"),
            Route("/{name}/settings", save, methods=["PUT"]),
        ]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ],
    middleware=[Middleware(GZipMiddleware, minimum_size=500)],
    exception_handlers={404: not_found},
)
