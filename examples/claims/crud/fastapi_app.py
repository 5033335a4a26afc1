from fastapi import FastAPI, Response
from pydantic import BaseModel
from sqlite_store import SqliteStore

app = FastAPI()
store = SqliteStore()


class Item(BaseModel):
    id: int = 0
    name: str
    price: float


@app.get("/items/{number}")
async def get(number: int):
    return await store.get(number) or {"error": "no such item"}


@app.post("/items", status_code=201)
async def post(item: Item):
    await store.put(item.id, item.name, item.price)
    return item


@app.put("/items/{number}")
async def put(number: int, item: Item):
    await store.put(number, item.name, item.price)
    return {"id": number, "name": item.name, "price": item.price}


@app.delete("/items/{number}")
async def delete(number: int):
    await store.remove(number)
    return Response(status_code=204)
