"""ASGI 3 as applications see it: a real process, real sockets, no framework."""

import json
import os
import pathlib
import socket
import sys
import tempfile
import textwrap
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402
from duet_process import Duet, eventually  # noqa: E402


def exchange(port, request, until=None):
    """The raw answer to raw bytes: until `until` is in it, or the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request)
        answer = b""
        while until is None or until not in answer:
            piece = client.recv(65536)
            if not piece:
                break
            answer += piece
        return answer


class AsgiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duet = Duet(EXECUTABLE, ["asgi_app:app"], cwd=HERE / "handlers")
        cls.duet.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.duet.__exit__(None, None, None)
        assert "the application shuts down\n" in cls.duet.output, "".join(cls.duet.output)

    def test_scope(self):
        answer = self.duet.get("/caf%C3%A9/scope?a=%20b&c", **{"X-Some": "One", "Accept": "*/*"})
        scope = json.loads(answer.body)
        self.assertEqual(scope["type"], "http")
        self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.4"})
        self.assertEqual((scope["http_version"], scope["method"], scope["scheme"]),
                         ("1.1", "GET", "http"))
        self.assertEqual((scope["path"], scope["raw_path"], scope["query_string"]),
                         ("/café/scope", "/caf%C3%A9/scope", "a=%20b&c"))
        self.assertEqual((scope["root_path"], scope["state"]), ("", {"loaded": "at start"}))
        self.assertEqual(scope["server"], ["127.0.0.1", self.duet.port])
        self.assertEqual(scope["client"][0], "127.0.0.1")
        self.assertIn(["x-some", "One"], scope["headers"])
        self.assertTrue(all(name == name.lower() for name, _ in scope["headers"]))

    def test_bodies(self):
        for payload in (b"", b"small", bytes(range(256)) * 20_000):  # no limit that nobody set
            self.assertEqual(self.duet.ask("POST", "/echo", payload).body, payload)
        self.assertEqual(self.duet.ask("POST", "/echo", [b"in ", b"chunks"]).body, b"in chunks")

    def test_continue_is_said_when_the_body_is_wanted(self):
        head = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        answer = exchange(self.duet.port, head % b"silent", b"error id")
        self.assertTrue(answer.startswith(b"HTTP/1.1 500"), answer)
        with socket.create_connection(("127.0.0.1", self.duet.port), timeout=20) as client:
            client.sendall(head % b"echo")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 100"))
            client.sendall(b"body")
            self.assertTrue(client.recv(1000).endswith(b"body"))

    def test_the_answer_may_begin_before_the_body(self):
        with socket.create_connection(("127.0.0.1", self.duet.port), timeout=20) as client:
            client.sendall(b"POST /answer_before_body HTTP/1.1\r\nHost: a\r\n"
                           b"Content-Length: 5\r\n\r\n")
            answer = b""
            while b"go on " not in answer:
                answer += client.recv(1000)
            client.sendall(b"12345")
            while not answer.endswith(b"0\r\n\r\n"):
                answer += client.recv(1000)
            self.assertIn(b"\r\n5\r\n", answer)

    def test_streams(self):
        self.assertEqual(self.duet.get("/stream").body, b"0\n1\n2\n")
        self.assertEqual(len(self.duet.get("/large").body), 200 * 65536)

    @unittest.skipIf(os.environ.get("DUET_SANITIZE"), "a sanitizer keeps what was freed")
    def test_a_slow_client_does_not_fill_the_memory(self):
        before = self.duet.resident()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", self.duet.port))
            client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            client.recv(1)
            for _ in range(20):
                self.assertEqual(self.duet.get("/stream").status, 200)
            self.assertLess(self.duet.resident() - before, 6 << 20)

    def test_fields_are_spelt_as_the_application_does(self):
        answer = exchange(self.duet.port, b"GET /exact HTTP/1.1\r\nHost: a\r\n\r\n", b"exact")
        self.assertIn(b"\r\nx-Some: one\r\ncontent-length: 5\r\n", answer)

    def test_head_has_no_body(self):
        answer = exchange(self.duet.port, b"HEAD /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n"), answer)

    def test_trailers_and_early_hints(self):
        answer = exchange(self.duet.port, b"GET /trailers HTTP/1.1\r\nHost: a\r\n\r\n", b"x-sum: 4\r\n\r\n")
        self.assertIn(b"\r\n0\r\nx-sum: 4\r\n\r\n", answer)
        answer = exchange(self.duet.port, b"GET /hints HTTP/1.1\r\nHost: a\r\n\r\n", b"hinted")
        self.assertTrue(answer.startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>"), answer)
        self.assertIn(b"HTTP/1.1 200", answer)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for size in (0, 1, 262_144, 262_145, 3_000_000):
                path = pathlib.Path(folder) / str(size)
                path.write_bytes((bytes(range(251)) * (size // 251 + 1))[:size])
                answer = self.duet.get(f"/file?{path}")
                self.assertEqual((answer.status, answer.body), (200, path.read_bytes()), size)
                self.assertEqual(answer.headers["content-length"], str(size))
                head = self.duet.ask("HEAD", f"/file?{path}")
                self.assertEqual((head.headers["content-length"], head.body), (str(size), b""))
        # Starlette's FileResponse("index.html") sends what it was given.
        source = (HERE / "handlers/asgi_app.py").read_bytes()
        self.assertEqual(self.duet.get("/file?asgi_app.py").body, source)

    def test_a_file_that_grows_is_sent_as_it_was_announced(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 300_000)
            file.flush()
            self.assertEqual(self.duet.get(f"/growing?{file.name}").body, b"x" * 300_000)

    def told(self):
        return json.loads(self.duet.get("/told").body)

    def test_a_client_that_leaves_is_told(self):
        for request in (b"GET /disconnect HTTP/1.1\r\nHost: a\r\n\r\n",
                        b"GET /disconnect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"):
            before = self.told()["disconnects"]
            self.assertIn(b"first", exchange(self.duet.port, request, b"first"))
            eventually(lambda: self.told()["disconnects"] == before + 1, "the application is told")
        eventually(lambda: self.told()["closed"][-2:] == ["OSError"] * 2, "send() raises")

    def test_a_client_that_leaves_with_all_of_the_body_has_its_answer(self):
        request = b"GET /whole HTTP/1.1\r\nHost: a\r\n\r\n"
        self.assertIn(b"whole", exchange(self.duet.port, request, b"whole"))
        eventually(lambda: self.told().get("whole") == "complete", "the last message is taken")

    def test_receive_and_send_are_ordinary_awaitables(self):
        self.assertEqual(self.duet.get("/receive_as_task").body, b"http.request")
        self.assertEqual(self.duet.get("/timeout").body, b"timed out")
        self.assertEqual(self.duet.get("/after_the_answer").body, b"answered")
        eventually(lambda: self.told().get("after") == "http.disconnect", "the answer is complete")

    def test_mistakes_fail_their_request_alone_and_are_named(self):
        mistakes = {
            "silent": "returned without an answer",
            "head_only": "returned before its answer was complete",
            "body_first": "'http.response.body' came where duet expects 'http.response.start'",
            "start_twice": "'http.response.start' came where duet expects 'http.response.body'",
            "bad_type": "'http.response.begin' came where duet expects 'http.response.start'",
            "no_type": "needs a 'type'",
            "no_dict": "send() takes a message",
            "no_status": "has no 'status'",
            "text_status": "must be an int from 200 to 599, not '200'",
            "text_header": "must be two bytes objects",
            "split_header": "cannot be sent",
            "text_body": "must be bytes, not str",
            "too_long": "longer than its Content-Length: 3 bytes declared, 4 sent",
            "raises": "on purpose",
            "no_file": "No such file or directory: '/nowhere'",
            "no_path": "must be a str, the path of a file, not b'app.py'",
        }
        for path, said in mistakes.items():
            with self.subTest(path):
                answer = self.duet.get(f"/{path}")
                self.assertEqual(answer.status, 500)
                eventually(lambda: any(said in line and "asgi_app:app" in line
                                       for line in self.duet.output), f"{said!r} is logged")
                self.assertEqual(self.duet.get("/stream").status, 200)

    def test_a_500_does_not_end_the_connection(self):
        # Unlike with uvicorn: the answer is complete and the request has been read, so nothing of
        # RFC 9112, 9.6 asks for it, and requests that follow must not suffer.
        ask = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
        answer = exchange(self.duet.port, ask % b"raises" + ask % b"exact", b"exact")
        self.assertTrue(answer.startswith(b"HTTP/1.1 500"), answer)
        self.assertNotIn(b"close", answer.lower())
        self.assertIn(b"HTTP/1.1 200", answer)

    def test_after_a_500_the_rest_of_the_body_is_skipped(self):
        with socket.create_connection(("127.0.0.1", self.duet.port), timeout=20) as client:
            client.sendall(b"POST /raises HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 500"))
            client.sendall(b"12345GET /exact HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200"))

    def test_an_answer_that_breaks_off_is_seen_to(self):
        for path in ("unfinished", "raises_late", "too_short"):
            with self.subTest(path):
                answer = exchange(self.duet.port,
                                  f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
                self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)

    def test_messages_after_the_end(self):
        self.assertEqual(self.duet.get("/after_the_end").body, b"fine")
        eventually(lambda: "after the answer was complete" in self.told().get("after_the_end", ""),
                   "the application is told")


class StartTest(Folder):
    ANSWER = """
        async def say(send, text):
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": text.encode()})
    """

    def test_kinds_are_recognised(self):
        self.write("werkzeug/__init__.py", "")
        self.write("werkzeug/request.py", """
        import functools
        def application(function):
            @functools.wraps(function)
            def wrapper(*args): return function(args[-2])(*args[-2:])
            return wrapper
        """)
        self.write("kinds.py", """
        import functools, wsgiref.simple_server, wsgiref.validate, werkzeug.request
        """ + self.ANSWER + """
        async def plain(scope, receive, send):
            await say(send, "function")
        async def app(s, r, w):
            await say(w, "by its name")
        class Middleware:
            def __init__(self, app): self.app = app
            async def __call__(self, scope, receive, send): await self.app(scope, receive, send)
        wrapped = Middleware(plain)
        class Old:
            def __init__(self, scope): self.asgi = scope["asgi"]
            async def __call__(self, receive, send):
                await say(send, "ASGI " + self.asgi["version"])
        def old(scope):
            return Old(scope)
        def make_app():
            return plain
        def simple(environ, start_response):
            start_response("200 OK", [])
            return [b"WSGI"]
        def short(env, start_resp):
            return simple(env, start_resp)
        @werkzeug.request.application
        def page(request):
            return simple
        class Page:
            def __init__(self, environ, start): self.start = start
            def __iter__(self):
                self.start("200 OK", [])
                yield b"a class"
        def partly(text, environ, start_response):
            start_response("200 OK", [])
            return [text]
        part = functools.partial(partly, b"partial")
        class Around:
            def __init__(self, app): self.app = app
            def __call__(self, *args, **kwargs): return self.app(*args, **kwargs)
        def around(app):
            def inner(*args): return app(*args)
            return inner
        checked = wsgiref.validate.validator(Around(wsgiref.simple_server.demo_app))
        asynchronous = around(Around(plain))
        def closed():
            def itself(*args): return str(len(args)) if itself else ""
            return itself
        closed_over = closed()
        async def fetch(request, env, ctx): return "fetch"
        """)
        for attribute, said in {"plain": "function", "app": "by its name", "wrapped": "function",
                                "Old": "ASGI 2.0", "old": "ASGI 2.0", "make_app()": "function",
                                "simple": "WSGI", "short": "WSGI", "page": "WSGI",
                                "fetch": "fetch", "Page": "a class",
                                "part": "partial", "checked": "Hello world!",
                                "asynchronous": "function", "closed_over": "3"}.items():
            with self.subTest(attribute), self.serve(f"kinds:{attribute}") as duet:
                answer = duet.get("/")
                self.assertEqual((answer.status, answer.body.decode().partition("\n")[0]), (200, said))

    def test_an_application_taken_for_a_handler_is_told_how_to_be_known(self):
        self.write("names.py", """
        def wsgi_by_letters(e, s):
            s("200 OK", [])
            return [b""]
        async def asgi_by_letters(a, b, c):
            await c({"type": "http.response.start", "status": 200})
        """)
        for attribute in ("wsgi_by_letters", "asgi_by_letters"):
            with self.subTest(attribute), self.serve(f"names:{attribute}") as duet:
                self.assertEqual(duet.get("/").status, 500)
                eventually(lambda: any("name it `app`" in line and "(environ, start_response)" in line
                                       for line in duet.output), "the log says what to do")

    def test_what_is_no_application_is_refused_with_what_to_do(self):
        self.write("bad.py", """
        def create_app(): return 3
        async def async_factory(): pass
        number = 3
        def app(request, env, ctx, more): pass
        """)
        for attribute, said in {"create_app": "bad:create_app()", "create_app()": "cannot be called",
                                "async_factory()": "async def", "number": "cannot be called",
                                "ap": "did you mean 'app'?", "app": "takes more than"}.items():
            with self.subTest(attribute):
                errors = self.refusal(f"bad:{attribute}")
                self.assertIn(said, errors)
                self.assertIn(f"bad:{attribute}", errors)
        self.assertIn("absent_package", self.refusal("absent_package.main:app"))

    def test_the_kind_may_be_said(self):
        self.write("said.py", self.ANSWER + """
        async def anything(a, b, c): await say(c, a["root_path"] + " " + a["path"])
        """)
        (self.folder / "duet.toml").write_text(textwrap.dedent("""
            [handlers.x]
            source = "said:anything"
            interface = "asgi"
            root_path = "/shop/"
            [[routes]]
            path = "/*"
            handler = "x"
        """))
        with self.serve("duet.toml") as duet:
            self.assertEqual(duet.get("/shop/cart").body, b"/shop /shop/cart")
            self.assertEqual(duet.get("/cart").body, b"/shop /shop/cart")

    def test_the_server_of_a_unix_socket_is_its_path(self):
        self.write("addresses.py", self.ANSWER + """
        async def app(scope, receive, send): await say(send, repr((scope["server"], scope["client"])))
        """)
        path = str(self.folder / "socket")
        with self.serve("addresses:app", "--listen", f"unix:{path}"), \
                socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(path)
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := client.recv(4096):
                answer += piece
        self.assertEqual(answer.partition(b"\r\n\r\n")[2], repr(((path, None), None)).encode())

    def test_two_applications_are_mounted_under_their_names(self):
        self.write("two.py", self.ANSWER + """
        async def one(scope, receive, send): await say(send, scope["root_path"] + scope["path"])
        async def other(scope, receive, send): await say(send, scope["root_path"])
        """)
        with self.serve("two:one", "two:other") as duet:
            self.assertEqual(duet.get("/two:one/x").body, b"/two:one/two:one/x")
            self.assertEqual(duet.get("/two:other/y").body, b"/two:other")

    def test_a_start_up_that_fails_stops_the_start(self):
        self.write("failing.py", """
        async def app(scope, receive, send):
            assert scope["type"] == "lifespan"
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "the database is away"})
        """)
        errors = self.refusal("failing:app")
        self.assertIn("failing:app", errors)
        self.assertIn("its start-up failed: the database is away", errors)

    def test_an_application_without_lifespan_is_served(self):
        self.write("without.py", self.ANSWER + """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            await say(send, str(scope["state"]))
        """)
        with self.serve("without:app") as duet:
            self.assertEqual(duet.get("/").body, b"{}")


if __name__ == "__main__":
    unittest.main()
