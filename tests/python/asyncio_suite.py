"""CPython's own asyncio tests against duet's event loop class. Opt-in, some minutes:

    duet serve tests/python/asyncio_suite.py

The interpreter must ship its tests (pyenv's do, Debian's libpython3-testsuite). They run while this
"handler" is imported, on loops of their own; the process ends afterwards, with 1 as no handler is
found. NAMES=test_streams,test_tasks picks modules (loop_suite.py). What cannot pass is listed, with the
reason.
"""

import asyncio

import loop_suite
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
    "test_sock_sendfile_blocking_error": "inspects the selector",
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


def main():
    # Not by a policy of its own: these modules set the default one again as they end.
    asyncio.DefaultEventLoopPolicy._loop_factory = Own
    asyncio.SelectorEventLoop = asyncio.EventLoop = Own
    loop_suite.own_signals()
    loop_suite.run(MODULES, "test.test_asyncio.",
                   lambda case: not any(part in case.id() for part in EXCLUDED))


main()
