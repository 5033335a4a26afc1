"""The workloads: what is sent, what must come back."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "servers"))
sys.dont_write_bytecode = True

from order import answer  # noqa: E402  (the Python servers' own)

ORDER_HEADERS = {"content-type": "application/json", "x-tenant": "north",
                 "x-request-id": "7f9c24e8b1d04a53", "accept-language": "pt-PT"}


def order_body():
    """1,024 bytes of JSON."""
    lines = [{"sku": f"SKU-{1000 + i * 37}", "quantity": i + 2, "cents": 1999 + i * 731,
              "note": "leave it at the side door, please, and ring"} for i in range(10)]
    body = json.dumps({"customer": "Ada King Lovelace", "lines": lines}, separators=(",", ":"))
    assert len(body) == 1024, len(body)
    return body.encode()


class Workload:
    def __init__(self, name, title, path, script=None, batch=1):
        self.name, self.title, self.path, self.script, self.batch = name, title, path, script, batch

    def request(self):
        """One request as bytes, for checking an answer and for the time to the first one."""
        head = {"Host": "127.0.0.1", "Connection": "close"}
        body = b""
        if self.name == "order":
            head |= ORDER_HEADERS
            body = order_body()
            head["Content-Length"] = str(len(body))
        lines = [f"{'POST' if body else 'GET'} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in head.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def expected(self):
        """The answer's body: text, or the value that its JSON must have."""
        if self.name == "order":
            return answer("4711", ORDER_HEADERS["x-tenant"], ORDER_HEADERS["x-request-id"],
                          ORDER_HEADERS["accept-language"], json.loads(order_body()))
        if self.name in ("express", "fastify"):
            return {"hello": "ada"}
        if self.name in ("fastapi", "flask"):
            return {"id": 7, "q": "tea"}
        return "Hello, World!"

    def matches(self, body):
        try:
            text = body.decode()
            expected = self.expected()
            return (json.loads(text) if isinstance(expected, dict) else text) == expected
        except ValueError:
            return False


HELLO = Workload("hello", "(a) a 13-byte answer", "/")
ORDER = Workload("order", "(b) route parameter, 3 headers, 1 KB JSON in, 2 KB JSON out, one await",
                 "/orders/4711", "order.lua")
PIPELINE = Workload("pipeline", "(a) with 16 requests pipelined", "/", "pipeline.lua", 16)
EXPRESS = Workload("express", "(c) Express: a route parameter in, JSON out", "/hello/ada")
FASTIFY = Workload("fastify", "(c) Fastify: a route parameter in, JSON out", "/hello/ada")
FASTAPI = Workload("fastapi", "(d) FastAPI: a path and a query parameter, JSON out", "/items/7?q=tea")
FLASK = Workload("flask", "(d) Flask: a path and a query parameter, JSON out", "/items/7?q=tea")
WORKLOADS = [HELLO, ORDER, PIPELINE, EXPRESS, FASTIFY, FASTAPI, FLASK]
