"""uvloop's own tests against duet's event loop class. Opt-in, a minute; see README.md.

    python3 tests/python/uvloop_suite.py fetch FOLDER      once: uvloop, its tests and what they need
    VIRTUAL_ENV=FOLDER duet serve --admin off tests/python/uvloop_suite.py
    FOLDER/bin/python tests/python/uvloop_suite.py         the same tests on asyncio's own loop

The variants that uvloop runs on asyncio's loop (`AIOTestCase`) are run: they ask for what every loop
has to do. VARIANT=uvloop runs those for uvloop's, many of which asyncio's own loop fails. On duet they
run while this "handler" is imported, and the process ends afterwards, with 1 as no handler is found.
What can be chosen is in loop_suite.py.
"""

import asyncio
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import venv

import loop_suite

MODULES = ["base", "context", "dns", "executors", "pipes", "process", "signals", "sockets", "tcp",
           "udp", "unix", "aiohttp"]


def fetch(folder):
    venv.create(folder, with_pip=True)
    pip = [str(pathlib.Path(folder) / "bin" / "python"), "-m", "pip", "--quiet"]
    subprocess.run([*pip, "install", "uvloop", "aiohttp", "psutil", "pyOpenSSL"], check=True)
    listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    version = next(line for line in listed.splitlines() if line.startswith("uvloop=="))
    with tempfile.TemporaryDirectory() as sources:
        subprocess.run([*pip, "download", "--no-deps", "--no-binary", "uvloop", "--dest", sources,
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
    loop_suite.own_signals()
    return Own


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
    loop_suite.run(MODULES, "tests.test_", lambda case: isinstance(case, kind))


if sys.argv[1:2] == ["fetch"]:
    fetch(sys.argv[2])
else:
    run()
