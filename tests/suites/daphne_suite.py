"""daphne's HTTP and WebSocket tests.

They talk to a server in another process, whose application writes down what it is told: `app` below.
"""

import asyncio
import os
import sys
import threading
import unittest

from suites import HERE, Served, judge, use_tests

MODULES = ["test_http_request", "test_http_response", "test_http_protocol", "test_websocket"]

# Parts of a test's name, and why it is otherwise, or says nothing about duet.
DIFFERENT = {
    "root_path": "a header field of daphne's",
    "forwarded": "an option of daphne's",
    "max_frame_size": "an option of daphne's",
    "max_message_size": "an option of daphne's",
    "request_body_chunking": "an option of daphne's",
    "kitchen_sink": "asks CONNECT for a path: 400 (RFC 9112, 3.2.3)",
    "test_xff": "an option of daphne's",
    "cancellederror": "starts daphne itself",
    "TestHTTPResponse.test_headers": "duet's own fields; other words for a header that is no bytes",
    "x85": "a byte that a field's value may have (RFC 9110, 5.5)",
}


async def app(scope, receive, send):
    from daphne.testing import TestApplication

    class Application(TestApplication):
        """Its results are there at once: a test may look while it is told of the disconnect."""

        result_storage = TestApplication.result_storage + ".new"

        @classmethod
        def save_result(cls, *result):
            super().save_result(*result)
            os.replace(cls.result_storage, TestApplication.result_storage)

        @classmethod
        def save_exception(cls, error):
            super().save_exception(error)
            os.replace(cls.result_storage, TestApplication.result_storage)

    application = Application(threading.Lock())
    gone = False

    async def receive_once():
        nonlocal gone
        if gone:  # the application would ask for ever: daphne's tests end its process
            raise asyncio.CancelledError
        message = await receive()
        gone = message["type"].endswith(".disconnect")
        if gone:  # what is to be sent by now belongs to the next test
            application.load_setup = lambda: {"response_messages": []}
            application.delete_setup = lambda: None
        return message

    if scope["type"] == "lifespan":
        raise NotImplementedError
    # What the tests do not send, but HTTP/1.1 demands.
    scope["headers"] = [field for field in scope["headers"] if field != (b"host", b"localhost")]
    # What the tests do not know of.
    for key in ["extensions", "state", *(["http_version"] if scope["type"] == "websocket" else [])]:
        scope.pop(key)
    try:
        await application(scope, receive_once, send)
    except asyncio.CancelledError:
        pass


def with_host(end):
    def endheaders(self, *arguments, **options):
        if not any(line.lower().startswith(b"host:") for line in self._buffer):
            self.putheader("Host", "localhost")
        end(self, *arguments, **options)

    return endheaders


def run(folder):
    import http.client

    use_tests(folder / "daphne")
    sys.path.insert(0, str(folder / "daphne/tests"))
    from daphne import testing

    http.client.HTTPConnection.endheaders = with_host(http.client.HTTPConnection.endheaders)
    with Served("daphne_suite:app", PYTHONPATH=str(HERE)) as served:

        class Instance(testing.DaphneTestingInstance):
            port = served

            def __enter__(self):
                testing.TestApplication.delete_setup()
                testing.TestApplication.delete_result()
                return self

            def __exit__(self, *_):
                pass

        testing.DaphneTestingInstance = Instance
        names = [f"tests.{name}" for name in MODULES]
        result = unittest.TextTestRunner(verbosity=1).run(
            unittest.defaultTestLoader.loadTestsFromNames(names))
    failed = [test.id() for test, _ in result.failures + result.errors]
    counts = {"passed": result.testsRun - len(failed) - len(result.skipped),
              "skipped": len(result.skipped)}
    yield "daphne", judge(counts, failed, DIFFERENT)
