"""FastAPI for duet and for uvicorn."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{id}")
async def item(id: int, q: str):
    return {"id": id, "q": q}
