"""WSGI applications without a framework: a case a path, right and wrong ones."""

import json
import os
import sys
import time
import wsgiref.validate

closed = []


def checked(environ, start_response):
    """Right ones; wsgiref's validator stands between them and the server."""
    path = environ["PATH_INFO"]
    if path == "/environ":
        plain = {key: value for key, value in environ.items() if isinstance(value, (str, bool))}
        return answer(start_response, json.dumps(plain).encode())
    if path == "/echo":
        size = int(environ.get("CONTENT_LENGTH") or 0)
        return answer(start_response, environ["wsgi.input"].read(size))
    if path == "/lines":
        return answer(start_response, str(list(environ["wsgi.input"])).encode())
    if path == "/write":
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"one ")
        write(b"two ")
        return [b"three"]
    if path == "/pieces":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"%d\n" % number for number in range(3))
    if path == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](open(__file__, "rb"), 100)
    return answer(start_response, b"hello")


def answer(start_response, body, status="200 OK"):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


app = wsgiref.validate.validator(checked)


class Closing:
    def __init__(self, pieces):
        self.pieces = iter(pieces)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pieces)

    def close(self):
        closed.append(True)


def failing():
    yield b"part"
    raise LookupError("on purpose, late")


def wild(environ, start_response):
    """What the validator would not let through."""
    path = environ["PATH_INFO"].lstrip("/")
    if path == "all":  # of a body that comes while the application runs
        size = 0
        while piece := environ["wsgi.input"].read(50_000):
            size += len(piece)
        return answer(start_response, str(size).encode())
    if path == "closes":
        start_response("200 OK", [])
        return Closing([b"a", b"", b"b"])
    if path == "closed":
        return answer(start_response, str(len(closed)).encode())
    if path == "wait":
        while not os.path.exists(environ["QUERY_STRING"]):
            time.sleep(0.005)
        return answer(start_response, b"waited")
    if path == "replaced":
        start_response("200 OK", [])
        try:
            raise LookupError("on purpose")
        except LookupError:
            start_response("502 Bad Gateway", [("X-Why", "replaced")], sys.exc_info())
        return [b"replaced"]
    if path == "late":
        start_response("200 OK", [])
        return failing()
    if path == "never":
        return [b"x"]
    if path == "empty":
        return []
    if path == "nothing":
        return None
    if path == "twice":
        start_response("200 OK", [])
        start_response("200 OK", [])
    if path == "number":
        start_response(200, [])
    if path == "tuple":
        start_response("200 OK", ())
    if path == "text":
        start_response("200 OK", [])
        return ["text"]
    if path == "header":
        start_response("200 OK", [("A", 1)])
        return []
    if path == "split":
        start_response("200 OK", [("A", "b\r\nC: d")])
        return []
    if path == "short":
        start_response("200 OK", [("Content-Length", "5")])
        return [b"four"]
    if path == "long":
        start_response("200 OK", [("Content-Length", "3")])
        return [b"four"]
    if path == "exit":
        sys.exit(3)
    raise LookupError("on purpose")
