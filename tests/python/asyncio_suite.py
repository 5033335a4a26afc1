"""CPython's own asyncio tests against duet's event loop class. Opt-in, some minutes:

    duet serve tests/python/asyncio_suite.py

The interpreter must ship its tests (pyenv's do, Debian's libpython3-testsuite). They run while this
"handler" is imported, on loops of their own; the process ends afterwards, with 1 as no handler is
found. NAMES=test_streams,test_tasks picks modules. What cannot pass is listed, with the reason.
"""

import asyncio
import importlib
import os
import signal
import sys
import unittest

from duet._loop import Loop

MODULES = [
    "test_buffered_proto", "test_context", "test_events", "test_locks", "test_queues",
    "test_sendfile", "test_server", "test_sock_lowlevel", "test_ssl", "test_streams",
    "test_subprocess", "test_taskgroups", "test_threads", "test_timeouts", "test_waitfor",
    "test_eager_task_factory", "test_runners",
]

# Parts of a test's name, and why it cannot hold here.
EXCLUDED = {
    "test_close_running_event_loop": "reads the message of asyncio's own class",
    "test_run_until_complete_nesting": "as above",
    # They replace or inspect the selector, which duet's loop does not have.
    "selector": "inspects the selector",
    "SelectEventLoopTests": "tests asyncio's own loops",
    "PollEventLoopTests": "tests asyncio's own loops",
    "EPollEventLoopTests": "tests asyncio's own loops",
    "SelectTests": "tests asyncio's own loops",
    "PollTests": "tests asyncio's own loops",
    "EPollTests": "tests asyncio's own loops",
    "ProactorEventLoop": "Windows",
    "test_internal_fds": "counts the self-pipe, which is made only for signal handlers",
    "HandleTests": "tests asyncio's own Handle",
    "TimerTests": "tests asyncio's own TimerHandle",
    "test_get_event_loop_new_process": "forks a process that imports this module",
    "PolicyTests": "tests asyncio's own policies",
    "GetEventLoopTests": "tests asyncio's own policies",
}


class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return Loop(own=True)


def ours(module):
    """Adds cases for our loop to modules that make loops explicitly."""
    bases = {
        "test_events": ["UnixEventLoopTestsMixin"],
        "test_sock_lowlevel": ["BaseSockTestsMixin"],
        "test_sendfile": ["SendfileTestsBase"],
    }.get(module.__name__.rpartition(".")[2], [])
    from test.test_asyncio import utils
    for base in bases:
        kind = getattr(module, base, None)
        if kind is None:
            continue

        class Duet(kind, utils.TestCase):
            def create_event_loop(self):
                return Loop(own=True)

        Duet.__name__ = Duet.__qualname__ = f"Duet{base}"
        setattr(module, Duet.__name__, Duet)


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def main():
    asyncio.set_event_loop_policy(Policy())
    signal.signal = signal.signal.original  # the host's guard of SIGINT and SIGTERM
    wanted = os.environ.get("NAMES", "").split(",") if os.environ.get("NAMES") else MODULES
    chosen = unittest.TestSuite()
    for name in wanted:
        name, _, only = name.partition(":")
        try:
            module = importlib.import_module(f"test.test_asyncio.{name}")
        except ModuleNotFoundError:
            continue
        ours(module)
        for case in cases(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if only and only not in case.id():
                continue
            if not any(part in case.id() for part in EXCLUDED):
                chosen.addTest(case)
    import faulthandler
    faulthandler.dump_traceback_later(float(os.environ.get("HANG", "60")), exit=True)
    result = unittest.TextTestRunner(verbosity=int(os.environ.get("VERBOSE", "1"))).run(chosen)
    sys.exit(0 if result.wasSuccessful() else 1)


main()
