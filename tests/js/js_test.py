"""The JavaScript engine as its users see it: a real process, real sockets."""

import concurrent.futures
import json
import os
import pathlib
import socket
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from cases import Served  # noqa: E402
from duet_process import eventually  # noqa: E402

HANDLERS = HERE / "handlers"
CONFIG = """
[server]
[handlers.cases]
source = "{handlers}/cases.mjs"
deadline = "{deadline}"
env = {{ NAME = "configured" }}
[handlers.hangs]
source = "{handlers}/hangs.mjs"
deadline = "500ms"
[handlers.typed]
source = "{handlers}/typed.ts"
[handlers.strict]
source = "{handlers}/strict.ts"
[handlers.first]
source = "{handlers}/counter.mjs"
[handlers.second]
source = "{handlers}/counter.mjs"
[handlers.common1]
source = "{handlers}/counter.cjs"
[handlers.common2]
source = "{handlers}/counter.cjs"
[handlers.standard]
source = "{handlers}/standard.mjs"
[[routes]]
path = "/cases/{{case}}"
handler = "cases"
[[routes]]
path = "/hangs/{{how}}/{{what}}"
handler = "hangs"
[[routes]]
path = "/typed/{{case}}"
handler = "typed"
[[routes]]
path = "/strict/{{case}}"
handler = "strict"
[[routes]]
path = "/first"
handler = "first"
[[routes]]
path = "/second"
handler = "second"
[[routes]]
path = "/common1"
handler = "common1"
[[routes]]
path = "/common2"
handler = "common2"
[[routes]]
path = "/standard/{{rest...}}"
handler = "standard"
"""


class Cases(Served):
    config = CONFIG.format(handlers=HANDLERS, deadline="10s")

    def case(self, name, **options):
        return self.text(f"/cases/{name}", **options)

    def logged(self, *texts):
        """The first line of the log that has all the texts."""
        def found():
            return [line for line in list(self.duet.output) if all(t in line for t in texts)]
        eventually(found, f"{texts} are logged in\n" + "".join(self.duet.output[-20:]))
        return json.loads(found()[0])


class AnswersTest(Cases):
    def test_what_a_handler_may_return(self):
        for name, body, kind in [
            ("response", "made", "text/plain;charset=UTF-8"),
            ("string", "h\u00e9llo", "text/plain;charset=utf-8"),
            ("object", '{"a":[1,"\u00e9"]}', "application/json"),
            ("array", "[1,2]", "application/json"),
            ("bytes", "bytes", "application/octet-stream"),
            ("buffer", "buffer", "application/octet-stream"),
            ("blob", "blob", "text/x"),
            ("generator", "one two", "application/octet-stream"),
            ("later", "later", "text/plain;charset=utf-8"),
        ]:
            with self.subTest(name):
                answer = self.duet.get(f"/cases/{name}")
                self.assertEqual(answer.body.decode(), body)
                self.assertEqual(answer.headers["content-type"], kind)

    def test_a_response(self):
        answer = self.ask("/cases/response", status=201)
        self.assertEqual((answer.headers["x-a"], answer.headers["set-cookie"]), ("b", "c=1"))
        self.assertEqual(self.ask("/cases/empty", status=204).body, b"")
        self.assertTrue(self.ask("/cases/redirect", status=307).headers["location"].endswith("/there"))
        self.assertEqual(self.case("stream"), "chunk 0\nchunk 1\nchunk 2\n")
        self.assertEqual(len(self.case("big")), 3_000_000)

    def test_a_response_in_memory_may_be_returned_again(self):
        self.assertEqual([self.case("kept"), self.case("kept")], ["kept", "kept"])

    def test_what_is_no_answer(self):
        for name, said in [("null", "returned null"), ("nothing", "is a `return` missing?"),
                           ("number", "returned number 42"), ("map", "class Map"),
                           ("circular", "circular structure"), ("used", "has already been read"),
                           ("injection", "must not hold CR, LF or NUL")]:
            with self.subTest(name):
                self.case(name, status=500)
                self.assertIn("cases.mjs", self.logged(said)["at"])
        self.assertIn("return a Response, a string", self.logged("returned null")["hint"])

    def test_errors(self):
        for name, message, line in [("throws", "Error: thrown", "throw new Error(\"thrown\")"),
                                    ("rejects", "TypeError: rejected", "TypeError(\"rejected\")"),
                                    ("deep", "RangeError: Maximum call stack", "again();")]:
            with self.subTest(name):
                answer = self.case(name, status=500)
                logged = self.logged(message)
                self.assertIn(logged["error_id"], answer)
                self.assertEqual((logged["handler"], logged["route"], logged["language"]),
                                 ("cases", "/cases/{case}", "javascript"))
                file, number, _ = logged["at"].rsplit(":", 2)
                self.assertIn(line, pathlib.Path(file).read_text().splitlines()[int(number) - 1])
                self.assertIn("cases.mjs", logged["stack"])
        self.case("throwsString", status=500)
        self.assertIn("not an Error", self.logged("a string was thrown")["msg"])
        self.case("throwsNull", status=500)

    def test_a_stream_that_fails_is_cut(self):
        with self.assertRaises(Exception) as caught:
            self.case("streamFails")
        self.assertIn("IncompleteRead", repr(caught.exception))
        self.logged("halfway")


class ProcessTest(Cases):
    def test_exits_end_one_request(self):
        for name, said in [("exit", "process.exit(3)"), ("exitLater", "process.exit()"),
                           ("reallyExit", "process.exit(1)"), ("kill", "SIGKILL"),
                           ("killGroup", "process.kill(0"), ("abort", "process.abort()")]:
            with self.subTest(name):
                self.case(name, status=500)
                self.logged(said, "it ends this request, not the host")
        self.assertEqual(self.case("later"), "later")

    def test_what_nobody_catches_fails_its_request(self):
        for name, said in [("unhandled", "unhandled rejection: Error: nobody awaits this"),
                           ("uncaughtTimer", "uncaught exception: Error: in a timer"),
                           ("uncaughtImmediate", "uncaught exception: Error: in an immediate"),
                           ("uncaughtTick", "uncaught exception: Error: in a tick"),
                           ("withoutListeners", "unhandled rejection: Error: nobody awaits this")]:
            with self.subTest(name):
                started = time.monotonic()
                self.case(name, status=500)
                self.assertLess(time.monotonic() - started, 5)
                self.assertIn("cases.mjs", self.logged(said)["at"])
        self.assertEqual(self.case("later"), "later")

    def test_what_nobody_catches_after_the_answer_is_logged(self):
        self.assertEqual(self.case("afterwards"), "answered")
        logged = self.logged("after the answer")
        self.assertEqual((logged["handler"], logged["level"]), ("cases", "error"))

    def test_others_notice_nothing(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            bad = [pool.submit(self.duet.get, f"/cases/{name}")
                   for name in ["exit", "unhandled", "uncaughtTimer", "throws"] * 5]
            good = [pool.submit(self.duet.get, "/cases/later") for _ in range(40)]
            self.assertEqual({answer.result().status for answer in good}, {200})
            self.assertEqual({answer.result().status for answer in bad}, {500})


class HangTest(Cases):
    config = CONFIG.format(handlers=HANDLERS, deadline="500ms")

    def test_a_handler_that_never_answers(self):
        self.case("never", status=504)

    def test_a_handler_that_never_lets_go(self):
        self.text("/hangs/promise/now", status=504)
        self.logged("holds the loop beyond its deadline")
        stopped = self.logged("a handler was interrupted")
        self.assertRegex(stopped["at"], r"/hangs\.\w+:\d+:\d+$")
        self.assertEqual(self.case("string"), "h\u00e9llo")

    def test_a_continuation_that_never_lets_go_takes_nothing_along(self):
        for how in ["promise", "tick", "immediate", "timer"]:
            with self.subTest(how), concurrent.futures.ThreadPoolExecutor(8) as pool:
                before = [pool.submit(self.duet.get, f"/hangs/{how}/wait") for _ in range(3)]
                answers = [pool.submit(self.duet.get, f"/hangs/{how}/{what}")
                           for what in ["hang", "wait", "wait", "wait"]]
                count = 0
                while count < 7:  # until all of them have been let go
                    count += self.json(f"/hangs/{how}/go")["count"]
                    if count < 7:
                        time.sleep(0.005)
                hung, *after = [answer.result() for answer in answers]
                # A batch that was let go later than the hanging one waits for its end.
                self.assertEqual(hung.status, 504)
                for answer in [future.result() for future in before] + after:
                    self.assertIn(answer.status, (200, 504), answer)
                self.assertEqual(self.json(f"/hangs/{how}/go"), {"count": 0})

    def test_all_that_continue_together_go_on(self):
        for how in ["promise", "tick", "immediate", "timer"]:
            with self.subTest(how), concurrent.futures.ThreadPoolExecutor(8) as pool:
                connections = []
                for what in ["wait", "wait", "hang", "wait", "wait"]:
                    connection = self.duet.connect()
                    connection.request("GET", f"/hangs/{how}/{what}")
                    connections.append(connection)
                    # Answered by the same loop, so the one before has been dispatched by now.
                    self.case("string")
                self.assertEqual(self.json(f"/hangs/{how}/go"), {"count": 5})
                statuses = []
                for connection in connections:
                    answer = connection.getresponse()
                    statuses.append((answer.status, answer.read().decode()))
                    connection.close()
                self.assertEqual(statuses[2][0], 504)
                del statuses[2]
                # Their deadline passes while the loop is held: those that could not go on before
                # that got 504 as well, but none is forgotten, and the loop goes on.
                for status, _ in statuses:
                    self.assertIn(status, (200, 504))
                self.assertEqual(self.case("later"), "later")

    def test_the_host_does_not_spin_afterwards(self):
        self.text("/hangs/promise/now", status=504)

        def ticks():
            with open(f"/proc/{self.duet.process.pid}/stat") as stat:
                return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))

        before = ticks()
        time.sleep(0.5)  # of idling, which is what is measured
        self.assertLess(ticks() - before, 15)


class HeapTest(Cases):
    env = {"NODE_OPTIONS": "--max-old-space-size=64"}

    def test_a_full_heap_ends_what_fills_it(self):
        self.case("heap", status=500)
        self.logged("heap is full")
        self.assertEqual(self.case("later"), "later")
        self.case("heap", status=500)
        self.assertEqual(self.case("string"), "h\u00e9llo")


class RequestTest(Cases):
    def test_bodies(self):
        self.assertEqual(self.case("echo", method="POST", body="h\u00e9".encode(), content_type="a/b"),
                         "h\u00e9")
        self.assertEqual(self.json("/cases/json", method="POST", body=b'\xef\xbb\xbf{"a":"\xc3\xa9"}'),
                         {"got": {"a": "\u00e9"}})
        self.case("json", method="POST", body=b"{", status=500)
        self.assertEqual(self.json("/cases/form", method="POST", body=b"a=1&b=%C3%A9",
                                   content_type="application/x-www-form-urlencoded"),
                         [["a", "1"], ["b", "\u00e9"]])
        self.assertEqual(self.json("/cases/clone", method="POST", body=b"twice"), ["twice", "twice"])
        self.assertEqual(self.case("proxy", method="POST", body=b"proxied"), "proxied")

    def test_streams(self):
        body = os.urandom(900_000)
        self.assertEqual(self.ask("/cases/through", method="POST", body=body).body, body)
        self.assertEqual(self.case("count", method="POST", body=iter([b"a" * 50_000] * 10)), "500000")
        self.assertEqual(self.case("slowly", method="POST", body=body), "900000")

    def test_a_client_that_reads_slowly_is_waited_for(self):
        before = self.duet.resident()
        with socket.create_connection(("127.0.0.1", self.duet.port)) as client:
            client.sendall(b"GET /cases/endless HTTP/1.1\r\nHost: a\r\n\r\n")
            received = 0
            while received < 20_000_000:
                received += len(client.recv(1 << 20))
            time.sleep(0.3)  # during which nothing is read, and nothing may pile up
            grown = self.duet.resident() - before
            if "ASAN_OPTIONS" not in os.environ:  # its quarantine keeps what has been freed
                self.assertLess(grown, 64 << 20)
        eventually(lambda: self.json("/cases/stopped").get("stopped") == "the stream was cancelled",
                   "the stream is cancelled")

    def test_the_signal(self):
        with socket.create_connection(("127.0.0.1", self.duet.port)) as client:
            client.sendall(b"GET /cases/signal HTTP/1.1\r\nHost: a\r\n\r\n")
            self.case("string")
        eventually(lambda: "AbortError: The request was aborted: the client is gone" in
                   self.json("/cases/stopped").get("stopped", ""), "the signal aborts")

    def test_what_is_known_of_a_request(self):
        about = self.json("/cases/about?a=1&b=%20", X_Two="2")
        self.assertEqual(about["method"], "GET")
        self.assertTrue(about["url"].endswith("/cases/about?a=1&b=%20"), about["url"])
        self.assertTrue(about["url"].startswith("http://127.0.0.1:"))
        self.assertEqual(about["params"], {"case": "about"})
        self.assertEqual(about["query"], [["a", "1"], ["b", " "]])
        self.assertIn(["x-two", "2"], about["headers"])
        self.assertLess(abs(about["deadline"] - 1000 * time.time() - 10_000), 5_000)

    def test_a_request_that_is_over(self):
        self.case("remember")
        said = self.json("/cases/recall")
        # What has been read is kept: the handler looked at the parameters.
        self.assertEqual(said.pop("params"), "[object Object]")
        for member, message in said.items():
            self.assertIn("The request is over", message, member)
        self.assertEqual(set(said), {"method", "url", "query", "duet", "headers", "text"})


class NodeTest(Cases):
    def test_what_node_offers(self):
        self.assertEqual(self.case("started"), "after top-level await")
        self.assertEqual(self.json("/cases/env"), {"NAME": "configured"})
        self.assertEqual(self.json("/cases/storage"), {"store": {"id": 7}})
        self.assertEqual(self.json("/cases/fetch"), {"ok": True, "headers": True, "text": "h\u00e9llo"})
        self.assertEqual(self.json("/cases/worker"), {"value": 42})
        self.assertEqual(self.case("child"), "from a child\n")

    def test_console(self):
        self.case("console")
        said = self.logged("said this { a: 1 }")
        self.assertEqual((said["level"], said["handler"]), ("info", "cases"))
        self.assertEqual(self.logged("warned")["level"], "warn")
        self.assertEqual(self.logged("line one", "line two")["level"], "error")
        self.assertEqual(self.logged("by an empty line")["msg"], "  set apart")

    def test_work_after_the_answer(self):
        self.assertEqual(self.case("wait"), "answered")
        self.logged("waited for GET http://127.0.0.1")
        self.assertEqual(self.logged("in waitUntil")["level"], "error")

    def test_typescript(self):
        self.assertEqual(self.json("/typed/a"), {"colour": "red", "half": 4, "generic": 1})
        self.text("/typed/throws", status=500)
        self.assertTrue(self.logged("Error: typed")["at"].endswith("typed.ts:13:49"),
                        self.logged("Error: typed"))
        self.text("/strict/throws", status=500)
        self.assertTrue(self.logged("at a place")["at"].endswith("strict.ts:6:13"),
                        self.logged("at a place"))

    def test_each_handler_has_a_module_of_its_own(self):
        self.assertEqual([self.json("/first")["count"] for _ in range(3)], [1, 2, 3])
        self.assertEqual(self.json("/second")["count"], 1)
        self.assertEqual([self.json("/common1")["count"] for _ in range(2)], [1, 2])
        self.assertEqual(self.json("/common2"), {"count": 1, "filename": "counter.cjs"})

    def test_the_standard(self):
        run = self.json("/standard/run")
        self.assertGreater(run["cases"], 1400)
        self.assertEqual(run["differences"], [])
        self.assertEqual(run["needless"], [])
        for number in range(run["given"]):
            given = self.json(f"/standard/given/{number}", method="POST",
                              body='{"given":"\u00e9"}'.encode(),
                              **{"X-One": "1", "Content-Type": "application/json"})
            self.assertEqual(given["ours"], given["theirs"], given["name"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
