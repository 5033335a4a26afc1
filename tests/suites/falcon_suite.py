"""Falcon's tests of servers: one application of each contract, which every test starts anew, here as a duet.

They come once for each server that Falcon knows. Those of uvicorn run, with duet in its place.
"""

import os
import subprocess
import sys

from suites import DUET, Reports, judge, run_pytest, use_tests

FILES = ["tests/test_wsgi_servers.py", "tests/asgi/test_asgi_servers.py"]

# Parts of a test's name, and why it is otherwise.
DIFFERENT = {
    "select_subprotocol_unknown": "the application is told, where others leave it to the client",
}


def command(application, host, port):
    return [DUET, "serve", application, "--admin", "off", "--listen", f"{host}:{port}"]


class Uvicorns(Reports):
    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if "uvicorn" in item.name]
        for module in {item.module for item in items}:
            folder = os.path.dirname(module.__file__)
            module._uvicorn_args = lambda host, port: command("_wsgi_test_app:app", host, port)
            module._uvicorn_factory = lambda host, port, folder=folder: subprocess.Popen(
                command("_asgi_test_app:application", host, port), cwd=folder)


def run(folder):
    use_tests(folder / "falcon")
    os.environ["VIRTUAL_ENV"] = sys.prefix
    reports = Uvicorns()
    run_pytest(reports, *FILES, "--rootdir", ".", "-o", "asyncio_mode=auto")
    yield "falcon", judge(reports.counts, reports.failed, DIFFERENT)
