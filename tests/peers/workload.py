"""The workloads: what is sent, what must come back."""

import base64
import json
import os
import socket
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "servers"))
sys.dont_write_bytecode = True

from order import answer  # noqa: E402  (the Python servers' own)
from process import PeerError, fetch  # noqa: E402

ORDER_HEADERS = {"content-type": "application/json", "x-tenant": "north",
                 "x-request-id": "7f9c24e8b1d04a53", "accept-language": "pt-PT"}


def order_body():
    """1,024 bytes of JSON."""
    lines = [{"sku": f"SKU-{1000 + i * 37}", "quantity": i + 2, "cents": 1999 + i * 731,
              "note": "leave it at the side door, please, and ring"} for i in range(10)]
    body = json.dumps({"customer": "Ada King Lovelace", "lines": lines}, separators=(",", ":"))
    assert len(body) == 1024, len(body)
    return body


class Workload:
    """`server`: what a server is told to be; `expected`: the body of its answer, or the value that its
    JSON must have; `share`: of the time that others get."""

    def __init__(self, name, title, path, expected, server=None, headers=(), body="", pipeline=1, share=1):
        self.name, self.title, self.path, self.expected = name, title, path, expected
        self.server, self.headers, self.body = server or name, dict(headers), body
        self.pipeline, self.share = pipeline, share

    def options(self):
        """What `duet bench` is told to send."""
        options = ["--path", self.path, "--pipeline", str(self.pipeline)]
        for field in self.headers.items():
            options += ["--header", ": ".join(field)]
        return options + (["--body", self.body] if self.body else [])

    def ask(self, port, path=None):
        """The status and the body of one answer."""
        head = {"Host": "127.0.0.1", "Connection": "close", **self.headers}
        if self.body:
            head["Content-Length"] = str(len(self.body))
        lines = [f"{'POST' if self.body else 'GET'} {path or self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        return fetch(port, ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode())

    def matches(self, body):
        try:
            text = body.decode()
            return (json.loads(text) if isinstance(self.expected, dict) else text) == self.expected
        except ValueError:
            return False


class Echo(Workload):
    """A WebSocket that sends a text message back, of fewer than 126 bytes."""

    def options(self):
        return [*super().options(), "--websocket"]

    def ask(self, port, path=None):
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            key = base64.b64encode(os.urandom(16)).decode()
            connection.sendall(f"GET {path or self.path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                               f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                               f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
            answers = connection.makefile("rb")
            status = answers.readline()
            while answers.readline().strip():
                pass
            if b" 101 " not in status:
                raise PeerError(f"no WebSocket: {status!r}")
            size, mask = len(self.body), b"\x11\x22\x33\x44"
            connection.sendall(bytes([0x81, 0x80 | size]) + mask
                               + bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.body.encode())))
            return 101, answers.read(2 + size)[2:]


TEXT = "Hello, World!"
MESSAGE = "a message of thirty-two bytes..."
# Twelve servers, some with 200,000 answers a second, and a million where they are pipelined: the bench keeps
# 12 million requests of a run.
HELLO = Workload("hello", "(a) a 13-byte answer", "/", TEXT, share=0.75)
ORDER = Workload("order", "(b) route parameter, 3 headers, 1 KB JSON in, 2 KB JSON out, one await",
                 "/orders/4711",
                 answer("4711", *list(ORDER_HEADERS.values())[1:], json.loads(order_body())),
                 headers=ORDER_HEADERS, body=order_body())
PIPELINE = Workload("pipeline", "(a) with 16 requests pipelined", "/", TEXT, "hello", pipeline=16, share=0.15)
EXPRESS = Workload("express", "(c) Express: a route parameter in, JSON out", "/hello/ada", {"hello": "ada"})
FASTIFY = Workload("fastify", "(c) Fastify: a route parameter in, JSON out", "/hello/ada", {"hello": "ada"})
FASTAPI = Workload("fastapi", "(d) FastAPI: a path and a query parameter, JSON out", "/items/7?q=tea",
                   {"id": 7, "q": "tea"})
FLASK = Workload("flask", "(d) Flask: a path and a query parameter, JSON out", "/items/7?q=tea",
                 {"id": 7, "q": "tea"})
ECHO = Echo("websocket", "(e) WebSocket: a message of 32 bytes sent back", "/", MESSAGE, body=MESSAGE)
WORKLOADS = [HELLO, ORDER, PIPELINE, EXPRESS, FASTIFY, FASTAPI, FLASK, ECHO]
