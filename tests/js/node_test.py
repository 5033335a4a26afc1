"""Applications of Node's http as handlers: how they are found, and how they misbehave.

That their answers are Node's own is shown by tests/frameworks.
"""

import http.client
import json
import pathlib
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402
from duet_process import DEADLINE, eventually  # noqa: E402


def get(duet, target="/"):
    connection = duet.connect()
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Application(Folder):
    def serve(self, text, name="app.mjs"):
        return super().serve(self.write(name, text))

    def answers(self, text, name="app.mjs"):
        with self.serve(text, name) as duet:
            return get(duet)


class FormsTest(Application):
    def test_a_server_that_listens(self):
        for listen in ("server.listen(1)", "server.listen({ port: 1, host: 'localhost' })",
                       "server.listen('/tmp/nowhere')"):
            with self.subTest(listen):
                self.assertEqual((200, "found"), self.answers(
                    "const server = require('http').createServer((req, res) => res.end('found'));\n"
                    + listen, "app.cjs"))

    def test_what_the_server_says_of_itself(self):
        status, text = self.answers("""
            import http from "node:http";
            const seen = [];
            const server = http.createServer((req, res) => res.end(JSON.stringify(seen)));
            seen.push(server.listening);
            server.on("listening", () => seen.push("event"));
            await new Promise((resolve) => server.listen(1234, "127.0.0.1", resolve));
            seen.push(server.listening, server.address().address);
            try { server.listen(1234); } catch (error) { seen.push(error.code); }
            """)
        self.assertEqual(200, status)
        self.assertEqual([False, "event", True,
                          "127.0.0.1", "ERR_SERVER_ALREADY_LISTEN"], json.loads(text))

    def test_its_address_is_the_hosts(self):
        with self.serve("""
            import http from "node:http";
            const server = http.createServer((req, res) => res.end(JSON.stringify(known)));
            await new Promise((resolve) => server.listen(0, resolve));
            const known = server.address();  // before the first request
            """) as duet:
            self.assertEqual({"address": "127.0.0.1", "port": duet.port, "family": "IPv4"},
                             json.loads(get(duet, "/")[1]))

    def test_behind_a_unix_socket_it_has_the_address_that_it_asked_for(self):
        app = self.folder / "app.cjs"
        app.write_text("""
            const server = require("node:http").createServer((req, res) => res.end());
            server.listen(1234, "127.0.0.1", () => console.log(server.address().port));
            """)
        command = [EXECUTABLE, "serve", str(app), "--listen", f"unix:{self.folder}/duet.sock",
                   "--admin", "off"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as duet:
            self.assertTrue(duet.stdout.readline().startswith("listening on unix:"))
            duet.terminate()
            _, said = duet.communicate(timeout=20)
        self.assertIn('"msg":"1234"', said)

    def test_whoever_listens_can_be_asked_at_once(self):
        with self.serve("""
            import http from "node:http";
            const heard = [];
            const server = http.createServer((req, res) => res.end(req.url + heard.join()));
            server.listen(0, () => {
              http.get({ port: server.address().port, path: "/early" }, (res) => {
                res.setEncoding("utf8").on("data", (text) => heard.push(text));
              }).on("error", (error) => heard.push(error.code));
            });
            """) as duet:
            eventually(lambda: get(duet, "/")[1] == "//early", "the answer to itself")

    def test_bodies_have_the_limits_of_the_application(self):
        with self.serve("""
            import http from "node:http";
            http.createServer((req, res) => {
              let bytes = 0;
              req.on("data", (piece) => { bytes += piece.length; });
              req.on("end", () => res.end(String(bytes)));
            }).listen(1);
            """) as duet:
            answer = duet.ask("POST", "/", b"x" * (3 << 20))
        self.assertEqual((200, str(3 << 20).encode()), (answer.status, answer.body))

    def test_who_is_refused_in_the_middle_of_an_upload_reads_why(self):
        with self.serve("""
            import http from "node:http";
            http.createServer((req, res) => {
              req.once("data", () => {
                res.writeHead(413);
                res.end("too much");
              });
            }).listen(1);
            """) as duet, duet.socket() as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (10 << 20))
            client.sendall(b"x" * (10 << 20))
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 ") and b"too much" in answer, answer)

    def test_one_that_listens_later(self):
        self.assertEqual((200, "late"), self.answers(
            "import http from 'node:http';\n"
            "setTimeout(() => http.createServer((req, res) => res.end('late')).listen(1), 50);"))

    def test_default_exports(self):
        for text in ("export default (req, res) => { res.end('found'); };",
                     "export default function app(request, response) { response.end('found'); }",
                     "export default async function (req, res) { res.end('found'); }",
                     "import http from 'node:http';\n"
                     "export default http.createServer((req, res) => res.end('found'));"):
            with self.subTest(text):
                self.assertEqual((200, "found"), self.answers(text))

    def test_a_fetch_handler_stays_one(self):
        self.assertEqual((200, "fetch"), self.answers("export default (request, env) => 'fetch';"))

    def test_a_second_server_listens_by_itself(self):
        with self.serve("""
            import http from "node:http";
            const side = http.createServer((req, res) => res.end("side"));
            http.createServer((req, res) => res.end(String(side.address().port))).listen(1);
            await new Promise((resolve) => side.listen(0, "127.0.0.1", resolve));
            """) as duet:
            status, port = get(duet)
            with socket.create_connection(("127.0.0.1", int(port)), 20) as side:
                side.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: side.recv(65536), b""))
        self.assertTrue(answer.endswith(b"side"), answer)

    def test_a_module_that_does_nothing_is_refused(self):
        (self.folder / "app.mjs").write_text("const nothing = 1;\n")
        run = subprocess.run([EXECUTABLE, "serve", str(self.folder / "app.mjs"), "--listen",
                              "127.0.0.1:0", "--admin", "off"], capture_output=True, text=True,
                             timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn("has no default export, and let no server listen", run.stderr)


class MisbehaviourTest(Application):
    APP = """
        import http from "node:http";
        const seen = [];
        const server = http.createServer((req, res) => {
          const cases = {
            "/throws": () => { throw new Error("thrown here"); },
            "/rejects": async () => { throw new Error("rejected here"); },
            "/later": () => { setTimeout(() => { throw new Error("thrown later"); }, 1); },
            "/hangs": () => {
              seen.push("begun");
              for (const event of ["aborted", "close"]) {
                req.on(event, () => seen.push(`req ${event}`));
              }
              req.on("error", (error) => seen.push(error.code));
              res.on("close", () => seen.push(`res close ${res.writableFinished}`));
            },
            "/listener": () => { res.on("finish", () => { throw new Error("in finish"); }); res.end("a"); },
            "/cut": () => { req.socket.destroy(); },
            "/half": () => { res.write("half"); setTimeout(() => res.destroy(), 5); },
            "/reset": () => { req.socket.resetAndDestroy(); },
            "/half-reset": () => { res.write("half"); setTimeout(() => req.socket.resetAndDestroy(), 5); },
            "/status": () => { res.writeHead(150); },
            "/raw": () => { req.socket.write("no status line"); },
            "/seen": () => { res.end(seen.join()); },
            "/close": () => { server.close(); res.end("closed"); },
          };
          return cases[req.url]();
        });
        server.listen(1);
        """

    def test_one_request_fails_and_nothing_else(self):
        with self.serve(self.APP) as duet:
            for target in ("/throws", "/rejects", "/later", "/status", "/raw"):
                with self.subTest(target):
                    self.assertEqual(500, get(duet, target)[0])
                    self.assertEqual(200, get(duet, "/seen")[0])
            self.assertEqual((200, "a"), get(duet, "/listener"))
            eventually(lambda: any("in finish" in line for line in duet.output), "the log of it")

    def test_a_client_that_leaves_is_told(self):
        with self.serve(self.APP) as duet:
            with duet.socket() as client:
                client.sendall(b"GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n")
                eventually(lambda: get(duet, "/seen")[1] == "begun", "its dispatch")
            eventually(lambda: get(duet, "/seen")[1].count(",") == 4, "its end")
            seen = get(duet, "/seen")[1].split(",")
        self.assertEqual(["ECONNRESET", "begun", "req aborted", "req close", "res close false"],
                         sorted(seen))

    def test_a_destroyed_answer_is_cut_off(self):
        with self.serve(self.APP) as duet:
            for target in ("/cut", "/half"):
                with self.subTest(target), duet.socket() as client:
                    client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    received = b""
                    try:
                        while piece := client.recv(65536):
                            received += piece
                    except ConnectionResetError:
                        pass
                    self.assertNotIn(b"\r\n0\r\n", received)
                self.assertEqual(200, get(duet, "/seen")[0])

    def test_a_reset_reaches_the_client(self):
        with self.serve(self.APP) as duet:
            for target in ("/reset", "/half-reset"):
                with self.subTest(target), duet.socket() as client:
                    client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    with self.assertRaises(ConnectionResetError):
                        while client.recv(65536):
                            pass
                self.assertEqual(200, get(duet, "/seen")[0])

    def test_who_answers_after_the_client_has_left_is_no_error(self):
        with self.serve("""
            import http from "node:http";
            let held, seen = "";
            http.createServer((req, res) => {
              if (req.url === "/seen") return res.end(seen || (held ? "held" : ""));
              held = res;
              res.on("close", () => {
                const { destroyed, writable, readable } = req.socket;
                res.write("late", (error) => {
                  seen = JSON.stringify([destroyed, writable, readable, res.writableFinished,
                                         error.code]);
                });
                res.end("late");
              });
            }).listen(1);
            """) as duet:
            with duet.socket() as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                eventually(lambda: get(duet, "/seen")[1] == "held", "its dispatch")
            eventually(lambda: get(duet, "/seen")[1].startswith("["), "its end")
            seen = json.loads(get(duet, "/seen")[1])
        self.assertEqual([True, False, False, False, "ERR_STREAM_DESTROYED"], seen)
        self.assertNotIn("uncaught exception", "".join(duet.output))

    def test_a_malformed_body_is_an_error_of_its_socket(self):
        with self.serve("""
            import http from "node:http";
            const seen = [];
            const server = http.createServer((req, res) => {
              if (req.url === "/seen") return res.end(seen.sort().join());
              seen.push("begun");
              req.on("error", (error) => seen.push(`req ${error.code}`));
              req.socket.on("error", (error) => seen.push(`socket ${error.code}`));
              req.resume();
            });
            server.on("clientError", (error, socket) => seen.push(`server ${error.code} ${socket.writable}`));
            server.listen(1);
            """) as duet:
            with duet.socket() as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                eventually(lambda: get(duet, "/seen")[1] == "begun", "its dispatch")
                client.sendall(b"zz\r\n")
                self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 400 "))
            self.assertEqual("begun,req ECONNRESET,server HPE_USER false,socket HPE_USER",
                             get(duet, "/seen")[1])

    def test_what_is_thrown_is_told_to_the_application(self):
        with self.serve("""
            import http from "node:http";
            const seen = [];
            process.on("uncaughtException", (error, origin) => seen.push(`${error.message} ${origin}`));
            const server = http.createServer((req, res) => {
              if (req.url === "/seen") return res.end(seen.join());
              if (req.url === "/finish") {
                res.on("finish", () => { throw new Error("in finish"); });
                return res.end();
              }
              throw new Error("in the listener");
            });
            server.listen(1);
            """) as duet:
            self.assertEqual(500, get(duet, "/")[0])
            self.assertEqual(200, get(duet, "/finish")[0])
            eventually(lambda: get(duet, "/seen")[1] ==
                       "in the listener uncaughtException,in finish uncaughtException", "both")

    def test_a_closing_server_waits_for_what_it_owes(self):
        with self.serve("""
            import http from "node:http";
            const server = http.createServer((req, res) => {
              const cases = {
                "/throws": () => { throw new Error("thrown here"); },
                "/later": () => { setTimeout(() => { throw new Error("thrown later"); }, 1); },
                "/last": () => {
                  server.close(() => console.log("said: closed"));
                  setTimeout(() => {
                    console.log("said: answers");
                    res.end("last");
                  }, 20);
                },
              };
              cases[req.url]();
            });
            server.listen(1);
            """) as duet:
            self.assertEqual([500, 500], [get(duet, target)[0] for target in ("/throws", "/later")])
            self.assertEqual((200, "last"), get(duet, "/last"))
            eventually(lambda: any("said: closed" in line for line in duet.output), "its end")
        said = [line for line in duet.output if "said: " in line]
        self.assertIn("answers", said[0])

    def test_a_closed_server_answers_503(self):
        with self.serve(self.APP) as duet:
            self.assertEqual((200, "closed"), get(duet, "/close"))
            self.assertEqual(503, get(duet, "/seen")[0])


class OptionsTest(Application):
    """Options of Node's servers, and what a server tells those who observe it."""

    def test_the_status_is_the_one_that_the_head_was_made_with(self):
        self.assertEqual((202, "a"), self.answers("""
            import http from "node:http";
            http.createServer((req, res) => {
              res.writeHead(202);
              res.statusCode = 500;
              res.end("a");
            }).listen(1);
            """))

    def test_fields_that_are_joined(self):
        with self.serve("""
            import http from "node:http";
            http.createServer({ uniqueHeaders: ["x-one"] }, (req, res) => {
              res.writeHead(200, { "x-one": ["a", "b"], "x-many": ["a", "b"] });
              res.end();
            }).listen(1);
            """) as duet:
            headers = duet.get("/").headers
        self.assertEqual((["a; b"], ["a", "b"]), (headers.get_all("x-one"), headers.get_all("x-many")))

    def test_bodies_that_no_answer_may_have(self):
        self.assertEqual((200, '["ERR_HTTP_BODY_NOT_ALLOWED","ERR_HTTP_BODY_NOT_ALLOWED"]'), self.answers("""
            import http from "node:http";
            const seen = [];
            const server = http.createServer({ rejectNonStandardBodyWrites: true }, (req, res) => {
              if (req.url !== "/inner") return ask().then(ask).then(() => res.end(JSON.stringify(seen)));
              res.writeHead(204);
              try {
                res[seen.length === 0 ? "write" : "end"]("text");
              } catch (error) {
                seen.push(error.code);
              }
              res.end();
            });
            await new Promise((resolve) => server.listen(0, resolve));
            const url = `http://127.0.0.1:${server.address().port}/inner`;
            const ask = () => fetch(url);
            """))

    def test_the_time_that_a_server_gives(self):
        with self.serve("""
            import http from "node:http";
            const seen = [];
            const server = http.createServer((req, res) => {
              if (req.url === "/seen") res.end(seen.join());
            });
            server.timeout = 30;
            server.on("timeout", (socket) => { seen.push("told"); socket.destroy(); });
            server.listen(1);
            """) as duet:
            with duet.socket() as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try:
                    self.assertEqual(b"", client.recv(65536))
                except ConnectionResetError:
                    pass
            self.assertEqual("told", get(duet, "/seen")[1])

    def test_settings_of_connections_are_the_hosts(self):
        with self.serve("""
            import http from "node:http";
            const server = http.createServer({ maxHeaderSize: 4096 }, (req, res) => res.end());
            server.listen(1);
            server.keepAliveTimeout = 65_000;
            server.maxConnections = 7;
            """) as duet:
            self.assertEqual(200, get(duet, "/")[0])
        said = [json.loads(line)["msg"] for line in duet.output if "has no effect" in line]
        self.assertEqual([
            "server.keepAliveTimeout = 65000 has no effect: connections are the host's; set "
            "keep_alive of [server.timeouts] in duet.toml",
            "server.maxHeaderSize = 4096 has no effect: connections are the host's; set "
            "head of [server.limits] in duet.toml",
            "server.maxConnections = 7 has no effect: connections are the host's, which has no such "
            "setting"], said)

    def test_observers_hear_of_requests(self):
        with self.serve("""
            import http from "node:http";
            import { subscribe } from "node:diagnostics_channel";
            const seen = [];
            for (const name of ["request.start", "response.created", "response.finish"]) {
              subscribe(`http.server.${name}`, ({ request, response }) => {
                if (request.url !== "/seen") seen.push(`${name} ${response.statusCode}`);
              });
            }
            http.createServer((req, res) => {
              res.statusCode = 201;
              res.end(seen.join());
            }).listen(1);
            """) as duet:
            self.assertEqual(201, get(duet, "/")[0])
            eventually(lambda: get(duet, "/seen")[1] ==
                       "response.created 200,request.start 200,response.finish 201", "all three")


class SocketTest(Application):
    """What applications do to req.socket itself."""

    APP = """
        import http from "node:http";
        const server = http.createServer((req, res) => {
          const { socket } = req;
          const cases = {
            "/whole": () => socket.end("HTTP/1.1 418 I'm a teapot\\r\\nContent-Length: 3\\r\\n\\r\\ntea"),
            "/pieces": () => {
              socket.write(Buffer.from("HTTP/1.0 200 OK\\r\\n\\r\\n"));
              setTimeout(() => {
                socket.write("6869", "hex", () => socket.end("!", () => told.push("finish")));
              }, 5);
            },
            "/after": () => { res.end("answered"); socket.end(); },
            "/begun": () => { res.write("begun"); socket.write("HTTP/1.1 200 OK\\r\\n\\r\\n"); },
            "/told": () => res.end(told.join()),
          };
          socket.on("close", () => told.push(`${req.url} close`));
          cases[req.url]();
        });
        const told = [];
        server.listen(1);
        """

    def exchange(self, duet, target):
        with duet.socket() as client:
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b""))

    def test_an_answer_of_the_applications_own_bytes(self):
        with self.serve(self.APP) as duet:
            self.assertEqual(b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 3\r\n\r\ntea",
                             self.exchange(duet, "/whole"))
            self.assertEqual(b"HTTP/1.0 200 OK\r\n\r\nhi!", self.exchange(duet, "/pieces"))
            self.assertIn("finish", get(duet, "/told")[1])
            admin = http.client.HTTPConnection("127.0.0.1", duet.admin_port, timeout=DEADLINE)
            admin.request("GET", "/api/handlers")
            statuses = json.loads(admin.getresponse().read())["handlers"][0]["statuses"]
            admin.close()
        self.assertEqual(1, statuses["4xx"])

    def test_the_connection_ends_after_an_answer(self):
        with self.serve(self.APP) as duet:
            self.assertTrue(self.exchange(duet, "/after").endswith(b"\r\n\r\nanswered"))

    def test_an_answer_that_has_begun_is_not_mixed_with_it(self):
        with self.serve(self.APP) as duet:
            with duet.socket() as client:
                client.sendall(b"GET /begun HTTP/1.1\r\nHost: a\r\n\r\n")
                received = b""
                try:
                    while piece := client.recv(65536):
                        received += piece
                except ConnectionResetError:
                    pass
            self.assertEqual(1, received.count(b"HTTP/1.1"))
            eventually(lambda: any("before res has begun one" in line for line in duet.output), "why")


if __name__ == "__main__":
    unittest.main(verbosity=2)
