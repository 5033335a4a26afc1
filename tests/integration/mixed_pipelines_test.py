"""Requests of all contracts in the same pipelines: each answer is that of its request, in its place.

The loop reads all sockets, runs what came, an engine after the other, and sends then. So the requests
of a turn belong to many connections and several handlers, which answer at once or later, in one piece or
in two; bodies come whole, in chunks, or cut anywhere.
"""

import asyncio
import os
import pathlib
import random
import sys
import tempfile
import textwrap
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet  # noqa: E402

# Each answers "ID LENGTH CRC" of what it was sent.
FILES = {
    "fetch.mjs": """
        import { crc32 } from "node:zlib";
        export default async (request) => {
          const body = new Uint8Array(await request.arrayBuffer());
          if (body.length % 3 === 0) await new Promise((resolve) => setTimeout(resolve, body.length % 5));
          return new Response(`${request.headers.get("x-id")} ${body.length} ${crc32(body)}`);
        };
        """,
    "node.cjs": """
        const { crc32 } = require("zlib");
        require("http").createServer((req, res) => {
          let length = 0, crc = 0;
          req.on("data", (piece) => { length += piece.length; crc = crc32(piece, crc); });
          req.on("end", () => {
            const text = `${req.headers["x-id"]} ${length} ${crc}`;
            if (length % 2) return res.end(text);
            res.write(text.slice(0, 2));
            setImmediate(() => res.end(text.slice(2)));
          });
        }).listen(1);
        """,
    "main.py": """
        import asyncio, zlib

        async def fetch(request, env, ctx):
            body = await request.bytes()
            if len(body) % 3 == 0:
                await asyncio.sleep(0)
            return f"{request.headers['x-id']} {len(body)} {zlib.crc32(body)}"

        def wsgi(environ, start_response):
            body = environ["wsgi.input"].read()
            start_response("200 OK", [])
            text = f"{environ['HTTP_X_ID']} {len(body)} {zlib.crc32(body)}".encode()
            return [text[:2], text[2:]]

        async def asgi(scope, receive, send):
            if scope["type"] != "http":
                raise NotImplementedError
            body, more = b"", True
            while more:
                message = await receive()
                body += message["body"]
                more = message["more_body"]
            id = dict(scope["headers"])[b"x-id"].decode()
            text = f"{id} {len(body)} {zlib.crc32(body)}".encode()
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": text[:2], "more_body": True})
            await send({"type": "http.response.body", "body": text[2:]})
        """,
}
HANDLERS = ["fetch.mjs", "node.cjs", "main.py", "main:wsgi", "main:asgi"]
CONNECTIONS, REQUESTS = 40, 60  # of each
SEED = int(os.environ.get("SEED", 7))


def request(chance, id):
    """→ (its bytes, the body of its answer)"""
    body = chance.randbytes(chance.choice([0, 1, 5, 100, 999, 5000, 20_000]))
    head = f"POST /{chance.randrange(len(HANDLERS))}/ HTTP/1.1\r\nHost: a\r\nX-Id: {id}\r\n"
    if chance.random() < 0.6:
        sent = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    else:
        sent, at = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), 0
        while at < len(body):
            piece = body[at:at + chance.choice([1, 7, 500, 4000])]
            sent += b"%x\r\n%s\r\n" % (len(piece), piece)
            at += len(piece)
        sent += b"0\r\n\r\n"
    return sent, f"{id} {len(body)} {zlib.crc32(body)}"


async def answer(reader):
    """→ (its status, its body)"""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    body = b""
    if "\r\ntransfer-encoding: chunked\r\n" in head:
        while length := int(await reader.readline(), 16):
            body += (await reader.readexactly(length + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(head.partition("content-length:")[2].split()[0]))
    return int(head.split()[1]), body.decode()


async def converse(port, name, test):
    chance = random.Random(f"{SEED} {name}")
    asked = [request(chance, f"{name}-{i}") for i in range(REQUESTS)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send():
        sent, at = b"".join(sent for sent, _ in asked), 0
        while at < len(sent):
            size = chance.choice([1, 40, 700, 5000, 30_000])
            writer.write(sent[at:at + size])
            at += size
            await writer.drain()

    sending = asyncio.ensure_future(send())
    for _, expected in asked:
        test.assertEqual(await answer(reader), (200, expected))
    await sending
    writer.close()


class MixedPipelines(unittest.TestCase):
    def test_each_answer_is_that_of_its_request(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, source in FILES.items():
                pathlib.Path(folder, name).write_text(textwrap.dedent(source))
            pathlib.Path(folder, "duet.toml").write_text("".join(
                f'[handlers.h{i}]\nsource = "{source}"\n'
                f'[[routes]]\npath = "/{i}/*"\nhandler = "h{i}"\n'
                for i, source in enumerate(HANDLERS)))

            async def all_at_once(port):
                await asyncio.wait_for(asyncio.gather(
                    *(converse(port, name, self) for name in range(CONNECTIONS))), 100)

            with Duet(os.environ["DUET"], ["duet.toml"], cwd=folder) as duet:
                asyncio.run(all_at_once(duet.port))


if __name__ == "__main__":
    unittest.main()
