"""JavaScript handlers in a debugger: breakpoints hit, and a person may take their time."""

import concurrent.futures
import json
import pathlib
import signal
import socket
import subprocess
import sys
import time
import unittest

from cdp import DEADLINE, Inspector, inspector_url

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402
from duet_process import eventually, reserved_port  # noqa: E402

SHORT = 0.1  # seconds; the deadline of requests, where there is one
HANDLER = """\
import { setTimeout as sleep } from 'node:timers/promises';
const label = 'at load';
export default async (request) => {
  const price = Number(request.query.get('price'));
  const total = price * 3;
  await sleep(1);
  const later = total + 1;
  return { total, later };
};
"""
OPENS = """\
import inspector from 'node:inspector';
inspector.open(0);
"""


class InspectTest(Folder):
    def setUp(self):
        super().setUp()
        self.threads = concurrent.futures.ThreadPoolExecutor()
        self.addCleanup(self.threads.shutdown)

    def write(self, name, text):
        return pathlib.Path(super().write(name, text))

    def serve(self, *arguments):
        return super().serve(*map(str, arguments), "--deadline", f"{int(SHORT * 1000)}ms")

    def ask(self, duet, target="/?price=7"):
        return self.threads.submit(duet.get, target)

    def stands_at(self, inspector, file, line, **values):
        stopped, at, frame = inspector.paused()
        self.assertEqual((stopped, at), (file, line))
        for name, value in values.items():
            self.assertEqual(inspector.value(frame, name), value)

    def look_through(self, duet, file, first=0):
        """Breakpoints in the call and behind an await, each held for longer than the deadline."""
        with Inspector(inspector_url(duet)) as inspector:
            inspector.break_at(file, first + 5)
            inspector.break_at(file, first + 8)
            answer = self.ask(duet)
            self.stands_at(inspector, file, first + 5, price=7)
            time.sleep(3 * SHORT)  # the person thinks
            inspector.resume()
            self.stands_at(inspector, file, first + 8, total=21, later=22)
            time.sleep(3 * SHORT)
            inspector.resume()
            answer = answer.result(DEADLINE)
        self.assertEqual((answer.status, json.loads(answer.body)),
                         (200, {"total": 21, "later": 22}))

    def test_breakpoints_hit_and_no_deadline_passes(self):
        file = self.write("shop.mjs", HANDLER)
        with self.serve(file, "--inspect=0") as duet:
            self.look_through(duet, file)
            self.assertEqual(duet.get("/?price=1").status, 200)  # with nobody attached
        self.assertIn("deadlines are off", "".join(duet.output))

    def test_typescript_has_the_lines_of_its_file(self):
        file = self.write("shop.ts", HANDLER.replace("(request)", "(request: Request & any)"))
        with self.serve(file, "--inspect=0") as duet:
            self.look_through(duet, file)

    def test_user_code_may_open_it(self):
        file = self.write("shop.mjs", OPENS + HANDLER)
        with self.serve(file) as duet:
            self.look_through(duet, file, first=OPENS.count("\n"))

    def test_a_signal_opens_it_as_in_node(self):
        file = self.write("shop.mjs", HANDLER)
        port = reserved_port()
        duet = self.serve(file)
        duet.env = {"NODE_OPTIONS": f"--inspect-port={port}"}
        with duet:
            self.assertNotIn("deadlines are off", "".join(duet.output))
            duet.process.send_signal(signal.SIGUSR1)
            self.look_through(duet, file)

    def test_what_was_sent_during_a_pause_is_in_time(self):
        file = self.write("shop.mjs", HANDLER)
        config = self.write("duet.toml", """
            [server.timeouts]
            keep_alive = "500ms"
            [handlers.shop]
            source = "shop.mjs"
            [[routes]]
            path = "/"
            handler = "shop"
            """)
        with self.serve(config, "--inspect=0") as duet, \
                Inspector(inspector_url(duet)) as inspector:
            inspector.break_at(file, 5, "price === 7")
            kept = duet.connect()
            self.addCleanup(kept.close)
            kept.request("GET", "/?price=1")
            self.assertEqual(kept.getresponse().read(), b'{"total":3,"later":4}')
            first = self.ask(duet)
            self.stands_at(inspector, file, 5)
            kept.request("GET", "/?price=2")  # on a connection that was idle
            time.sleep(0.6)
            inspector.call("Debugger.disable")
            self.assertEqual(kept.getresponse().read(), b'{"total":6,"later":7}')
            self.assertEqual(first.result(DEADLINE).status, 200)

    def test_handlers_wait_for_a_debugger(self):
        file = self.write("shop.mjs", HANDLER)
        duet = self.serve(file, "--inspect-wait=0")
        started = self.threads.submit(duet.__enter__)
        with Inspector(inspector_url_when(duet)) as inspector:
            inspector.break_at(file, 2)
            inspector.call("Runtime.runIfWaitingForDebugger")
            self.stands_at(inspector, file, 2)
            self.assertFalse(started.done())
            inspector.resume()
            started.result(DEADLINE)
        self.assertEqual(duet.get("/?price=1").status, 200)
        duet.__exit__(None, None, None)

    def interrupted(self, process):
        """The code of a process that is asked until it ends: two signals at once count as one."""
        for _ in range(100):
            process.send_signal(signal.SIGINT)
            try:
                return process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
        return process.wait(0)

    def test_two_signals_stop_at_a_breakpoint(self):
        file = self.write("shop.mjs", HANDLER)
        duet = self.serve(file, "--inspect=0").__enter__()
        with Inspector(inspector_url(duet)) as inspector:
            inspector.break_at(file, 5)
            asked = self.ask(duet)
            self.stands_at(inspector, file, 5)
            duet.process.send_signal(signal.SIGINT)
            eventually(lambda: not pending(duet.process.pid, signal.SIGINT), "the first is taken")
            self.assertEqual(self.interrupted(duet.process), 128 + signal.SIGINT)
        self.assertIsInstance(asked.exception(DEADLINE), OSError)
        duet.reader.join(DEADLINE)
        duet.process.stdout.close()

    def fails(self, *arguments):
        done = subprocess.run([EXECUTABLE, "serve", *map(str, arguments), "--listen", "127.0.0.1:0",
                               "--admin", "off"], capture_output=True, text=True, timeout=DEADLINE)
        return done.returncode, done.stderr

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            code, said = self.fails(self.write("shop.mjs", HANDLER), f"--inspect={port}")
        self.assertEqual(code, 1)
        self.assertIn(f"the inspector cannot listen on 127.0.0.1:{port}", said)

    def test_what_cannot_be_debugged(self):
        code, said = self.fails(self.write("shop.py", "def fetch(): ..."), "--inspect")
        self.assertEqual((code, said), (2, "duet: error: --inspect has nothing to debug: no handler "
                                           "is in javascript (leave the option out)\n"))
        code, said = self.fails(self.write("shop.mjs", HANDLER), "--inspect=here")
        self.assertEqual((code, said), (2, "duet: error: --inspect takes [HOST:]PORT, not 'here' "
                                           "(write --inspect=9229)\n"))

    def test_other_machines_are_warned_of(self):
        with self.serve(self.write("shop.mjs", HANDLER), "--inspect=0.0.0.0:0") as duet:
            self.assertTrue(inspector_url(duet).startswith("ws://0.0.0.0:"))
        self.assertIn("whoever reaches the debugger's address can run any code",
                      "".join(duet.output))


def inspector_url_when(duet):
    """As inspector_url(), of one that is being started by another thread."""
    eventually(lambda: hasattr(duet, "process"), "a process")
    return inspector_url(duet)


def pending(pid, number):
    with open(f"/proc/{pid}/status") as status:
        masks = [line.split()[1] for line in status if line.startswith(("SigPnd", "ShdPnd"))]
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


if __name__ == "__main__":
    unittest.main(verbosity=2)
