"""A small guest book with Flask: `duet serve main:app`, or `duet serve main:create_app()`."""

import hashlib
import pathlib

from flask import (Blueprint, Flask, Response, abort, jsonify, make_response, redirect, request,
                   send_file, session, stream_with_context, url_for)

STATIC = pathlib.Path(__file__).parent.parent / "static"

book = Blueprint("book", __name__, url_prefix="/book")


@book.get("/<int:page>")
def page(page):
    if page > 99:
        abort(404, f"no page {page}")
    return {"page": page, "order": request.args.get("order", "newest")}


@book.post("/")
def sign():
    entry = request.get_json()
    if not isinstance(entry, dict) or not entry.get("name"):
        return jsonify(error="a name is needed"), 422
    return jsonify(entry=entry, by=request.headers.get("X-By")), 201


def create_app():
    app = Flask(__name__, static_folder=str(STATIC), static_url_path="/static")
    app.secret_key = "an example's"
    app.register_blueprint(book)

    @app.get("/")
    def home():
        return "<h1>Guests</h1>"

    @app.post("/upload")
    def upload():
        file = request.files["file"]
        content = file.read()
        return {"name": file.filename, "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(), "title": request.form["title"]}

    @app.put("/digest")
    def digest():
        sha = hashlib.sha256()
        while piece := request.stream.read(65536):
            sha.update(piece)
        return sha.hexdigest()

    @app.get("/visit")
    def visit():
        response = make_response(str(int(request.cookies.get("visits", "0")) + 1))
        response.set_cookie("visits", response.get_data(as_text=True), httponly=True)
        response.set_cookie("theme", "dark")
        return response

    @app.get("/session")
    def in_session():
        session["seen"] = True
        return "signed"

    @app.get("/old")
    def old():
        return redirect(url_for("book.page", page=1), 301)

    @app.get("/file")
    def file():
        return send_file(STATIC / "style.css", as_attachment=True)

    @app.get("/numbers")
    def numbers():
        def lines():
            for number in range(int(request.args.get("count", 5))):
                yield f"{number}\n"

        return Response(stream_with_context(lines()), mimetype="text/plain")

    @app.get("/broken")
    def broken():
        raise RuntimeError("on purpose")

    @app.errorhandler(404)
    def not_found(error):
        return {"missing": request.path, "why": error.description}, 404

    return app


app = create_app()
