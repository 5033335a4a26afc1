"""A small shop with FastAPI: run it with `duet serve main:app`, as you would with uvicorn."""

import asyncio
import hashlib
import pathlib
import time
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import (BackgroundTasks, Cookie, Depends, FastAPI, File, Form, Header, HTTPException,
                     Query, Request, Response, UploadFile, WebSocket,
                     WebSocketDisconnect)
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, ValidationError

STATIC = pathlib.Path(__file__).parent.parent / "static"


@asynccontextmanager
async def lifespan(app):
    app.state.notes = []
    yield {"stock": {1: "tea", 2: "coffee"}}


app = FastAPI(title="Shop", lifespan=lifespan)
app.mount("/static", StaticFiles(directory=STATIC), name="static")


class Item(BaseModel):
    name: str = Field(min_length=1, max_length=40)
    price: float = Field(gt=0)
    tags: list[str] = []


class SoldOut(Exception):
    pass


@app.exception_handler(SoldOut)
async def sold_out(request: Request, error: SoldOut):
    return PlainTextResponse(f"sold out: {error}", status_code=410)


@app.middleware("http")
async def count(request: Request, call_next):
    response = await call_next(request)
    response.headers["x-shop"] = "open"
    return response


def customer(authorization: Annotated[str | None, Header()] = None):
    if authorization != "Bearer letmein":
        raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Bearer"})
    return "ada"


@app.get("/items/{item_id}")
async def read_item(request: Request, item_id: int, detail: bool = False,
                    limit: Annotated[int, Query(ge=1, le=100)] = 10):
    name = request.state.stock.get(item_id)
    if name is None:
        raise HTTPException(404, f"no item {item_id}")
    return {"id": item_id, "name": name, "detail": detail, "limit": limit}


@app.post("/items", status_code=201)
async def create_item(item: Item, background: BackgroundTasks):
    background.add_task(app.state.notes.append, item.name)
    return {"item": item, "total": round(item.price * 1.19, 2)}


@app.get("/notes")
async def notes():
    return {"notes": len(app.state.notes) > 0}


@app.get("/me")
async def me(name: Annotated[str, Depends(customer)]):
    return {"name": name}


@app.post("/upload")
async def upload(file: Annotated[UploadFile, File()], title: Annotated[str, Form()] = "untitled"):
    content = await file.read()
    return {"title": title, "name": file.filename, "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest()}


@app.put("/digest")
async def digest(request: Request):
    sha = hashlib.sha256()
    async for piece in request.stream():
        sha.update(piece)
    return sha.hexdigest()


@app.get("/visit")
async def visit(response: Response, visits: Annotated[int, Cookie()] = 0):
    response.set_cookie("visits", str(visits + 1), httponly=True)
    response.set_cookie("theme", "dark")
    return visits + 1


@app.get("/old")
async def old():
    return RedirectResponse("/items/1", status_code=308)


@app.get("/slow")
def slow(seconds: float = 0.0):
    """A plain `def`: in one of AnyIO's threads."""
    time.sleep(min(seconds, 5))
    return {"slept": seconds}


@app.get("/ticks")
async def ticks(count: int = 3):
    async def events():
        for number in range(count):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0)

    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/gone")
async def gone():
    raise SoldOut("tea")


@app.get("/broken")
async def broken():
    raise RuntimeError("on purpose")


class Said(BaseModel):
    say: str = Field(min_length=1)


rooms: dict[str, dict[str, WebSocket]] = {}


@app.websocket("/rooms/{name}")
async def room(socket: WebSocket, name: str, who: str):
    if name == "closed":
        await socket.close(1008)
        return
    protocol = "chat" if "chat" in socket.scope["subprotocols"] else None
    await socket.accept(subprotocol=protocol, headers=[(b"x-room", name.encode())])
    members = rooms.setdefault(name, {})
    members[who] = socket

    async def tell(event):
        for member in list(members.values()):
            await member.send_json(event)

    await tell({"in": who})
    try:
        while "text" in (message := await socket.receive()) and message["text"] is not None:
            try:
                said = Said.model_validate_json(message["text"])
                await tell({"who": who, "said": said.say})
            except ValidationError as error:
                await tell({"who": who, "wrong": error.errors()[0]["type"]})
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        del members[who]
        await socket.send_bytes(message["bytes"])
        await tell({"out": who})
        await socket.close(4000, "left")
    except WebSocketDisconnect:
        del members[who]


admin = FastAPI(title="Admin")


@admin.get("/reports/{year}")
async def report(request: Request, year: int):
    return {"year": year, "root": request.scope["root_path"]}


app.mount("/admin", admin)
