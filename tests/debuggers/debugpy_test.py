"""Python handlers in a debugger: breakpoints hit in each kind, and a person may take their time."""

import concurrent.futures
import http.client
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from dap import DEADLINE, Debugger  # noqa: E402
from duet_process import Duet, eventually  # noqa: E402
from python_packages import environment_with  # noqa: E402

EXECUTABLE = os.environ["DUET"]
SHORT = 0.1  # seconds; the deadline of requests, where there is one
SHOP = """\
import asyncio
import duet

label = 'at load'


def plain(request):
    price = int(request.query['price'])
    return f'plain {price * 3}'


async def suspends(request):
    price = int(request.query['price'])
    await asyncio.sleep(0.001)
    return f'suspends {price * 3}'


@duet.blocking
def blocking(request):
    price = int(request.query['price'])
    return f'blocking {price * 3}'


async def app(scope, receive, send):
    if scope['type'] != 'http':
        raise NotImplementedError
    price = int(scope['query_string'].partition(b'=')[2])
    await asyncio.sleep(0.001)
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'app %d' % (price * 3)})


def wsgi(environ, start_response):
    price = int(environ['QUERY_STRING'].partition('=')[2])
    start_response('200 OK', [])
    return [b'wsgi %d' % (price * 3)]
"""
HANDLERS = {"plain": 9, "suspends": 15, "blocking": 21, "app": 28, "wsgi": 36}  # where to stop
LISTENS = """
import debugpy
print('debugpy listening on %s:%d' % debugpy.listen(('127.0.0.1', 0)))
"""


class DebugpyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.env, why = environment_with(["debugpy"], "debugpy")
        if cls.env is None:
            raise unittest.SkipTest(why)
        cls.env["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(os.path.realpath(folder.name))
        self.threads = concurrent.futures.ThreadPoolExecutor()
        self.addCleanup(self.threads.shutdown)
        self.shop = self.folder / "shop.py"

    def serve(self, *options, module=SHOP):
        self.shop.write_text(module)
        config = f"[server]\ndeadline = \"{int(SHORT * 1000)}ms\"\n"
        for name in HANDLERS:
            config += f"[handlers.{name}]\nsource = \"shop:{name}\"\n"
            config += f"[[routes]]\npath = \"/{name}\"\nhandler = \"{name}\"\n"
        (self.folder / "duet.toml").write_text(config)
        return Duet(EXECUTABLE, ["duet.toml", *options], cwd=self.folder, env=self.env)

    def address(self, duet):
        found = []

        def said():
            found[:] = re.findall(r"^debugpy listening on (\S+):(\d+)$", "".join(duet.output), re.M)
            return found

        eventually(said, "the address of debugpy")
        host, port = found[0]
        return host, int(port)

    def look_through(self, duet):
        """A breakpoint in each handler, held for longer than the deadline."""
        with Debugger(*self.address(duet)) as debugger:
            debugger.break_at(self.shop, *HANDLERS.values())
            debugger.go()
            for name, line in HANDLERS.items():
                with self.subTest(name):
                    answer = self.threads.submit(duet.get, f"/{name}?price=7")
                    file, at, frame, thread = debugger.stopped()
                    self.assertEqual((file, at), (self.shop, line))
                    self.assertEqual(debugger.value(frame, "price"), "7")
                    time.sleep(3 * SHORT)  # the person thinks
                    debugger.resume(thread)
                    answer = answer.result(DEADLINE)
                    self.assertEqual((answer.status, answer.body), (200, f"{name} 21".encode()))
        self.assertEqual(duet.get("/plain?price=1").body, b"plain 3")  # with nobody attached

    def test_breakpoints_hit_and_no_deadline_passes(self):
        with self.serve("--debugpy=0") as duet:
            self.look_through(duet)
        self.assertIn("deadlines are off", "".join(duet.output))

    def test_threads_that_ran_before_are_seen(self):
        with self.serve("--debugpy=0") as duet:
            for name in HANDLERS:
                self.assertEqual(duet.get(f"/{name}?price=1").body, f"{name} 3".encode())
            self.look_through(duet)

    def test_user_code_may_open_it(self):
        with self.serve(module=SHOP + LISTENS) as duet:
            self.look_through(duet)

    def test_at_a_breakpoint_of_a_blocking_handler_the_loop_goes_on(self):
        with self.serve("--debugpy=0") as duet, Debugger(*self.address(duet)) as debugger:
            debugger.break_at(self.shop, HANDLERS["blocking"])
            debugger.go()
            held = self.threads.submit(duet.get, "/blocking?price=7")
            thread = debugger.stopped()[3]
            health = http.client.HTTPConnection("127.0.0.1", duet.admin_port, timeout=DEADLINE)
            health.request("GET", "/healthz")
            self.assertEqual(health.getresponse().status, 200)
            health.close()
            debugger.resume(thread)
            self.assertEqual(held.result(DEADLINE).body, b"blocking 21")

    def test_handlers_wait_for_a_debugger(self):
        duet = self.serve("--debugpy-wait=0")
        started = self.threads.submit(duet.__enter__)
        eventually(lambda: hasattr(duet, "process"), "a process")
        with Debugger(*self.address(duet)) as debugger:
            debugger.break_at(self.shop, 4)
            debugger.go()
            file, line, _, thread = debugger.stopped()
            self.assertEqual((file, line, started.done()), (self.shop, 4, False))
            debugger.resume(thread)
            started.result(DEADLINE)
        self.assertEqual(duet.get("/plain?price=1").body, b"plain 3")
        duet.__exit__(None, None, None)


class WithoutDebugpyTest(unittest.TestCase):
    def test_a_missing_package_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", f"{folder}/empty"],
                           check=True)
            file = pathlib.Path(folder) / "shop.py"
            file.write_text("def fetch(): return 'x'")
            done = subprocess.run(
                [EXECUTABLE, "serve", file, "--debugpy", "--listen", "127.0.0.1:0",
                 "--admin", "off"], capture_output=True, text=True, timeout=DEADLINE,
                env=dict(os.environ, VIRTUAL_ENV=f"{folder}/empty"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("--debugpy needs the package debugpy", done.stderr)
        self.assertIn(f"{folder}/empty/bin/python3 -m pip install debugpy", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
