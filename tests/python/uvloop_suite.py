"""uvloop's own tests against duet's event loop class. Opt-in, a minute; see README.md.

    python3 tests/python/uvloop_suite.py fetch FOLDER      once: uvloop, its tests and what they need
    VIRTUAL_ENV=FOLDER duet serve --admin off tests/python/uvloop_suite.py
    FOLDER/bin/python tests/python/uvloop_suite.py         the same tests on asyncio's own loop

The variants that uvloop runs on asyncio's loop (`AIOTestCase`) are run: they ask for what every loop
has to do. VARIANT=uvloop runs those for uvloop's, many of which asyncio's own loop fails. On duet they
run while this "handler" is imported, and the process ends afterwards, with 1 as no handler is found.
NAMES=tcp,udp:socketpair picks modules and parts of names; HANG=60 are the seconds after which a test
that hangs shows its stack and ends the run.
"""

import asyncio
import faulthandler
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import tempfile
import unittest
import venv

MODULES = ["base", "context", "dns", "executors", "pipes", "process", "signals", "sockets", "tcp",
           "udp", "unix", "aiohttp"]


def fetch(folder):
    venv.create(folder, with_pip=True)
    pip = [str(pathlib.Path(folder) / "bin" / "python"), "-m", "pip", "--quiet"]
    subprocess.run([*pip, "install", "uvloop", "aiohttp", "psutil", "pyOpenSSL"], check=True)
    listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    version = next(line for line in listed.splitlines() if line.startswith("uvloop=="))
    with tempfile.TemporaryDirectory() as sources:
        subprocess.run([*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", sources,
                        version], check=True)
        with tarfile.open(next(pathlib.Path(sources).glob("*.tar.gz"))) as archive:
            for member in archive.getmembers():
                # Without the sources' own uvloop/, which is not built and would be found first.
                member.name = member.name.partition("/")[2]
                if member.isfile() and member.name.startswith("tests/"):
                    archive.extract(member, pathlib.Path(folder) / "suite")


def loop_class():
    """duet's class inside duet, asyncio's elsewhere."""
    try:
        from duet._loop import Loop
    except ImportError:
        return asyncio.SelectorEventLoop

    class Own(Loop):
        def __init__(self):
            super().__init__(own=True)

    Own.__module__ = "asyncio.duet"  # by which uvloop's tests tell that it is asyncio's kind
    signal.signal = signal.signal.original  # the host's guard of SIGINT and SIGTERM
    return Own


class Result(unittest.TextTestResult):
    def startTest(self, test):
        faulthandler.dump_traceback_later(float(os.environ.get("HANG", "60")), exit=True)
        super().startTest(test)


def cases(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        else:
            yield test


def run():
    import uvloop
    import uvloop._testbase as base

    Own = loop_class()

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self):
            return Own()

    uvloop.Loop = uvloop.new_event_loop = Own
    uvloop.EventLoopPolicy = Policy
    base.AIOTestCase.new_loop = lambda self: Own()
    base.AIOTestCase.new_policy = lambda self: Policy()
    sys.path.insert(0, str(pathlib.Path(sys.prefix) / "suite"))
    kind = base.UVTestCase if os.environ.get("VARIANT") == "uvloop" else base.AIOTestCase
    wanted = os.environ.get("NAMES", "").split(",") if os.environ.get("NAMES") else MODULES
    chosen = unittest.TestSuite()
    for name in wanted:
        name, _, only = name.partition(":")
        module = importlib.import_module(f"tests.test_{name}")
        for case in cases(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if isinstance(case, kind) and only in case.id():
                chosen.addTest(case)
    result = unittest.TextTestRunner(verbosity=int(os.environ.get("VERBOSE", "1")),
                                     resultclass=Result).run(chosen)
    sys.exit(0 if result.wasSuccessful() else 1)


if sys.argv[1:2] == ["fetch"]:
    fetch(sys.argv[2])
else:
    run()
