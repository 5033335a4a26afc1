"""The Python engine as its users see it: a real process, real sockets."""

import concurrent.futures
import faulthandler
import json
import os
import pathlib
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from cases import EXECUTABLE, Served  # noqa: E402
from duet_process import Duet, eventually  # noqa: E402

HANDLERS = HERE / "handlers"
# Deadlines in pairs: where a request must reach its own, it is short; elsewhere a machine that is
# busy with other things must not.
CONFIG = "[server]\n" + "".join(f"""
[handlers.{name}]
source = "{HANDLERS}/{source}.py"
deadline = "{deadline}"
env = {{ NAME = "configured" }}
{more}
[[routes]]
path = "/{name}/{{case}}"
handler = "{name}"
""" for name, source, deadline, more in (
    ("aio", "aio", "15s", ""),
    ("aio-short", "aio", "1s", ""),
    ("aio-small", "aio", "15s", 'body_limit = "1000 B"'),
    ("plain", "plain", "15s", ""),
    ("plain-short", "plain", "1s", ""),
    ("threads", "threads", "15s", ""),
    ("threads-short", "threads", "1s", ""),
))


def logged(duet, text):
    eventually(lambda: text in "".join(duet.output), f"{text!r} is logged")
    return next(line for line in duet.output if text in line)


class Handlers(Served):
    config = CONFIG


class AsyncTest(Handlers):
    def test_answers(self):
        self.assertEqual(self.text("/aio/hello"), "hello")
        self.assertGreaterEqual(self.json("/aio/sleep")["slept"], 0.02)
        self.assertEqual(self.text("/aio/sleep0"), "through")

    def test_running_loop(self):
        self.assertEqual(self.json("/aio/running"),
                         {"same": True, "running": True, "kind": "Loop", "selector": True})

    def test_task_is_made_when_asked_for(self):
        self.assertEqual(self.json("/aio/task"), {"task": True, "same": True, "listed": True})
        self.assertEqual(self.json("/aio/late_task"), {"task": True, "same": True})
        self.assertEqual(self.json("/aio/no_task"), {"made": False})

    def test_timeouts(self):
        for case in ("timeout", "wait_for"):
            self.assertEqual(self.text(f"/aio/{case}"), "timed out")
        self.assertEqual(self.text("/aio/timeout_not"), "in time")

    def test_groups(self):
        self.assertEqual(self.json("/aio/group"), {"sum": 12})
        self.assertEqual(self.text("/aio/group_failure"), "ValueError")
        self.assertEqual(self.json("/aio/gather"), {"values": [1, 2]})
        self.assertEqual(self.text("/aio/shield"), "kept")

    def test_cancellation(self):
        self.assertEqual(self.text("/aio/cancel_self"), "cancelled and on")
        self.assertEqual(self.json("/aio/cancel_child"), {"child": True, "noted": True})

    def test_bad_await(self):
        self.assertIn("nonsense", self.text("/aio/bad_await"))

    def test_threads_and_processes(self):
        self.assertEqual(self.json("/aio/to_thread"),
                         {"same_process": True, "variable": "of the request"})
        self.assertEqual(self.json("/aio/subprocess"), {"out": "QUIET", "code": 3})
        self.assertEqual(self.text("/aio/threadsafe"), "woken")

    def test_sockets(self):
        self.assertEqual(self.text("/aio/streams"), "TO AND FRO\n")
        self.assertEqual(self.text("/aio/refused"), "ConnectionRefusedError")
        self.assertEqual(self.json("/aio/add_reader"), {"value": "ready", "removed": [True, False]})

    def test_a_descriptor_closed_under_the_loop(self):
        self.assertEqual(self.json("/aio/closed_reader"), {"removed": [True, True]})
        self.assertEqual(self.text("/aio/hello"), "hello")

    def test_a_socket_closed_before_its_reader_is_removed(self):
        self.assertEqual(self.json("/aio/closed_socket"),
                         {"removed": [True, True, "Invalid file object"]})
        self.assertEqual(self.text("/aio/hello"), "hello")

    def test_context_variables(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = pool.map(lambda n: self.json(f"/aio/context?as=v{n}"), range(8))
            for n, answer in enumerate(answers):
                self.assertEqual(answer, {"seen": "unset", "mine": f"v{n}", "after": "unset"})

    def test_requests_wake_each_other(self):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            waiting = pool.submit(self.text, "/aio/wait?name=one")
            self.assertEqual(self.text("/aio/release?name=one"), "done")
            self.assertEqual(waiting.result(), "released")

    def test_bodies(self):
        self.assertEqual(self.json("/aio/body", method="POST", body="größer".encode()),
                         {"text": "größer", "again": 8})
        self.assertEqual(self.json("/aio/json", method="POST", body=b' {"a": [1, "b"]} '),
                         {"a": [1, "b"]})
        self.ask("/aio/json", method="POST", body=b"{", status=500)
        big = self.json("/aio/pieces", method="POST", body=b"x" * 600_000)
        self.assertEqual(big, {"total": 600_000, "several": True})

    def test_body_over_the_limit(self):
        for case in ("body", "pieces", "late_body"):
            with self.duet.socket() as client:
                client.sendall(b"POST /aio-small/%s HTTP/1.1\r\nHost: x\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n"
                               b"258\r\n%s\r\n" % (case.encode(), b"x" * 0x258))
                client.sendall(b"258\r\n%s\r\n0\r\n\r\n" % (b"x" * 0x258))
                self.assertIn(b"HTTP/1.1 413 ", client.recv(65536))
        self.ask("/aio-small/json", method="POST", body=b"{", status=500)
        logged(self.duet, '"handler":"aio-small"')
        # The client's mistake: nothing failed in the handler.
        self.assertFalse([line for line in self.duet.output if "RequestEnded" in line])

    def test_slow_body(self):
        with self.duet.socket() as client:
            client.sendall(b"POST /aio/body HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
            time.sleep(0.02)
            client.sendall(b"def")
            self.assertIn(b'{"text":"abcdef","again":6}', client.recv(4096))

    def test_streaming(self):
        answer = self.ask("/aio/stream")
        self.assertEqual(answer.body, b"0\n1\n2\n3\n4\n")
        self.assertEqual(answer.headers["content-type"], "text/plain")
        self.assertEqual(self.text("/aio/generator"), "as it is")
        self.assertEqual(len(self.ask("/aio/flood?pieces=50").body), 50 * 65536)

    def test_backpressure(self):
        with self.duet.socket() as client:
            client.sendall(b"GET /aio/flood?pieces=2000 HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(100)
            time.sleep(0.1)
            made = self.json("/aio/notes")["notes"]
            self.assertLess(made, 400, "the generator ran ahead of the client")
        # The client is gone: the generator is closed.
        eventually(lambda: self.json("/aio/notes")["last"] == "closed", "the generator closes")

    def test_broken_stream(self):
        with self.duet.socket() as client:
            client.sendall(b"GET /aio/broken_stream HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            try:
                while piece := client.recv(4096):
                    received += piece
            except ConnectionResetError:
                pass
        self.assertIn(b"begun", received)
        self.assertNotIn(b"\r\n0\r\n\r\n", received)
        logged(self.duet, "in the middle")

    def test_errors(self):
        answer = self.ask("/aio/raise", status=500)
        self.assertIn(b"error id", answer.body)
        line = logged(self.duet, "KeyError: 'after a suspension'")
        self.assertIn("aio.py:", line)
        self.assertIn('"handler":"aio"', line)
        self.ask("/aio/exit", status=500)
        logged(self.duet, "SystemExit: 7")

    def test_strays(self):
        self.assertEqual(self.text("/aio/stray"), "gone on")
        self.assertIn('"handler":"aio"', logged(self.duet, "nobody awaits me"))
        self.assertIn(b"error id", self.ask("/aio/stray_exit", status=500).body)
        for case in ("timer", "reader", "future", "soon"):
            answer = self.ask(f"/aio/callback_exit?by={case}", status=500)
            self.assertIn(b"error id", answer.body)
            logged(self.duet, f"SystemExit: {case}")
        # Nobody is left to fail: it is logged.
        self.assertEqual(self.text("/aio/exit_afterwards"), "answered")
        logged(self.duet, "SystemExit: afterwards")
        self.assertEqual(self.text("/aio/callback_raises"), "gone on")
        self.assertIn("aio.py", logged(self.duet, "ZeroDivisionError"))
        self.assertEqual(self.json("/aio/debug"), ["case_debug"] * 3 + [None] * 2)

    def test_deadline(self):
        self.ask("/aio-short/never", status=504)
        eventually(lambda: self.json("/aio-short/notes")["last"] == "cancelled at the deadline",
                   "the handler is cancelled")

    def test_dropped(self):
        self.ask("/aio/dropped", status=500)

    def test_endless(self):
        self.ask("/aio-short/endless", status=504)
        self.assertIn("aio.py", logged(self.duet, "HandlerInterrupted"))
        self.assertEqual(self.text("/aio/hello"), "hello")

    def test_aborted(self):
        with self.duet.socket() as client:
            client.sendall(b"GET /aio/aborted HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.05)
        eventually(lambda: self.json("/aio/notes")["last"] == "client gone", "the signal fires")

    def test_wait_until(self):
        self.ask("/aio/until", status=202, X_Mark="m")
        eventually(lambda: self.json("/aio/notes")["last"] == "afterwards: m /aio/until",
                   "the work afterwards is done")
        self.ask("/aio/until_fails")
        self.assertIn('"handler":"aio"', logged(self.duet, "of the work afterwards"))

    def test_the_loop_is_the_hosts(self):
        self.assertIn("duet's", self.text("/aio/stop"))

    def test_fork(self):
        self.assertEqual(self.json("/aio/fork"), {"code": 5})
        self.assertEqual(self.json("/aio/fork_return"), {"code": 0})
        self.assertEqual(self.text("/aio/hello"), "hello")

    def test_a_signal_for_a_forked_child_is_not_the_hosts(self):
        self.assertEqual(self.json("/aio/fork_signal"),
                         {"SIGTERM": -15, "user's handler": 7, "SIGINT": "KeyboardInterrupt"})
        self.assertEqual(self.text("/aio/hello"), "hello")

    def test_a_forked_child_does_not_hold_connections_open(self):
        child = int(self.text("/aio/fork_stays"))
        try:
            with self.duet.socket() as client:  # was open when the child was made
                client.sendall(b"GET /aio/fork_stays?again HTTP/1.1\r\nHost: a\r\n"
                               b"Connection: close\r\n\r\n")
                answer = b""
                while piece := client.recv(65536):
                    answer += piece
            second = int(answer.rpartition(b"\r\n")[2])
        finally:
            os.kill(child, 9)
        os.kill(second, 9)

    def test_multiprocessing(self):
        for method in ("spawn", "fork", "forkserver"):
            for path in ("aio", "threads"):
                with self.subTest(f"{path}, {method}"):
                    self.assertEqual(self.json(f"/{path}/processes?{method}"),
                                     {"executor": 42, "pool": [2, 4], "process": ["put", 0]})


class PhasesTest(unittest.TestCase):
    def phases(self, source):
        with tempfile.TemporaryDirectory() as folder:
            handler = pathlib.Path(folder) / "phases.py"
            handler.write_text(source)
            with Duet(EXECUTABLE, [str(handler)]) as duet:
                for _ in range(20):
                    self.assertEqual(duet.get("/").body, b"answered")
                url = f"http://127.0.0.1:{duet.admin_port}/api/handlers"
                with urllib.request.urlopen(url, timeout=20) as answer:
                    return json.load(answer)["handlers"][0]["phases_us"]

    def test_what_does_not_wait_shows_no_await(self):
        for source in ("def fetch():\n    return 'answered'\n",
                       "async def fetch():\n    return 'answered'\n"):
            phases = self.phases(source)
            self.assertGreater(phases["run"]["max"], 0)
            self.assertEqual((phases["await"]["max"], phases["ready"]["max"]), (0, 0))


class PlainTest(Handlers):
    def test_kinds(self):
        for kind, media, body in (
            ("str", "text/plain; charset=utf-8", "text é".encode()),
            ("bytes", "application/octet-stream", b"\0\1"),
            ("bytearray", "application/octet-stream", b"ba"),
            ("dict", "application/json", '{"a":[1,2.5,null,true],"é":"ü"}'.encode()),
            ("list", "application/json", b'[1,"two"]'),
            ("array", "application/octet-stream", b"AB"),
        ):
            answer = self.ask(f"/plain/kinds?kind={kind}")
            self.assertEqual((answer.headers["content-type"], answer.body), (media, body))
        self.assertEqual(self.ask("/plain/kinds?kind=empty").body, b"")
        self.assertEqual(self.json("/plain/kinds?kind=response", status=201), {"made": True})

    def test_wrong_kinds(self):
        for kind, said in (("none", "returned None"), ("int", "returned int"),
                           ("tuple", "returned tuple"), ("odd", "returned Odd"),
                           ("nan", "JSON has no NaN"), ("set", "set is not JSON serializable"),
                           ("deep", 'at value[\\"a\\"][0][\\"b\\"]')):
            self.ask(f"/plain/kinds?kind={kind}", status=500)
            logged(self.duet, said)

    def test_request(self):
        seen = self.json("/plain/request?a=1&b=%C3%BC+x&a=2", method="POST", body=b"the body",
                         User_Agent="me", x_one="1")
        self.assertEqual(seen["url"],
                         f"http://127.0.0.1:{self.duet.port}/plain/request?a=1&b=%C3%BC+x&a=2")
        self.assertEqual(seen["query"], [["a", "1"], ["b", "ü x"], ["a", "2"]])
        self.assertEqual((seen["method"], seen["path"], seen["first"], seen["text"], seen["agent"]),
                         ("POST", "/plain/request", "1", "the body", "me"))
        self.assertEqual((seen["params"], seen["missing"], seen["has"], seen["deadline"]),
                         ({"case": "request"}, "-", False, True))

    def test_repeated_fields(self):
        with self.duet.socket() as client:
            client.sendall(b"GET /plain/request HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\n"
                           b"user-agent: a\r\n\r\n")
            answer = client.recv(65536)
        self.assertIn(b'"all":["1","2"],"joined":"1, 2"', answer)

    def test_headers(self):
        fields = self.ask("/plain/headers").headers
        self.assertEqual((fields["x-one"], fields.get_all("x-many"), fields.get_all("x-late")),
                         ("1", ["a", "b"], ["yes", "also"]))
        said = self.json("/plain/header_crlf")
        self.assertIn("header x", said["constructor"])
        self.assertIn("header x", said["assignment"])
        self.ask("/plain/header_name", status=500)
        logged(self.duet, "header bad name")

    def test_status(self):
        self.ask("/plain/status?status=418", status=418)
        self.ask("/plain/status?status=199", status=500)
        logged(self.duet, "status must be from 200 to 599")

    def test_errors(self):
        self.ask("/plain/raise", status=500)
        line = logged(self.duet, "KeyError: 'missing'")
        self.assertIn("plain.py:", line)
        for case in ("exit", "os_exit", "quit", "interrupt"):
            self.ask(f"/plain/{case}", status=500)
        for case in ("kill", "kill_group", "raise_signal", "abort", "alarm", "timer"):
            self.ask(f"/plain/{case}", status=500)
        logged(self.duet, "SystemExit: os.kill sends SIGHUP, which nobody handles")
        logged(self.duet, "SystemExit: os.killpg sends SIGSTOP, which nobody handles")
        logged(self.duet, "SystemExit: signal.raise_signal sends SIGKILL")
        logged(self.duet, "SystemExit: signal.alarm sends SIGALRM")
        logged(self.duet, "SystemExit: signal.setitimer sends SIGPROF")
        logged(self.duet, "SystemExit: os.abort() was called")
        self.assertEqual(self.text("/plain/kill_handled"), "handled")
        logged(self.duet, "SystemExit: 3")
        logged(self.duet, "KeyboardInterrupt")

    def test_request_beyond_its_end(self):
        self.ask("/plain/keep", method="POST", body=b"kept", user_agent="a")
        self.assertEqual(self.json("/plain/kept"),
                         {"path": "/plain/keep", "agent": "a", "text": "kept", "body": "kept"})

    def test_own_attributes(self):
        self.assertEqual(self.text("/plain/attribute"), "me")

    def test_json(self):
        for value in ({"a": "\u2028\"\\\n", "n": 12345678901234567890, "f": 1e300}, [], "x", None):
            answer = self.ask("/plain/json", method="POST", body=json.dumps(value).encode())
            self.assertEqual(json.loads(answer.body), value)
        self.assertEqual(self.ask("/plain/null").body, b"null")

    def test_redirect(self):
        answer = self.ask("/plain/redirect", status=307)
        self.assertEqual(answer.headers["location"], "/elsewhere")

    def test_streaming(self):
        self.assertEqual(self.text("/plain/stream"), "0\n1\n2\n3\n4\n")
        self.assertEqual(len(self.ask("/plain/big?pieces=50").body), 50 * 65536)

    def test_env(self):
        self.assertEqual(self.json("/plain/env"),
                         {"value": "configured", "item": "configured", "missing": "-"})

    def test_interpreter(self):
        seen = self.json("/plain/executable")
        self.assertEqual(seen["prefix"], seen["child"])
        self.assertIn("plain.py", " ".join(seen["argv"]) + "plain.py")

    def test_endless(self):
        self.ask("/plain-short/endless", status=504)
        self.ask("/plain-short/sleep?seconds=30", status=504)
        self.assertEqual(self.text("/plain/attribute"), "me")

    def test_print(self):
        self.text("/plain/print")
        logged(self.duet, "printed by a handler")


class ThreadsTest(Handlers):
    def test_runs_in_a_thread(self):
        seen = self.json("/threads/thread", method="POST", body=b"text", x_mark="m")
        self.assertEqual((seen["main"], seen["text"], seen["path"], seen["header"]),
                         (False, "text", "/threads/thread", "m"))

    def test_thread_local_state_lives_on(self):
        # More than there are threads: one of them has come twice.
        self.assertGreater(max(self.json("/threads/thread")["calls"] for _ in range(50)), 1)

    def test_does_not_hold_the_loop(self):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            two = [pool.submit(self.text, "/threads/meet") for _ in range(2)]
            eventually(lambda: self.json("/threads/waiting") == {"waiting": 2}, "two wait")
            self.assertEqual(self.text("/aio/hello"), "hello")
            self.assertFalse(any(one.done() for one in two))
            self.assertEqual(self.text("/threads/meet"), "met")
            self.assertEqual([one.result() for one in two], ["met", "met"])

    def test_errors(self):
        self.ask("/threads/raise", status=500)
        self.assertIn("threads.py", logged(self.duet, "in a thread"))
        self.ask("/threads/exit", status=500)

    def test_streaming(self):
        self.assertEqual(self.text("/threads/stream"), "False 0\nFalse 1\nFalse 2\n")
        self.assertEqual(len(self.ask("/threads/big?pieces=50").body), 50 * 65536)

    def test_client_gone(self):
        with self.duet.socket() as client:
            client.sendall(b"GET /threads/big?pieces=3000 HTTP/1.1\r\nHost: x\r\n\r\n")
            received = 0
            while received < 10_000:  # more than the head: the generator has begun
                received += len(client.recv(4096))
        eventually(lambda: self.json("/threads/notes")["last"] == "closed", "the stream closes")
        self.assertLess(self.json("/threads/notes")["notes"], 2000)

    def test_wait_until(self):
        self.text("/threads/until")
        eventually(lambda: self.json("/threads/notes")["last"] == "afterwards", "work afterwards")

    def test_endless(self):
        self.ask("/threads-short/endless", status=504)
        eventually(lambda: self.json("/threads-short/notes")["last"] == "interrupted",
                   "it is stopped")
        self.assertEqual(self.text("/threads/run"), "ran")


if __name__ == "__main__":
    # Every wait has a deadline; should one not, this says where, before ctest's ends the process.
    faulthandler.dump_traceback_later(240, exit=True)
    unittest.main(verbosity=1)
