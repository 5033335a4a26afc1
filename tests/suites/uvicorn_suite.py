"""uvicorn's tests of its protocols, over real sockets.

The tests hand their applications over as objects. So they run inside of the duet that serves: in a
thread, while `app` below passes each request on to the application that the test at hand has named.
Where a test would drive uvicorn's protocol class with a transport of its own, it drives a socket.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import types

PORT = int(os.environ.get("SUITE_PORT", 0))
SETTLED = 0.05  # seconds without a byte, after which an answer is taken to be complete
PATIENCE = 5.0

# Parts of a test's name, and why it says nothing about duet: not run, since some would wait for ever.
EXCLUDED = {
    "keepalive_timeout": "moves uvicorn's own timers",
    "server_keepalive": "as above",
    "large_post_request": "looks at the flags of uvicorn's transport",
    "supported_upgrade_request": "reads uvicorn's log",
    "ws_upgrade_request": "without any WebSockets",
    "root_path": "an option of uvicorn's",
    "header_upgrade_is": "reads uvicorn's log",
    "request_logging": "reads uvicorn's log",
    "huge_headers": "64 KiB of fields are more than duet takes",
    "max_concurrency": "an option of uvicorn's",
    "max_requests": "an option of uvicorn's",
    "exceeding_max_size": "an option of uvicorn's",
    "bigger_than_default": "an option of uvicorn's",
    "can_disable_permessage": "an option of uvicorn's",
    "raw_path": "an option of uvicorn's",
    "server_header": "an option of uvicorn's",
    "shutdown": "starts and stops uvicorn itself",
    "fragmentation": "starts uvicorn itself",
    "frame_after_close_handshake": "drives uvicorn's protocol class",
    "lifespan_state": "hands uvicorn a lifespan that has not run",
    "pipelined_requests": "runs the requests of a connection one by one",
}

# Likewise, of tests that do run, and why duet answers otherwise.
DIFFERENT = {
    "invalid_header_name": "500, since the head waits for the body; ASGI wants it to",
    "response_header_splitting": "as above",
    "partial_response_returned": "as above",
    "duplicate_start_message": "as above",
    "undersized_request": "500, and the connection stays",
    "oversized_request": "as above",
    "app_exception": "as above",
    "no_response_returned": "as above",
    "missing_start_message": "as above",
    "message_after_body_complete": "the answer was complete: the connection stays",
    "value_returned": "as above",
    "test_chunked_encoding": "framing is the server's: Transfer-Encoding is dropped, as ASGI has it",
    "100_continue_sent": "the body came with the head: no 100 is said (RFC 9110, 10.1.1)",
    "test_scopes": "says 2.4, which it speaks, where uvicorn says 2.3",
    "invalid_http_request": "other words in the refusal",
    "http10_keep_alive_disabled": "HTTP/1.0 may keep a connection",
    "duplicate_handshake": "1011, where uvicorn drops the connection",
    "asgi_return_value": "1000, where uvicorn drops the connection",
    "close_transport_on_asgi_return": "as above",
    "reject_connection": "a reason beside the code 1006; duet's own words for a failure",
    "connection_lost_before_handshake": "looks before the application has been told",
    "client_connection_lost_on_send": "as above",
}


class Current:
    """The application under test, and what became of its calls."""

    app = scope = None
    ended = 0
    changed = threading.Condition()


current = Current()


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        threading.Thread(target=run_tests, name="suite").start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    current.scope = scope
    try:
        await current.app(scope, receive, send)
    finally:
        with current.changed:
            current.ended += 1
            current.changed.notify_all()


def serve(config):
    config.load()
    current.app = config.loaded_app
    current.ended = 0


# --- what stands for uvicorn's protocol, its loop and its transport ---


class Transport:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), PATIENCE)
        self._received = b""
        self._ended = False

    @property
    def buffer(self):
        self.socket.settimeout(SETTLED)
        while not self._ended:
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                break
            except ConnectionError:
                piece = b""
            self._received += piece
            self._ended = not piece
        return self._received

    def is_closing(self):
        return bool(self.buffer) and self._ended

    def clear_buffer(self):
        self._received = self.buffer[:0]


class Loop:
    def __init__(self):
        self._seen = 0

    async def run_one(self):
        """Until one more call of the application has ended."""
        self._seen += 1
        with current.changed:
            if not current.changed.wait_for(lambda: current.ended >= self._seen, PATIENCE):
                raise AssertionError("the application was not called, or has not ended")


class Protocol:
    def __init__(self):
        self.loop = Loop()
        self.transport = Transport()

    scope = property(lambda self: current.scope)

    def data_received(self, data):
        self.transport.socket.sendall(data)

    def eof_received(self):
        self.transport.socket.shutdown(socket.SHUT_WR)

    def connection_lost(self, error):
        self.transport.socket.close()


def get_connected_protocol(application, protocol_class, lifespan=None, **options):
    from uvicorn.config import Config

    serve(Config(app=application, **options))
    return Protocol()


@contextlib.asynccontextmanager
async def run_server(config, sockets=None):
    serve(config)
    yield None


class Event:
    """asyncio.Event between two loops: that of the test and the one of duet."""

    def __init__(self):
        self._set = False

    def set(self):
        self._set = True

    def is_set(self):
        return self._set

    async def wait(self):
        while not self._set:
            await asyncio.sleep(0.005)


class Plugin:
    def __init__(self):
        self.reports = {"passed": 0, "skipped": 0, "failed": []}

    def pytest_collection_modifyitems(self, session, config, items):
        # Tests come once for each of uvicorn's protocol classes, none of which runs here.
        again = {"h11", "wsproto", "zttp", "trio"}
        items[:] = [item for item in items
                    if not any(part in item.name for part in EXCLUDED)
                    and not again & set(item.name.replace("]", "-").replace("[", "-").split("-"))]
        sys.modules["tests.conftest"]._unused_port = lambda kind: PORT
        for module in {item.module for item in items}:
            for replacement in (get_connected_protocol, run_server):
                if hasattr(module, replacement.__name__):
                    setattr(module, replacement.__name__, replacement)
            module.asyncio = types.SimpleNamespace(**{**vars(asyncio), "Event": Event})

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.reports["failed"].append(report.nodeid)
        elif report.when == "call" or report.skipped:
            self.reports[report.outcome] += 1


def run_tests():
    import pytest

    plugin = Plugin()
    try:
        pytest.main(["tests/protocols/test_http.py", "tests/protocols/test_websocket.py", "--tb=line",
                     "-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "-p",
                     "no:faulthandler", *os.environ.get("PYTEST", "").split()], plugins=[plugin])
        with open(os.environ["SUITE_RESULT"], "w") as file:
            json.dump(plugin.reports, file)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def run(folder):
    import tempfile

    from suites import HERE, Served, judge

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as results:
        result = os.path.join(results, "result")
        served = Served("uvicorn_suite:app", port, cwd=folder / "uvicorn", PYTHONPATH=str(HERE),
                        SUITE_PORT=str(port), SUITE_RESULT=result)
        with served:
            print(served.process.stdout.read(), end="")  # until it ends by itself
        with open(result) as file:
            reports = json.load(file)
    failed = reports.pop("failed")
    yield "uvicorn", judge(reports, failed, DIFFERENT)
