"""compare.py FOLDER NAME: an application on duet and on plain Node, asked the same, header by header.

Left out are the fields that speak of the connection or of the moment: the host's own are allowed to
differ there (Connection, Keep-Alive, Date).
"""

import gzip
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest
from urllib.parse import quote

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import DEADLINE, Duet, reserved_port  # noqa: E402

OF_THE_MOMENT = {"date", "connection", "keep-alive"}
OF_THE_HOST = {"content-length": "Content-Length"}  # written as the host writes it
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=cut"}
UPLOAD = (b'--cut\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
          b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
          b'Content-Type: text/plain\r\n\r\n' + b"x" * 100_000 + b"\r\n--cut--\r\n")

SHOP = [
    ("GET", "/items", {}, None), ("GET", "/items?q=rop", {}, None), ("GET", "/items/1", {}, None),
    ("HEAD", "/items/1", {}, None), ("GET", "/items/9", {}, None), ("GET", "/nowhere", {}, None),
    ("POST", "/items", JSON, b'{"name":"saw","cents":1500}'),
    ("POST", "/items", JSON, b'{"name":"","cents":"x"}'), ("POST", "/items", JSON, b'{"name":'),
    ("POST", "/items", JSON, [b'{"name":"sa', b'w","cents":1}']),
    ("POST", "/upload", FORM, UPLOAD), ("GET", "/login", {}, None),
    ("GET", "/whoami", {"Cookie": "session=s1; theme=dark"}, None), ("GET", "/whoami", {}, None),
    ("GET", "/report", {}, None), ("GET", "/files/about.txt", {}, None),
    ("GET", "/files/none.txt", {}, None), ("GET", "/fail", {}, None),
    ("DELETE", "/items/1", {}, None), ("OPTIONS", "/items", {}, None),
    ("GET", "/items/1", {"If-None-Match": 'W/"27-czi+950e+iXPcUv1KAlg4LqBa60"'}, None),
]
TRAILERS = (b"POST /trailers-received HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTrailer: x-end\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-End: 1\r\nx-end:  2 \r\nY: z\r\n\r\n")
PLAIN = [
    *[("GET", path, {}, None) for path in
      ("/hello", "/head", "/array", "/merged", "/refused", "/sent", "/encodings", "/trailers",
       "/strict", "/events", "/events/seen", "/drain", "/not-modified", "/no-content", "/length", "/flushed",
       "/after-end", "/after-end/seen", "/hints", "/dateless", "/processing", "/strict/seen",
       "/trailer-refused", "/complete", "/timeouts", "/timeout-off", "/timeout-unheard",
       "/destroyed")],
    *[("GET", f"/reasons?{quote(json.dumps(case))}", {}, None) for case in
      ([200, "Fine"], [200, ""], [404, ""], [404, None], [413, None], [422, None], [299, None],
       [700, None], [999, "Own Words"], [418, "a b\tc"])],
    ("RAW", "/trailers-received", {}, TRAILERS),
    *[("HEAD", path, {}, None) for path in ("/hello", "/length", "/encodings", "/drain")],
    ("GET", "/seen?a=1", {"X-Twice": "1", "x-Twice": "2", "Cookie": "a=b"}, None),
    ("POST", "/seen", {"Content-Type": "a/b"}, b"unread"),
    ("POST", "/echo", {"Content-Type": "a/b"}, b"e" * 300_000),
    ("POST", "/echo", {"Content-Type": "a/b"}, [b"in ", b"pieces"]),
    ("POST", "/collect", {}, "h\u00e9llo".encode() * 50_000), ("POST", "/collect", {}, b""),
]


def ask(port, request):
    method, target, headers, body = request
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        if method == "RAW":  # what http.client cannot send
            connection.connect()
            connection.send(body)
            answer = http.client.HTTPResponse(connection.sock)
            answer.begin()
        else:
            connection.request(method, target, body, headers,
                               encode_chunked=isinstance(body, list))
            answer = connection.getresponse()
        body = answer.read()
        if answer.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)  # where its blocks end is a matter of time
    except (http.client.RemoteDisconnected, http.client.IncompleteRead):
        return "cut off"  # how much of it was sent before is a matter of buffers
    finally:
        connection.close()
    fields = sorted((OF_THE_HOST.get(name.lower(), name), value) for name, value in answer.getheaders()
                    if name.lower() not in OF_THE_MOMENT)
    dated = "date" in answer.headers
    return answer.status, answer.reason, dated, fields, body


class Node:
    """The same application on its usual server: `node FILE ARGUMENTS...`, which listens on PORT."""

    def __init__(self, node, file, *arguments, cwd=None):
        self.port = reserved_port()
        self.command = [node, str(file), *arguments]
        self.cwd = cwd or file.parent

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.cwd,
                                        env=dict(os.environ, PORT=str(self.port)),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return self

    def wait_until_it_listens(self, patience=DEADLINE):
        deadline = time.monotonic() + patience
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), DEADLINE).close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError("Node did not start serving") from None
                time.sleep(0.01)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Compared(unittest.TestCase):
    maxDiff = None
    node = file = served = requests = None
    patience = DEADLINE  # seconds for each start

    def usual(self):
        return Node(self.node, self.file)

    def more_requests(self, port):
        """What can be asked only when the server at `port` has told it."""
        return []

    def comparable(self, target, answer):
        """`answer` without what differs from one start to the next."""
        return answer

    def also(self, duet, node):
        """What else is true of both ports."""

    def test_answers_are_nodes_own(self):
        served = Duet(os.environ["DUET"], [str(self.served or self.file)], patience=self.patience)
        with self.usual() as node, served as duet:
            node.wait_until_it_listens(self.patience)
            for request in [*self.requests, *self.more_requests(node.port)]:
                method, target, headers, body = request
                with self.subTest(request=f"{method} {target} {headers} {str(body)[:40]}"):
                    self.assertEqual(self.comparable(target, ask(duet.port, request)),
                                     self.comparable(target, ask(node.port, request)))
            self.also(duet.port, node.port)
            before = len(duet.output)
        ended = "".join(served.output[before:])
        self.assertNotIn('"level":"error"', ended)
        self.assertNotIn("Error happened during shutdown", ended)  # by NestJS' own logger


# The shop in each framework: what duet serves, and what Node does where that is another file, because
# Node by itself has no decorators.
FILES = {
    "http": ("http.mjs",), "express": ("express.ts",), "koa": ("koa.mjs",), "fastify": ("fastify.ts",),
    "hono": ("hono.ts",), "nest": ("nest.cjs",), "nest_ts": ("nest/main.ts", "nest.cjs"),
}


def main(folder, name):
    node = folder / "node_modules" / "node" / "bin" / "node"
    if not (folder / "installed").exists() or not node.exists():
        print(f"{name}: not tested, because its packages could not be obtained from npm")
        return SKIPPED
    Compared.node = str(node)
    Compared.served, Compared.file = folder / FILES[name][0], folder / FILES[name][-1]
    Compared.requests = PLAIN if name == "http" else SHOP
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Compared)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
