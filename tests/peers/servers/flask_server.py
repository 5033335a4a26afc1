"""Flask for duet and for gunicorn."""

from flask import Flask, request

app = Flask(__name__)


@app.get("/items/<int:id>")
def item(id):
    return {"id": id, "q": request.args["q"]}
