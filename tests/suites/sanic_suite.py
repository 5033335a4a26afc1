"""Sanic's own tests, whose client asks a server over a socket: not Sanic's, but the duet that the tests run in.

The client starts the application under test, asks it, and stops it. Here it is started as an ASGI application
on duet's loop, whose requests it gets until then. Sanic's own server has more: so all runs on uvicorn as well,
and what fails there says nothing, and counts as skipped. A test without a request does not count.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PORT = int(os.environ.get("SUITE_PORT", 0))
PATIENCE = 20  # seconds

FILES = ["app", "asgi", "bad_request", "blueprint_group", "blueprints", "cookies", "custom_request",
         "dynamic_routes", "errorpages", "exceptions", "exceptions_handler", "handler", "headers",
         "json_decoding", "json_encoding", "late_adds", "middleware", "middleware_priority", "named_routes",
         "payload_too_large", "redirect", "request", "request_cancel", "request_data", "request_stream",
         "requests", "response", "response_file", "response_header_injection", "response_json", "routes",
         "static", "static_directory", "tasks", "url_building", "url_for", "url_for_static", "utf8",
         "versioning", "vhosts", "views", "ws_handlers"]

# Parts of a test's name, and why it is otherwise, or says nothing about duet.
DIFFERENT = {}

loop = under_test = None  # duet's, and the application that has its requests
asked = 0


async def asgi(scope, receive, send):
    global loop, asked
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if loop is None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=run_tests, name="suite").start()
        await send({"type": "http.response.start", "status": 204})
        return await send({"type": "http.response.body"})
    asked += 1
    await under_test(scope, receive, send)


async def serve(app):
    """What the application does on a server: its client asks it as it starts."""
    global under_test
    app.asgi, under_test = True, app
    await app._startup()
    for event in ("init", "shutdown"):
        for when in ("before", "after"):
            await app._server_event(event, when)


def replace_parts():
    from sanic import Sanic
    from sanic_testing.testing import SanicTestClient

    def run(self, *_, **options):
        if "sock" in options:
            options["sock"].close()
        asyncio.run_coroutine_threadsafe(serve(self), loop).result(PATIENCE)

    plain = SanicTestClient._sanic_endpoint_test

    def ask(self, *arguments, **named):
        self.port = PORT
        return plain(self, *arguments, **named)

    Sanic.run, Sanic.stop = run, lambda self, **_: None
    SanicTestClient._sanic_endpoint_test = ask


def run_tests():
    import pytest

    from suites import Reports

    class Outcomes(Reports):
        passed = []

        def pytest_runtest_logstart(self):
            self.before = asked

        def pytest_runtest_logreport(self, report):
            super().pytest_runtest_logreport(report)
            if report.when == "call" and report.outcome == "passed" and asked > self.before:
                self.passed.append(report.nodeid)

    asyncio.set_event_loop(asyncio.new_event_loop())  # some tests want one of their thread
    reports = Outcomes()
    replace_parts()
    try:
        pytest.main([*(f"tests/test_{name}.py" for name in FILES), "--tb=no", "-q", "-W", "ignore",
                     "-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "-p", "no:faulthandler",
                     "-p", "no:anyio", "-o", "asyncio_mode=auto", *os.environ.get("PYTEST", "").split()],
                    plugins=[reports])
        with open(os.environ["SUITE_RESULT"], "w") as file:
            json.dump({"passed": reports.passed, "failed": reports.failed,
                       "skipped": reports.counts["skipped"]}, file)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def begin(port):
    """Asks a server, once it is there, to run the tests."""
    since = time.monotonic()
    while True:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
        except OSError:
            if time.monotonic() - since > PATIENCE:
                raise
            time.sleep(0.1)


def on_uvicorn(port, **options):
    peer = subprocess.Popen([sys.executable, "-m", "uvicorn", "sanic_suite:asgi", "--port", str(port),
                             "--lifespan", "off", "--loop", "asyncio"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    begin(port)
    peer.wait()


def run(folder):
    from suites import HERE, Served, free_ports, judge

    reports = []
    for peer in (True, False):
        port = free_ports(1)[0]
        with tempfile.TemporaryDirectory() as scratch:
            result = os.path.join(scratch, "result")
            environment = {"PYTHONPATH": str(HERE), "SUITE_PORT": str(port), "SUITE_RESULT": result}
            if peer:
                on_uvicorn(port, cwd=folder / "sanic", env=dict(os.environ, **environment))
            else:
                served = Served("sanic_suite:asgi", port, cwd=folder / "sanic", **environment)
                with served:
                    begin(port)
                    print(served.process.stdout.read(), end="")  # until it ends by itself
            with open(result) as file:
                reports.append(json.load(file))
    expected, found = reports
    failed = set(found["failed"]) - set(expected["failed"])
    counts = {"passed": len(found["passed"]),
              "skipped": found["skipped"] + len(set(found["failed"]) - failed)}
    failed |= set(expected["passed"]) - {*found["passed"], *found["failed"]}  # is missing
    yield "sanic", judge(counts, sorted(failed), DIFFERENT)
