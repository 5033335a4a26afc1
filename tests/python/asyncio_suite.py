"""CPython's own asyncio tests against duet's event loop class. Opt-in, some minutes:

    duet serve tests/python/asyncio_suite.py

The interpreter must ship its tests (pyenv's do, Debian's libpython3-testsuite). They run while this
"handler" is imported, on loops of their own; the process ends afterwards, with 1 as no handler is
found. NAMES=test_streams,test_tasks picks modules. What cannot pass is listed, with the reason.
"""

import asyncio
import faulthandler
import importlib
import os
import signal
import sys
import unittest

from duet._loop import Loop

MODULES = [
    "test_base_events", "test_buffered_proto", "test_context", "test_eager_task_factory",
    "test_events", "test_free_threading", "test_futures", "test_futures2", "test_locks",
    "test_pep492", "test_protocols", "test_queues", "test_runners", "test_sendfile", "test_server",
    "test_sock_lowlevel", "test_ssl", "test_sslproto", "test_staggered", "test_streams",
    "test_subprocess", "test_taskgroups", "test_tasks", "test_threads", "test_timeouts",
    "test_transports", "test_unix_events", "test_waitfor",
]

# Parts of a test's name, and why it cannot hold here.
EXCLUDED = {
    "test_close_running_event_loop": "reads the message of asyncio's own class",
    "test_run_until_complete_nesting": "as above",
    # They replace or inspect the selector, which duet's loop does not have.
    "test_selector_events": "inspects the selector",
    "PollEventLoopTests": "tests asyncio's own loops",
    "EPollEventLoopTests": "tests asyncio's own loops",
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


class Own(Loop):
    """In asyncio.SelectorEventLoop's place, for tests that make their loop by that name."""

    def __init__(self, selector=None):
        super().__init__(own=True)


class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        return Own()


class Result(unittest.TextTestResult):
    def startTest(self, test):
        # A test that hangs ends the run, and says where.
        faulthandler.dump_traceback_later(float(os.environ.get("HANG", "60")), exit=True)
        super().startTest(test)


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def main():
    asyncio.set_event_loop_policy(Policy())
    asyncio.SelectorEventLoop = Own
    signal.signal = signal.signal.original  # the host's guard of SIGINT and SIGTERM
    wanted = os.environ.get("NAMES", "").split(",") if os.environ.get("NAMES") else MODULES
    chosen = unittest.TestSuite()
    for name in wanted:
        name, _, only = name.partition(":")
        try:
            module = importlib.import_module(f"test.test_asyncio.{name}")
        except ModuleNotFoundError:
            continue
        for case in cases(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if only and only not in case.id():
                continue
            if not any(part in case.id() for part in EXCLUDED):
                chosen.addTest(case)
    result = unittest.TextTestRunner(verbosity=int(os.environ.get("VERBOSE", "1")),
                                     resultclass=Result).run(chosen)
    sys.exit(0 if result.wasSuccessful() else 1)


main()
