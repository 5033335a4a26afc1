"""`duet bench` on https:// and wss:// targets: what it measures, and what it says of handshakes that fail.

The server is duet behind an end point of TLS, which passes bytes on in both directions.
"""

import asyncio
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

TESTS = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(TESTS / "support"))
from duet_process import DEADLINE, Duet  # noqa: E402

EXECUTABLE = os.environ["DUET"]
CERTIFICATE = str(TESTS / "support/localhost.pem")
EXPIRED = str(TESTS / "support/expired.pem")

HANDLER = """
async def fetch(request):
    if request.headers.get("upgrade"):
        socket = request.websocket()
        async for message in socket:
            await socket.send(message)
        return
    return await request.bytes()
"""


class Loop:
    """An asyncio loop in a thread of its own, for servers that a test needs."""

    def __init__(self):
        self.servers = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def serve(self, client_connected, host="127.0.0.1", context=None):
        """Gives the port."""
        start = asyncio.start_server(client_connected, host, 0, ssl=context)
        server = asyncio.run_coroutine_threadsafe(start, self.loop).result(DEADLINE)
        self.servers.append(server)
        return server.sockets[0].getsockname()[1]

    def close(self):
        async def cancel():
            for server in self.servers:
                server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(cancel(), self.loop).result(DEADLINE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(DEADLINE)
        self.loop.close()


def passing_on(port):
    async def pump(reader, writer):
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def connected(reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))
        except asyncio.CancelledError:  # the test is over
            pass

    return connected


def shake_hands(listener, context):
    """For as long as the listener is open, without asyncio, which sends no alert."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secured.do_handshake()
        except OSError:  # ssl.SSLError is one: an alert is on its way
            pass
        # What is not read when a socket closes resets the connection, and the alert is lost.
        with socket.socket(fileno=secured.detach()) as plain:
            plain.settimeout(DEADLINE)
            while plain.recv(4096):
                pass


# A server for --command: `python3 server.py CERTIFICATE PORT`.
SERVER = """
import http.server, ssl, sys
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Answer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def context_of(certificate, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class BenchTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.loop = Loop()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.folder = pathlib.Path(folder)
        (cls.folder / "echo.py").write_text(HANDLER)
        (cls.folder / "server.py").write_text(SERVER)
        cls.command = f"exec {sys.executable} {folder}/server.py {CERTIFICATE} {{port}}"
        cls.duet = cls.enterClassContext(Duet(EXECUTABLE, ["echo.py"], cwd=folder))

    @classmethod
    def tearDownClass(cls):
        cls.loop.close()

    def secured(self, certificate=CERTIFICATE, host="127.0.0.1", **settings):
        return self.loop.serve(passing_on(self.duet.port), host, context_of(certificate, **settings))

    def refusing(self, **settings):
        listener = socket.create_server(("127.0.0.1", 0))
        context = context_of(CERTIFICATE, **settings)
        threading.Thread(target=shake_hands, args=(listener, context), daemon=True).start()
        self.addCleanup(listener.close)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        return listener.getsockname()[1]

    def bench(self, *words):
        return subprocess.run([EXECUTABLE, "bench", *words], capture_output=True, text=True,
                              timeout=60)

    def measured(self, *words, rate=200):
        run = self.bench(*words, "--rate", str(rate), "--duration", "400ms", "--warmup", "0",
                         "--patience", "40s", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        arm = json.loads(run.stdout)["arms"][0]
        self.assertGreater(arm["requests"], 0)
        self.assertEqual(arm["answered"], arm["requests"], arm)
        self.assertEqual((arm["bad_status"], arm["changed"]), (0, 0))
        return arm

    def test_trusted(self):
        port = self.secured()
        for host in ("localhost", "127.0.0.1"):
            self.measured(f"https://{host}:{port}/", "--cacert", CERTIFICATE)
        self.measured(f"https://127.0.0.1:{port}/", "--insecure")
        self.measured(f"https://127.0.0.1:{port}/", "-k")
        os.environ["SSL_CERT_FILE"] = CERTIFICATE  # the system's authorities, as OpenSSL has it
        try:
            self.measured(f"https://127.0.0.1:{port}/")
        finally:
            del os.environ["SSL_CERT_FILE"]

    def test_a_handshake_a_request(self):
        arm = self.measured(f"https://127.0.0.1:{self.secured()}/", "-k", "--no-keep-alive")
        kept = self.measured(f"https://127.0.0.1:{self.secured()}/", "-k")
        # It is in the latency; service counts from when the connection is begun.
        self.assertGreater(arm["service"][0]["ns"], kept["service"][0]["ns"])

    def test_older_version(self):
        port = self.secured(maximum_version=ssl.TLSVersion.TLSv1_2)
        self.measured(f"https://127.0.0.1:{port}/", "-k")

    def test_many_records_and_pipelines(self):
        with tempfile.NamedTemporaryFile() as body:
            body.write(os.urandom(1_000_000))
            body.flush()
            # As many as the end point in Python passes on, on a busy machine too.
            self.measured(f"https://127.0.0.1:{self.secured()}/", "-k", "--body", f"@{body.name}",
                          rate=20)
        self.measured(f"https://127.0.0.1:{self.secured()}/", "-k", "--pipeline", "8",
                      "--connections", "1")

    def test_websocket(self):
        self.measured(f"wss://localhost:{self.secured()}/", "--cacert", CERTIFICATE)

    def test_idle_connections(self):
        run = self.bench(f"https://127.0.0.1:{self.secured()}/", "-k", "--idle", "20",
                         "--duration", "200ms", "--warmup", "0", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(json.loads(run.stdout)["arms"][0]["state"]["idle_open"], 20)

    def test_command(self):
        self.measured("--command", self.command, "--tls", "--cacert", CERTIFICATE,
                      "--connections", "4")
        self.measured("--command", self.command, "--tls", "-k", "--connections", "4")

    def test_one_of_two_commands(self):
        run = self.bench("--command", f"plain={sys.executable} -m http.server {{port}}",
                         "--command", f"safe={self.command}", "--tls=safe", "-k", "--rate", "50",
                         "--connections", "4",
                         "--duration", "400ms", "--warmup", "0", "--no-aa", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        for arm in json.loads(run.stdout)["arms"]:
            self.assertEqual(arm["answered"], arm["requests"], arm)

    def test_command_that_speaks_tls(self):
        said = self.refused("--command", self.command)
        self.assertIn("it speaks TLS", said)
        self.assertIn("--tls asks it by https://", said)

    def test_command_whose_certificate_is_not_trusted(self):
        begin = time.monotonic()
        said = self.refused("--command", self.command, "--tls")
        self.assertIn("its certificate is not trusted", said)
        self.assertLess(time.monotonic() - begin, 30)  # it is not waited for until it is ready

    def test_claim(self):
        claim = self.folder / "safe"
        claim.mkdir()
        (claim / "server.py").write_text(SERVER)
        (claim / "claim.toml").write_text(f"""
claim = "TLS is quick"
source = "a test"
[[arms]]
name = "safe"
command = '{self.command}'
scheme = "https"
[[runs]]
workload = {{ cacert = "{CERTIFICATE}", rate = 50, connections = 4, duration = "1s", warmup = "0" }}
[[runs.compare]]
arm = "safe"
figure = "p50"
claimed = "< 1s"
""")
        run = subprocess.run([EXECUTABLE, "lab", str(claim), "--cache", str(self.folder / "cache"),
                              "--json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(json.loads(run.stdout)["claims"][0]["runs"][0]["compares"][0]["finding"],
                         "holds", run.stdout)

    def refused(self, *words):
        run = self.bench(*words)
        self.assertEqual((run.returncode, run.stdout), (1, ""), run.stderr)
        return run.stderr

    def test_not_trusted(self):
        said = self.refused(f"https://127.0.0.1:{self.secured()}/")
        self.assertIn("its certificate is not trusted: self-signed certificate", said)
        self.assertIn("--cacert FILE names whom to trust, --insecure trusts anybody", said)

    def test_for_another_host(self):
        port = self.secured(host="127.0.0.2")
        said = self.refused(f"https://127.0.0.2:{port}/", "--cacert", CERTIFICATE)
        self.assertIn("its certificate is for localhost, 127.0.0.1, not for 127.0.0.2", said)

    def test_expired(self):
        said = self.refused(f"https://localhost:{self.secured(EXPIRED)}/", "--cacert", EXPIRED)
        self.assertIn("its certificate expired on 2021-01-01", said)

    def test_asks_for_a_certificate(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version):
                port = self.refusing(verify_mode=ssl.CERT_REQUIRED, maximum_version=version)
                said = self.refused(f"https://127.0.0.1:{port}/", "-k")
                self.assertIn("it refuses the TLS handshake", said)
                self.assertIn("certificate of the client", said)

    def test_no_common_version(self):
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            port = self.refusing(minimum_version=ssl.TLSVersion.TLSv1,
                                 maximum_version=ssl.TLSVersion.TLSv1_1)
        said = self.refused(f"https://127.0.0.1:{port}/", "-k")
        self.assertRegex(said, "it refuses the TLS handshake .*version or cipher in common")

    def test_plain(self):
        said = self.refused(f"https://127.0.0.1:{self.duet.port}/", "-k")
        self.assertIn("it answers in plain HTTP, without TLS (write http:// or ws://)", said)

        async def alert(reader, writer):
            await reader.read(100)
            writer.write(bytes((0x15, 3, 1, 0, 2, 2, 70)))  # protocol_version
            await writer.drain()
            writer.close()
        self.assertIn("it speaks TLS: write https://",
                      self.refused(f"http://127.0.0.1:{self.loop.serve(alert)}/"))

        async def leave(reader, writer):
            await reader.read(100)
            writer.close()
        self.assertIn("it closes the connection during TLS's handshake",
                      self.refused(f"https://127.0.0.1:{self.loop.serve(leave)}/", "-k"))

    def test_usage(self):
        for words, says in (
                (("http://127.0.0.1:1/", "--insecure"), "--insecure is of https://"),
                (("https://127.0.0.1:1/", "--cacert", "/absent"), "No such file"),
                (("echo.py", "--tls"), "--tls is of no --command"),
                (("--command", "a=b", "--tls=c"), "--tls=c is of no --command"),
                (("--command", "a=b", "--tls", "--cold"), "--cold has no --tls"),
        ):
            run = self.bench(*words)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(says, run.stderr)
        self.assertIn("no certificate can be read",
                      self.refused("https://127.0.0.1:1/", "--cacert", __file__))


if __name__ == "__main__":
    unittest.main()
