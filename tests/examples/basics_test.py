"""examples/hello.* and examples/basics: what a newcomer tries first does what its comment says."""

import hashlib
import json
import socket
import time
import unittest

from settings import EXAMPLES, EXECUTABLE
from duet_process import Duet, eventually


class HelloTest(unittest.TestCase):
    def test_one_file_alone_answers_at_the_root_and_below(self):
        for name, text in (("hello.mjs", b"Hello from JavaScript!\n"),
                           ("hello.py", b"Hello from Python!\n")):
            with Duet(EXECUTABLE, [str(EXAMPLES / name)]) as duet:
                for target in ("/", "/any/path?and=query"):
                    answer = duet.get(target)
                    self.assertEqual((answer.status, answer.body), (200, text))

    def test_two_files_answer_under_their_names(self):
        files = [str(EXAMPLES / "hello.mjs"), str(EXAMPLES / "hello.py")]
        with Duet(EXECUTABLE, files) as duet:
            self.assertEqual(duet.get("/hello.mjs").body, b"Hello from JavaScript!\n")
            self.assertEqual(duet.get("/hello.py/below").body, b"Hello from Python!\n")
            self.assertEqual(duet.get("/").status, 404)


class BasicsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duet = Duet(EXECUTABLE, [str(EXAMPLES / "basics/duet.toml")])
        cls.duet.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.duet.__exit__(None, None, None)

    def both(self, method, target, body=None, headers=None):
        javascript, python = (self.duet.ask(method, f"/{language}{target}", body, headers)
                              for language in ("js", "py"))
        self.assertEqual(javascript.status, python.status, f"{javascript!r} {python!r}")
        return javascript, python

    def test_greet_reads_parameter_query_header_and_variable(self):
        for answer in self.both("GET", "/greet/Zo%C3%AB?times=2", headers={"Accept-Language": "pt"}):
            self.assertEqual(json.loads(answer.body),
                             {"greetings": ["Hello, Zoë!"] * 2, "language": "pt"})
        for times in ("0", "11", "x", ""):
            self.assertEqual(self.both("GET", f"/greet/a?times={times}")[0].status, 400, times)

    def test_totals_takes_json_and_gives_json(self):
        for answer in self.both("POST", "/totals", json.dumps({"numbers": [1, 2, 39]})):
            self.assertEqual(json.loads(answer.body), {"count": 3, "total": 42})
        self.assertEqual(self.both("POST", "/totals", "{")[0].status, 400)
        self.assertEqual(self.both("POST", "/totals", '{"numbers": ["1"]}')[0].status, 422)

    def test_ticks_arrive_one_by_one(self):
        for language in ("js", "py"):
            connection = self.duet.connect()
            connection.request("GET", f"/{language}/ticks?count=3")
            answer = connection.getresponse()
            self.assertEqual(answer.headers["content-type"], "text/event-stream")
            started = time.monotonic()
            events, arrivals = b"", []
            while piece := answer.read1():
                arrivals += [time.monotonic() - started] * piece.count(b"\n\n")
                events += piece
            connection.close()
            self.assertEqual(events, b"".join(b'id: %d\ndata: {"tick":%d}\n\n' % (i, i)
                                              for i in (1, 2, 3)))
            self.assertGreater(arrivals[2] - arrivals[0], 0.15, f"{language}: all at once")

    def test_ticks_stop_when_the_client_has_gone(self):
        for language in ("js", "py"):
            with socket.create_connection(("127.0.0.1", self.duet.port), timeout=20) as client:
                client.sendall(f"GET /{language}/ticks?count=1000 HTTP/1.1\r\nHost: a\r\n\r\n"
                               .encode())
                self.assertTrue(client.recv(1))
        for answer in self.both("POST", "/totals", '{"numbers": [1]}'):
            self.assertEqual(answer.status, 200)  # and that its end loses nobody else's request

    def test_digest_reads_a_body_larger_than_buffers(self):
        body = bytes(range(256)) * 20_000  # 5 MB
        expected = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for answer in self.both("PUT", "/digest", body):
            self.assertEqual(json.loads(answer.body), expected)
        for answer in self.both("PUT", "/digest", [b"in ", b"chunks"]):  # chunked
            self.assertEqual(json.loads(answer.body)["bytes"], 9)

    def test_visits_work_goes_on_after_the_answer(self):
        for language in ("js", "py"):
            for _ in range(3):
                self.assertEqual(self.duet.ask("POST", f"/{language}/visits").status, 202)
            eventually(lambda: json.loads(self.duet.get(f"/{language}/visits").body)
                       == {"recorded": 3}, f"{language}: three visits are recorded")

    def test_primes_do_not_hold_the_loop(self):
        for language in ("js", "py"):
            connection = self.duet.connect()
            connection.request("GET", f"/{language}/primes?below=5000000")
            # Answered while the sieve is at work: it would take its turn behind it otherwise.
            self.assertEqual(self.duet.get("/js/greet/a").status, 200)
            answer = connection.getresponse()
            self.assertEqual(json.loads(answer.read()), {"below": 5_000_000, "primes": 348_513})
            connection.close()
        self.assertEqual(self.both("GET", "/primes?below=1")[0].status, 400)


if __name__ == "__main__":
    unittest.main()
