"""WSGI (PEP 3333) as applications see it: a real process, real sockets, wsgiref's validator."""

import json
import os
import pathlib
import socket
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from duet_process import Duet, eventually  # noqa: E402

EXECUTABLE = os.environ["DUET"]


class Validated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duet = Duet(EXECUTABLE, ["wsgi_app:app"], cwd=HERE / "handlers")
        cls.duet.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.duet.__exit__(None, None, None)

    def test_environ(self):
        answer = self.duet.get("/environ?a=%20b", **{"X-Some-Name": "One", "X_Other": "spoofed",
                                                     "Cookie": "a=1"})
        self.assertEqual(answer.status, 200, answer)
        environ = json.loads(answer.body)
        for name, value in {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/environ",
                            "QUERY_STRING": "a=%20b", "SERVER_PROTOCOL": "HTTP/1.1",
                            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(self.duet.port),
                            "REMOTE_ADDR": "127.0.0.1", "REMOTE_HOST": "127.0.0.1",
                            "HTTP_X_SOME_NAME": "One", "HTTP_COOKIE": "a=1",
                            "wsgi.url_scheme": "http",
                            "wsgi.multithread": True, "wsgi.multiprocess": False,
                            "wsgi.run_once": False}.items():
            self.assertEqual(environ[name], value, name)
        self.assertNotIn("HTTP_X_OTHER", environ)

    def test_bodies(self):
        for payload in (b"", b"small", bytes(range(256)) * 10_000):
            self.assertEqual(self.duet.ask("POST", "/echo", payload).body, payload)
        self.assertEqual(self.duet.ask("POST", "/lines", b"a\nb").body, b"[b'a\\n', b'b']")

    def test_answers(self):
        self.assertEqual(self.duet.get("/").body, b"hello")
        self.assertEqual(self.duet.get("/write").body, b"one two three")
        self.assertEqual(self.duet.get("/pieces").body, b"0\n1\n2\n")
        self.assertEqual(self.duet.get("/file").body, (HERE / "handlers/wsgi_app.py").read_bytes())
        head = self.duet.ask("HEAD", "/")
        self.assertEqual((head.status, head.headers["content-length"], head.body), (200, "5", b""))

    def test_nothing_was_said_against_it(self):
        self.test_answers()
        self.assertFalse([line for line in self.duet.output if "Assertion" in line])


class Unvalidated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duet = Duet(EXECUTABLE, ["wsgi_app:wild"], cwd=HERE / "handlers")
        cls.duet.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.duet.__exit__(None, None, None)

    def test_a_body_may_come_while_the_application_runs(self):
        self.assertEqual(self.duet.ask("PUT", "/all", b"x" * 3_000_000).body, b"3000000")
        self.assertEqual(self.duet.ask("PUT", "/all", [b"in ", b"chunks"]).body, b"9")

    def test_close_is_called(self):
        before = int(self.duet.get("/closed").body)
        self.assertEqual(self.duet.get("/closes").body, b"ab")
        # The client may have the whole answer before the iterable is closed.
        eventually(lambda: int(self.duet.get("/closed").body) == before + 1, "it is closed")

    def test_exc_info_replaces_an_answer_that_is_not_out(self):
        answer = self.duet.get("/replaced")
        self.assertEqual((answer.status, answer.headers["x-why"], answer.body),
                         (502, "replaced", b"replaced"))

    def test_mistakes_fail_their_request_alone_and_are_named(self):
        mistakes = {
            "never": "has not called start_response() before its body",
            "empty": "has not called start_response()",
            "nothing": "returned NoneType",
            "twice": "called twice",
            "number": "must be like '200 OK', not 200",
            "tuple": "must be a list",
            "text": "made of bytes, not str",
            "header": "must be str, not int",
            "split": "cannot be sent",
            "short": "shorter than its Content-Length: 5 bytes declared, 4 sent",
            "long": "longer than its Content-Length: 3 bytes declared",
            "exit": "SystemExit",
            "raises": "on purpose",
        }
        for path, said in mistakes.items():
            with self.subTest(path):
                self.assertEqual(self.duet.get(f"/{path}").status, 500)
                eventually(lambda: any(said in line and "wsgi_app:wild" in line
                                       for line in self.duet.output), f"{said!r} is logged")

    def test_an_answer_that_breaks_off_is_seen_to(self):
        with socket.create_connection(("127.0.0.1", self.duet.port), timeout=20) as client:
            client.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        self.assertIn(b"part", answer)
        self.assertFalse(answer.endswith(b"0\r\n\r\n"), answer)


class FullPool(unittest.TestCase):
    def test_too_many_are_answered_503_and_the_others_wait(self):
        with tempfile.TemporaryDirectory() as folder, \
                Duet(EXECUTABLE, ["wsgi_app:wild"], cwd=HERE / "handlers") as duet:
            gate = os.path.join(folder, "open")
            clients = [socket.create_connection(("127.0.0.1", duet.port), timeout=20)
                       for _ in range(1200)]  # more than wait, and all threads
            for client in clients:
                client.sendall(f"GET /wait?{gate} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            refused = clients[-1].recv(1000)
            self.assertTrue(refused.startswith(b"HTTP/1.1 503"), refused)
            self.assertIn(b"\r\nRetry-After: 1\r\n", refused)
            pathlib.Path(gate).touch()
            answers = [client.recv(1000)[:12] for client in clients[:-1]]
            for client in clients:
                client.close()
            self.assertEqual(set(answers), {b"HTTP/1.1 200", b"HTTP/1.1 503"})
            self.assertGreater(answers.count(b"HTTP/1.1 200"), 1000)
            self.assertEqual(duet.get(f"/wait?{gate}").body, b"waited")


if __name__ == "__main__":
    unittest.main()
