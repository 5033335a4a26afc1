"""TLS from both languages in one process: each brings its OpenSSL, and none may get the other's.

A server with a certificate that only this test trusts; whom a client trusts the environment tells,
as to any Node and any Python.
"""

import http.server
import json
import os
import pathlib
import ssl
import sys
import tempfile
import threading
import unittest

TESTS = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(TESTS / "support"))
from duet_process import DEADLINE, Duet  # noqa: E402

EXECUTABLE = os.environ["DUET"]
CERTIFICATE = str(TESTS / "support" / "localhost.pem")
HANDLERS = {
    "script.mjs": """
import https from "node:https";

const byModule = (url) => new Promise((resolve, reject) => {
  https.get(url, async (answer) => {
    resolve(Buffer.concat(await answer.toArray()).toString());
  }).on("error", reject);
});

export default async (request) => {
  const url = request.headers.get("x-url");
  const results = { openssl: process.versions.openssl };
  for (const [name, get] of [
    ["fetch", async () => (await fetch(url)).text()],
    ["https", () => byModule(url)],
  ]) {
    try { results[name] = await get(); }
    catch (error) { results[name] = `refused: ${error.cause?.code ?? error.code}`; }
  }
  return results;
};
""",
    "coroutine.py": """
import asyncio
import hashlib
import ssl
import sqlite3
import urllib.parse


async def by_stream(url):
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    writer.write(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.rpartition(b"\\r\\n")[2].decode()


async def fetch(request):
    try:
        answer = await by_stream(request.headers["x-url"])
    except ssl.SSLCertVerificationError as error:
        answer = f"refused: {error.verify_message}"
    return {"streams": answer, "openssl": ssl.OPENSSL_VERSION,
            "sha256": hashlib.sha256(b"").hexdigest()[:8],
            "sqlite": sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0]}
""",
    "thread.py": """
import urllib.error
import urllib.request

import duet


@duet.blocking
def fetch(request):
    try:
        with urllib.request.urlopen(request.headers["x-url"], timeout=20) as answer:
            return {"urllib": answer.read().decode()}
    except urllib.error.URLError as error:
        return {"urllib": f"refused: {error.reason.verify_message}"}
""",
}


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.connection.version().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """Handshakes in the connection's thread: a client that refuses us must not end the server."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def finish_request(self, request, client_address):
        request.settimeout(DEADLINE)
        try:
            with self.context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:  # ssl.SSLError is one
            pass


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.server = Server(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def answers(self, **environment):
        url = f"https://localhost:{self.server.server_address[1]}/"
        results = {}
        with tempfile.TemporaryDirectory() as folder:
            for name, source in HANDLERS.items():
                (pathlib.Path(folder) / name).write_text(source)
            with Duet(EXECUTABLE, list(HANDLERS), cwd=folder, env=environment) as duet:
                for _ in range(2):  # the second time everything is loaded, by all of them
                    for name in HANDLERS:
                        answer = duet.get(f"/{name}", **{"x-url": url})
                        self.assertEqual(answer.status, 200, answer)
                        results.update(json.loads(answer.body), **{
                            f"openssl of {name}": json.loads(answer.body).get("openssl")})
        return results

    def test_trusted(self):
        found = self.answers(NODE_EXTRA_CA_CERTS=CERTIFICATE, SSL_CERT_FILE=CERTIFICATE)
        for way in ("fetch", "https", "streams", "urllib"):
            self.assertEqual(found[way], "TLSv1.3", (way, found))
        self.assertEqual((found["sha256"], found["sqlite"]), ("e3b0c442", 42))
        self.assertRegex(found["openssl of script.mjs"], r"^3\.")
        self.assertRegex(found["openssl of coroutine.py"], r"^OpenSSL \d")

    def test_not_trusted(self):
        found = self.answers(NODE_EXTRA_CA_CERTS="", SSL_CERT_FILE="")
        for way in ("fetch", "https", "streams", "urllib"):
            self.assertRegex(found[way].lower(), "^refused: .*self.signed", (way, found))


if __name__ == "__main__":
    unittest.main()
