"""Node's 'upgrade' event: the application has the connection, and what goes wrong there is its own.

`ws` and socket.io on top of it, against plain Node, are in tests/frameworks.
"""

import os
import pathlib
import re
import signal
import socket
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import DEADLINE, Duet, eventually  # noqa: E402

EXECUTABLE = os.environ["DUET"]
GRACE = 10.0  # seconds: the host's default
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
APP = r"""
    import http from "node:http";
    import net from "node:net";
    const seen = [];
    const server = http.createServer((req, res) => {
      res.end(req.url === "/seen" ? seen.join() : `no upgrade of ${req.url}`);
    });
    const cases = {
      "/echo": (req, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        socket.on("data", (data) => socket.write(data));
        socket.on("end", () => socket.end("bye"));
      },
      "/self": (req, socket, head) => {
        socket.end(JSON.stringify([socket instanceof net.Socket, socket.constructor.name,
          req.socket === socket, req.upgrade, req.complete, req.headers.upgrade, head.length,
          socket.remoteAddress, socket.remoteFamily, socket.remotePort > 0, socket.address().address,
          socket.readyState, socket.pending, socket.connecting, socket.allowHalfOpen,
          socket.setNoDelay() === socket, socket.setKeepAlive(true) === socket,
          socket.ref() === socket]));
      },
      "/throws": () => { throw new Error("thrown here"); },
      "/later": (req, socket) => { setTimeout(() => { throw new Error("thrown later"); }, 1); },
      "/in-data": (req, socket, head) => {
        socket.unshift(head);
        socket.on("data", () => { throw new Error("in data"); });
      },
      "/head": (req, socket, head) => {
        socket.write(`${Buffer.isBuffer(head)} ${socket.bytesRead} ${head};`);
        socket.on("data", (data) => socket.write(`data ${data};`));
      },
      "/rejects": async () => { throw new Error("rejected here"); },
      "/unheard": (req, socket) => { seen.push("unheard"); },  // 'error' without a listener
      "/heard": (req, socket) => {
        socket.on("error", (error) => seen.push(error.code));
        seen.push("heard");
      },
      "/after-end": (req, socket) => {
        socket.on("error", (error) => seen.push(error.code));
        socket.end("ended");
        socket.write("more");
      },
      "/destroyed": (req, socket) => {
        socket.write("last words");
        socket.destroy();
        socket.write("too late", (error) => seen.push(error.code));
      },
      "/reset": (req, socket) => socket.resetAndDestroy(),
      "/encodings": (req, socket) => {
        socket.write("e90a", "hex");
        socket.write("\u00e9", "latin1");
        socket.cork();
        socket.write("\u00e9");
        socket.write(Buffer.from("buffer"));
        socket.uncork();
        socket.end(new Uint8Array([33]));
      },
      "/idle": (req, socket) => {
        socket.setTimeout(20, () => socket.end("idle"));
      },
      "/flood": async (req, socket) => {  // waits for 'drain', as one should
        for (let i = 0; i < 200; i++) {
          if (!socket.write(Buffer.alloc(100_000, 97 + i % 26))) {
            await new Promise((resolve) => socket.once("drain", resolve));
            seen.push("drain");
          }
        }
        seen.push(socket.bytesWritten);
        socket.end();
      },
      "/slow": (req, socket) => {  // reads nothing before it is told to
        socket.write("ready");
        server.once("go", () => socket.on("data", (data) => seen.push(data.length)));
        socket.on("end", () => socket.end());
      },
      "/go": (req, socket) => { server.emit("go"); socket.end("gone"); },
      "/pipe": (req, socket) => {
        const upstream = net.connect(Number(req.headers.port), "127.0.0.1");
        upstream.pipe(socket).pipe(upstream);
      },
    };
    server.on("upgrade", (req, socket, head) => {
      const name = req.url;
      socket.on("close", (failed) => seen.push(`${name} ${failed}`));
      return cases[name](req, socket, head);
    });
    SIGNALS
    server.listen(1);
    """


class UpgradeTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.file = pathlib.Path(temporary.name) / "app.mjs"

    def serve(self, signals="", app=APP):
        self.file.write_text(app.replace("SIGNALS", signals))
        return Duet(EXECUTABLE, [str(self.file)])

    def seen(self, duet, *wanted):
        """Waits until the application has noted what is wanted, and gives all that it has."""
        seen = []

        def there():
            seen[:] = duet.get("/seen").body.decode().split(",")
            return all(one in seen for one in wanted)

        try:
            eventually(there, wanted)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen: {seen}") from None
        return seen

    def upgraded(self, duet, target, more=b"", fields=""):
        client = duet.socket()
        self.addCleanup(client.close)
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                       f"Upgrade: x\r\n{fields}\r\n".encode() + more)
        return client

    def exactly(self, client, size):
        received = b""
        while len(received) < size and (piece := client.recv(size - len(received))):
            received += piece
        return received

    def rest(self, client):
        return b"".join(iter(lambda: client.recv(65536), b""))

    def test_bytes_both_ways_and_half_closed(self):
        with self.serve() as duet:
            client = self.upgraded(duet, "/echo", b"at once,")
            self.assertEqual(self.exactly(client, 8), b"at once,")
            for data in (b"a", b"\0\xff" * 100_000):
                client.sendall(data)
                self.assertEqual(self.exactly(client, len(data)), data)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.rest(client), b"bye")
            self.seen(duet, "/echo false")

    def test_a_closing_server_waits_for_its_connections(self):
        with self.serve(app="""
            import http from "node:http";
            const server = http.createServer();
            server.on("upgrade", (req, socket) => {
              server.close(() => console.log("said: closed"));
              socket.on("data", (data) => { console.log(`said: ${data}`); socket.end("bye"); });
              socket.write("switched");
            });
            server.listen(1);
            """) as duet:
            client = self.upgraded(duet, "/")
            self.assertEqual(self.exactly(client, 8), b"switched")
            client.sendall(b"go on")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.rest(client), b"bye")
            eventually(lambda: any("said: closed" in line for line in duet.output), "its end")
        said = [line for line in duet.output if "said: " in line]
        self.assertIn("go on", said[0])

    def test_bytes_that_came_with_the_request(self):
        with self.serve() as duet:
            for head in (b"", b"at once"):
                with self.subTest(head):
                    client = self.upgraded(duet, "/head", head)
                    expected = b"true %d %s;" % (len(head), head)
                    self.assertEqual(self.exactly(client, len(expected)), expected)
                    client.sendall(b"later")
                    self.assertEqual(self.exactly(client, 11), b"data later;")

    def test_it_is_a_socket_of_nodes(self):
        with self.serve() as duet:
            client = self.upgraded(duet, "/self")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(
                self.rest(client).decode(),
                '[true,"Socket",true,true,true,"x",0,"127.0.0.1","IPv4",true,"127.0.0.1","open",'
                'false,false,true,true,true,true]')
            client = self.upgraded(duet, "/encodings")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.rest(client), b"\xe9\n\xe9\xc3\xa9buffer!")
            client = self.upgraded(duet, "/idle")
            self.assertEqual(self.exactly(client, 4), b"idle")

    def test_connect_is_for_who_listens_for_it(self):
        request = b"CONNECT there:443 HTTP/1.1\r\nHost: there:443\r\n\r\nat once,"
        with self.serve(app="""
            import http from "node:http";
            const server = http.createServer((req, res) => res.end(req.url));
            server.on("connect", (req, socket, head) => {
              socket.write(`HTTP/1.1 200 Connection established\\r\\n\\r\\n${req.method} ${req.url} ${head}`);
              socket.on("data", (data) => socket.write(data));
              socket.on("end", () => socket.end("bye"));
            });
            server.listen(1);
            """) as duet, duet.socket() as client:
            client.sendall(request)
            expected = b"HTTP/1.1 200 Connection established\r\n\r\nCONNECT there:443 at once,"
            self.assertEqual(self.exactly(client, len(expected)), expected)
            client.sendall(b"later")
            self.assertEqual(self.exactly(client, 5), b"later")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.rest(client), b"bye")
        with self.serve(app="import http from 'node:http';\n"
                        "http.createServer((req, res) => res.end()).listen(1);") as duet, \
                duet.socket() as client:
            client.sendall(request)
            self.assertTrue(self.rest(client).startswith(b"HTTP/1.1 501 "))

    def test_without_a_listener_it_is_a_request(self):
        with self.serve(app="import http from 'node:http';\n"
                        "http.createServer((req, res) => res.end(`${req.upgrade}`)).listen(1);"
                        ) as duet:
            client = self.upgraded(duet, "/")
            answer = client.recv(65536)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"false"), answer)

    def test_one_connection_fails_and_nothing_else(self):
        with self.serve() as duet:
            other = self.upgraded(duet, "/echo")
            for target, logged in (("/throws", "thrown here"), ("/later", "thrown later"),
                                   ("/in-data", "in data"), ("/rejects", "rejected here")):
                with self.subTest(target):
                    client = self.upgraded(duet, target, b"data")
                    try:
                        self.assertEqual(self.rest(client), b"")
                    except ConnectionResetError:
                        pass
                    self.seen(duet, f"{target} false")
                    eventually(lambda: any(logged in line for line in duet.output), logged)
            other.sendall(b"still here")
            self.assertEqual(self.exactly(other, 10), b"still here")

    def test_a_client_that_leaves(self):
        with self.serve() as duet:
            for target in ("/heard", "/unheard"):
                client = self.upgraded(duet, target)
                self.seen(duet, target[1:])
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                self.seen(duet, f"{target} true")
            self.assertIn("ECONNRESET", self.seen(duet))
            eventually(lambda: any("read ECONNRESET" in line for line in duet.output), "the log of it")

    def test_misuse(self):
        with self.serve() as duet:
            client = self.upgraded(duet, "/after-end")
            self.assertEqual(self.rest(client), b"ended")
            self.seen(duet, "ERR_STREAM_WRITE_AFTER_END", "/after-end true")
            self.assertEqual(self.rest(self.upgraded(duet, "/destroyed")), b"last words")
            self.seen(duet, "ERR_STREAM_DESTROYED", "/destroyed false")

    def test_a_reset(self):
        with self.serve() as duet:
            with self.assertRaises(ConnectionResetError):
                self.upgraded(duet, "/reset").recv(1)
            self.seen(duet, "/reset false")

    def test_writing_waits_for_the_client(self):
        with self.serve() as duet:
            client = self.upgraded(duet, "/flood")
            self.assertEqual(duet.get("/seen").status, 200)  # meanwhile
            received = self.rest(client)
            self.assertEqual(received, b"".join(bytes([97 + i % 26]) * 100_000 for i in range(200)))
            self.assertIn("drain", self.seen(duet, "20000000"))

    def test_reading_waits_for_the_application(self):
        with self.serve() as duet:
            client = self.upgraded(duet, "/slow")
            self.assertEqual(self.exactly(client, 5), b"ready")
            client.setblocking(False)
            sent, data = 0, b"x" * 65536
            before = duet.resident()
            try:
                while sent < 256 << 20:
                    try:
                        sent += client.send(data)
                    except BlockingIOError:
                        # Full: only if it stays so for a while has TCP really come to a stop.
                        client.settimeout(0.3)
                        sent += client.send(data)
                        client.setblocking(False)
            except TimeoutError:
                pass
            self.assertLess(sent, 64 << 20)
            self.assertLess(duet.resident() - before, 16 << 20)
            self.rest(self.upgraded(duet, "/go"))
            client.settimeout(DEADLINE)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.rest(client), b"")
            sizes = [one for one in self.seen(duet, "/slow false") if one.isdigit()]
            self.assertEqual(sum(map(int, sizes)), sent)

    def test_a_proxy_by_pipes(self):
        with socket.create_server(("127.0.0.1", 0)) as upstream, self.serve() as duet:
            upstream.settimeout(DEADLINE)
            client = self.upgraded(duet, "/pipe", fields=f"Port: {upstream.getsockname()[1]}\r\n")
            with upstream.accept()[0] as behind:
                behind.settimeout(DEADLINE)
                client.sendall(b"question")
                self.assertEqual(self.exactly(behind, 8), b"question")
                behind.sendall(b"answer")
            self.assertEqual(self.rest(client), b"answer")

    def test_behind_an_unanswered_request_it_is_refused(self):
        app = """
            import http from "node:http";
            let answer;
            const server = http.createServer((req, res) => { answer = () => res.end("first"); });
            server.on("upgrade", () => { throw new Error("not reached"); });
            setInterval(() => answer?.(), 50);
            server.listen(1);
            """
        with self.serve(app=app) as duet, duet.socket() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                           b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            received = b""
            while b"cannot be upgraded now" not in received:
                piece = client.recv(65536)
                self.assertNotEqual(piece, b"", received)
                received += piece
            self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", received), [b"200", b"503"])

    def test_the_end_of_the_host(self):
        """Without a listener for the signal nothing waits; with one, the application has the grace."""
        for signals, last in (("", b""),
                              ("process.once('SIGTERM', () => server.emit('stopping'));", b"goodbye")):
            app = APP.replace('"/echo": (req, socket, head) => {',
                              '"/echo": (req, socket, head) => {\n'
                              'socket.on("close", () => console.log("told of the close"));\n'
                              'server.once("stopping", () => setTimeout(() => socket.end("goodbye"), 50));')
            with self.subTest(signals), self.serve(signals, app) as duet:
                client = self.upgraded(duet, "/echo", b"x")
                self.assertEqual(client.recv(1), b"x")
                started = time.monotonic()
                duet.process.send_signal(signal.SIGTERM)
                self.assertEqual(self.rest(client), last)
                client.close()
                duet.process.wait(DEADLINE)
                self.assertLess(time.monotonic() - started, GRACE / 2)
                eventually(lambda: any("told of the close" in line for line in duet.output), "close")


if __name__ == "__main__":
    unittest.main(verbosity=2)
