"""Server-sent events whose client leaves: every kind of handler is told, whether it was writing or not.

One table over all contracts. A client leaves by closing, or by resetting the connection.
"""

import json
import os
import pathlib
import socket
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet, eventually  # noqa: E402

# Each serves /ticking, which sends an event again and again, /silent, which sends one and then waits
# for ever, and /seen, what it has been told: [name of the stream, what].
FETCH_JS = """
    const seen = [];
    const encode = (text) => new TextEncoder().encode(text);
    export default (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/seen") return Response.json(seen);
      request.signal.addEventListener("abort", () => seen.push([pathname, "abort"]));
      let count = 0;
      const body = new ReadableStream({
        async pull(controller) {
          if (count++ > 0) {
            await new Promise((resolve) => { if (pathname === "/ticking") setTimeout(resolve, 2); });
          }
          controller.enqueue(encode("data: tick\\n\\n"));
        },
        cancel() { seen.push([pathname, "cancel"]); },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    """
NODE = """
    const seen = [];
    require("http").createServer((req, res) => {
      const { url } = req;
      if (url === "/seen") return res.end(JSON.stringify(seen));
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write("data: tick\\n\\n");
      const timer = url === "/ticking" ? setInterval(() => res.write("data: tick\\n\\n"), 2) : undefined;
      req.on("close", () => seen.push([url, "req close"]));
      res.on("close", () => {
        clearInterval(timer);
        seen.push([url, `res close ${res.writableFinished}`]);
      });
    }).listen(1);
    """
FETCH_PYTHON = """
import asyncio
from duet import Response

seen = []

async def fetch(request):
    if request.path == "/seen":
        return seen
    path = request.path
    request.signal.add_callback(lambda: seen.append([path, "signal"]))

    async def events():
        try:
            while True:
                yield "data: tick\\n\\n"
                await (asyncio.sleep(0.002) if path == "/ticking" else asyncio.Event().wait())
        finally:
            seen.append([path, "generator closed"])

    return Response(events(), headers={"content-type": "text/event-stream"})
"""
ASGI = """
import asyncio, json

seen = []

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    path = scope["path"]

    async def begin(kind):
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-type", kind)]})

    if path == "/seen":
        await begin(b"application/json")
        return await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

    async def ticks():
        while True:
            await send({"type": "http.response.body", "body": b"data: tick\\n\\n", "more_body": True})
            await (asyncio.sleep(0.002) if path == "/ticking" else asyncio.Event().wait())

    await receive()
    await begin(b"text/event-stream")
    task = asyncio.create_task(ticks())
    seen.append([path, (await receive())["type"]])
    task.cancel()
"""
WSGI = """
import json, time

seen = []

class Events:
    def __init__(self, path):
        self.path = path

    def __iter__(self):
        return self

    def __next__(self):
        time.sleep(0.002)
        return b"data: tick\\n\\n"

    def close(self):
        seen.append([self.path, "close"])

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/seen":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(seen).encode()]
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    return Events(path)
"""

BOTH = ("/ticking", "/silent")
# contract: (file, its text, what to serve, streams, what each is told). A WSGI application has its
# thread to itself while it makes the next piece: only then can it be told.
CONTRACTS = {
    "fetch-style JavaScript": ("app.mjs", FETCH_JS, "app.mjs", BOTH, ["abort", "cancel"]),
    "Node's http": ("app.cjs", NODE, "app.cjs", BOTH, ["req close", "res close false"]),
    "fetch-style Python": ("app.py", FETCH_PYTHON, "app.py", BOTH, ["generator closed", "signal"]),
    "ASGI": ("main.py", ASGI, "main:app", BOTH, ["http.disconnect"]),
    "WSGI": ("main.py", WSGI, "main:app", BOTH[:1], ["close"]),
}


def leave(client, how):
    if how == "resets":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class ClientLeaves(unittest.TestCase):
    def check(self, contract):
        file, text, target, streams, told = CONTRACTS[contract]
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / file).write_text(text)
            with Duet(os.environ["DUET"], [target], cwd=folder) as duet:
                for stream in streams:
                    for count, how in enumerate(("closes", "resets"), 1):
                        with self.subTest(stream=stream, client=how):
                            self.leaves(duet, stream, how, sorted(told * count))
                self.assertEqual([], [line for line in duet.output if '"level":"error"' in line])

    def leaves(self, duet, stream, how, told):
        client = duet.socket()
        client.sendall(f"GET {stream} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        received = b""
        while b"data: tick" not in received:
            piece = client.recv(65536)
            self.assertNotEqual(piece, b"", received)
            received += piece
        self.assertIn(b"text/event-stream", received)
        leave(client, how)
        seen = []

        def all_told():
            seen[:] = sorted(what for name, what in json.loads(duet.get("/seen").body)
                             if name == stream)
            return len(seen) >= len(told)

        try:
            eventually(all_told, "the handler is told")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None
        self.assertEqual(seen, told)


for name in CONTRACTS:
    setattr(ClientLeaves, f"test_{name}", lambda self, contract=name: self.check(contract))

if __name__ == "__main__":
    unittest.main(verbosity=2)
