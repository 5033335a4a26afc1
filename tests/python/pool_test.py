"""Blocking handlers beside the loop: what it does not wait for, and what they hear of their requests."""

import concurrent.futures
import http.client
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from cases import Folder  # noqa: E402
from duet_process import eventually  # noqa: E402

THREADS = min(32, os.cpu_count() + 4)  # of the pool: bindings/python/runtime.cc
KEEPS = """
import ctypes, os, time
import duet

MARKS = os.environ["MARKS"]
notes = []

def mark(name):
    open(os.path.join(MARKS, name), "w").close()

def marked(name):
    return os.path.exists(os.path.join(MARKS, name))

def keep(request):
    let_go = os.open(os.path.join(MARKS, "let go"), os.O_RDWR)
    mark("begun")
    ctypes.PyDLL(None).read(let_go, ctypes.create_string_buffer(1), 1)  # in C, with the GIL
    os.close(let_go)
    return "kept"

def wait(request):
    mark("waits-" + request.query["number"])
    while not marked("go"):
        time.sleep(0.002)
    return "waited"

def late(request):
    notes.append("begun late")

def free(request):
    return "free"

def told(request):
    return notes

def asks(request):  # for its signal, after the client has left
    mark("begun")
    while not request.aborted:
        time.sleep(0.002)
    notes.append([request.signal.aborted, request.signal.reason])

def hears(request):
    import threading
    heard = threading.Event()
    threads = []
    def note():
        threads.append(threading.get_ident())
        heard.set()
    request.signal.add_callback(note)
    mark("begun")
    heard.wait(20)
    notes.append([request.signal.reason, threads])

def forks(request):
    child = os.fork()
    return [0] if child == 0 else {"status": os.waitpid(child, 0)[1]}

def forks_in_a_stream(request):
    def pieces():
        child = os.fork()
        yield "of the child" if child == 0 else f"status {os.waitpid(child, 0)[1]}"
    return duet.Response(pieces())

@duet.blocking
def fetch(request):
    return globals()[request.path.rpartition("/")[2]](request)

def on_loop(request):
    import threading
    return str(threading.get_ident())
"""
CONFIG = """
[handlers.pool]
source = "keeps:fetch"
[handlers.short]
source = "keeps:fetch"
deadline = "300ms"
[handlers.loop]
source = "keeps:on_loop"
[[routes]]
path = "/on_loop"
handler = "loop"
[[routes]]
path = "/late"
handler = "short"
[[routes]]
path = "/short/keep"
handler = "short"
[[routes]]
path = "/{what}"
handler = "pool"
"""


class PoolTest(Folder):
    def setUp(self):
        super().setUp()
        self.write("keeps.py", KEEPS)
        self.duet = self.serve(self.write("duet.toml", CONFIG), env={"MARKS": str(self.folder)})
        self.duet.__enter__()
        self.addCleanup(self.duet.__exit__, None, None, None)
        self.clients = concurrent.futures.ThreadPoolExecutor(THREADS + 4)
        self.addCleanup(self.clients.shutdown)
        os.mkfifo(self.folder / "let go")
        self.gil = open(self.folder / "let go", "r+b", buffering=0)  # kept until a byte comes
        self.addCleanup(self.gil.close)
        self.addCleanup(self.let_go)

    def let_go(self):
        self.gil.write(b"1")

    def begun(self, name="begun"):
        eventually((self.folder / name).exists, f"{name} is marked")

    def ask_and_leave(self, target):
        with self.duet.socket() as client:
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            self.begun()

    def assert_the_loop_turns(self, times=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.duet.admin_port, timeout=20)
        for _ in range(times):
            connection.request("GET", "/healthz")
            self.assertEqual(connection.getresponse().read(), b"ok\n")
        connection.close()

    def test_the_loop_does_not_wait_for_the_gil(self):
        keeps = self.clients.submit(self.duet.get, "/keep")
        self.begun()
        waits = self.clients.submit(self.duet.get, "/free")
        self.assert_the_loop_turns()  # while the second call is handed over, too
        self.assertFalse(keeps.done() or waits.done())
        self.let_go()
        self.assertEqual((keeps.result().body, waits.result().body), (b"kept", b"free"))

    def test_nor_when_a_client_leaves(self):
        keeps = self.clients.submit(self.duet.get, "/keep")
        self.begun()
        self.ask_and_leave("/free")
        self.assert_the_loop_turns()
        self.assertFalse(keeps.done())
        self.let_go()
        self.assertEqual(keeps.result().body, b"kept")

    def test_nor_at_a_deadline(self):
        keeps = self.clients.submit(self.duet.get, "/short/keep")
        self.begun()
        self.assertEqual(keeps.result().status, 504)
        free = self.clients.submit(self.duet.get, "/free")
        self.assert_the_loop_turns()
        self.assertFalse(free.done())  # the 504 came while the GIL was kept
        self.let_go()
        self.assertEqual(free.result().body, b"free")

    def test_a_call_whose_deadline_passed_before_a_thread_was_free_never_begins(self):
        waiting = [self.clients.submit(self.duet.get, f"/wait?number={number}")
                   for number in range(THREADS)]
        for number in range(THREADS):
            self.begun(f"waits-{number}")
        self.assertEqual(self.duet.get("/late").status, 504)
        (self.folder / "go").touch()
        self.assertEqual({one.result().body for one in waiting}, {b"waited"})
        self.assertEqual(self.duet.get("/told").body, b"[]")

    def test_a_signal_that_is_asked_for_afterwards_has_fired(self):
        self.ask_and_leave("/asks")
        eventually(lambda: self.duet.get("/told").body == b'[[true,"client gone"]]', "it is told")

    def test_a_signal_fires_on_the_loop(self):
        loop = self.duet.get("/on_loop").body
        self.ask_and_leave("/hears")
        eventually(lambda: self.duet.get("/told").body == b'[["client gone",[' + loop + b"]]]",
                   "it is told")

    def test_a_child_that_comes_back_ends(self):
        self.assertEqual(self.duet.get("/forks").body, b'{"status":0}')
        self.assertEqual(self.duet.get("/forks_in_a_stream").body, b"status 0")


if __name__ == "__main__":
    unittest.main(verbosity=1)
