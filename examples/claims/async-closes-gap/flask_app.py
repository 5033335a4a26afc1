import time

from flask import Flask

WAIT = 0.01  # seconds

app = Flask(__name__)


@app.get("/items/<int:item>")
def at_once(item):
    return {"id": item, "name": "tea", "price": 3.5}


@app.get("/slow/<int:item>")
def slow(item):
    time.sleep(WAIT)
    return {"id": item, "name": "tea", "price": 3.5}
