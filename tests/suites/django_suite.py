"""Django's own tests, whose clients' requests go over a socket through duet, WSGI's and ASGI's.

These clients call a handler as a function, in their own thread: it finds the database, the language and the
settings of the test there. So it is still called there, but with what duet, which the tests run in, made of
the request; what it answers goes back through duet, and has to arrive as it was. The servers of Django's
LiveServerTestCase are this duet as well. A test without a request does not count.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import http.client
import json
import os
import pathlib
import queue
import select
import shutil
import signal
import tempfile
import threading
import time
import traceback
import unittest
import urllib.parse

PORT = int(os.environ.get("SUITE_PORT", 0))
PATIENCE = 10  # seconds
TOKEN = "x-suite-call"
BELOW = "/suite-asgi"  # the ASGI application, of which nobody is to know

# Those of its packages of tests that send requests.
LABELS = """
admin_changelist admin_custom_urls admin_docs admin_inlines admin_views admin_widgets asgi auth_tests
conditional_processing contenttypes_tests context_processors csrf_tests file_uploads flatpages_tests
generic_inline_admin generic_views handlers i18n logging_tests messages_tests middleware
middleware_exceptions proxy_models redirects_tests servers shortcuts sitemaps_tests staticfiles_tests
syndication_tests test_client test_client_regress test_utils timezones urlpatterns_reverse view_tests wsgi
""".split()

CONFIG = f"""
[handlers.wsgi]
source = "django_suite:wsgi"
[handlers.asgi]
source = "django_suite:asgi"
root_path = "{BELOW}"
[[routes]]
path = "/*"
handler = "wsgi"
[[routes]]
path = "{BELOW}/*"
handler = "asgi"
"""

# Parts of a test's name, and why it is otherwise, or says nothing about duet.
DIFFERENT = {
    "test_poisoned_http_host": "a Host that is none: 400 (RFC 9112, 3.2)",
    "test_invalid_multipart_boundary": "a control character in a field: 400 (RFC 9110, 5.5)",
    "test_keep_alive": "Connection: close is obeyed (RFC 9112, 9.6)",
    "test_closes_connection_without_content_length": "such a body has chunks, and the connection is kept",
    "test_asyncio_streaming_cancel_error": "the head goes out with the first piece of a body",
    "test_request_signals_streaming_response": "is over when it was sent, before the test looks",
    "test_assert_in_listen_for_disconnect": "the client does not send it",
    "test_non_unicode_query_string": "as above",
    "ASGITest.test_headers": "its Content-Length is longer than its body",
    "test_file_wrapper": "brings a wsgi.file_wrapper that gives nothing",
    "test_port_bind": "every server is this duet",
    "test_readonly_root": "fails for root",
    "test_no_write_access": "as above",
}

# What a server adds by itself.
OWN_FIELDS = {"date", "connection", "content-length", "transfer-encoding", "keep-alive"}


class Call:
    """One request of a client, from its socket to the handler and back."""

    opened = 0
    _open = {}

    def __init__(self, method, target, fields, body):
        Call.opened += 1
        self.token = str(Call.opened)
        self.arrived = concurrent.futures.Future()  # of what duet calls an application with
        self._open[self.token] = self
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in fields:
            self.connection.putheader(name, value)
        self.connection.putheader(TOKEN, self.token)
        self.connection.endheaders()
        if body:  # a handler may begin before it is there
            threading.Thread(target=self.send, args=[body]).start()

    @classmethod
    def take(cls, token):
        return cls._open.pop(token)

    def send(self, body):
        with contextlib.suppress(OSError):
            self.connection.sock.sendall(body)

    def wait(self):
        since = time.monotonic()
        while not self.arrived.done() and time.monotonic() - since < PATIENCE:
            if select.select([self.connection.sock], [], [], 0.001)[0] and not self.arrived.done():
                answer = self.connection.getresponse()
                raise AssertionError(f"duet answers by itself: {answer.status}")
        return self.arrived.result(timeout=0)

    def finish(self, status, fields, body):
        """Compares what arrives with what the handler gave."""
        answer = self.connection.getresponse()
        content = answer.read()
        self.connection.close()
        seen = [field for field in answer.getheaders() if field[0].lower() not in OWN_FIELDS]
        expected = [(name, value.strip()) for name, value in fields if name.lower() not in OWN_FIELDS]
        assert (answer.status, seen) == (status, expected), \
            f"{status} {expected} arrived as {answer.status} {seen}"
        assert content == body, f"{body[:200]} arrived as {content[:200]}"


def quoted(path, query):
    target = urllib.parse.quote(path.encode("latin-1"), safe="/:;@!$&'()*+,=~")
    if query:
        target += "?" + urllib.parse.quote(query if isinstance(query, bytes) else query.encode("latin-1"),
                                           safe="%!$&'()*+,;=:@/?[]~|{}")
    return target


# --- WSGI ---

live = []  # servers of Django's: the latest is this duet


def wsgi(environ, start_response):
    token = environ.pop("HTTP_X_SUITE_CALL", None)
    if token is None:
        if live:
            yield from live[-1].answer(environ, start_response)
        else:
            threading.Thread(target=run_tests, name="suite").start()
            start_response("204 No Content", [])
        return
    call = Call.take(token)
    call.answer = queue.SimpleQueue()
    call.arrived.set_result(environ)
    status, fields = call.answer.get()
    start_response(status, fields)
    yield from iter(call.answer.get, None)


def through_wsgi(environ):
    """The call, and the environment that duet made of this one."""
    fields = [(key[5:].replace("_", "-").title(), str(value)) for key, value in environ.items()
              if key.startswith("HTTP_") and value is not None]
    if "HTTP_HOST" not in environ:
        fields.insert(0, ("Host", environ["SERVER_NAME"]))
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            fields.append((name.replace("_", "-").title(), environ[name]))
    path = environ.get("PATH_INFO", "/")
    above = environ.get("SCRIPT_NAME", "") + ("" if path.startswith("/") else "/")
    call = Call(environ["REQUEST_METHOD"], quoted(above + path, environ.get("QUERY_STRING")), fields,
                environ["wsgi.input"].read())
    arrived = {key: value for key, value in call.wait().items()
               if key.startswith("HTTP_") or key in ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE",
                                                     "CONTENT_LENGTH", "SERVER_PROTOCOL", "PATH_INFO",
                                                     "wsgi.input", "wsgi.file_wrapper")}
    arrived["PATH_INFO"] = arrived["PATH_INFO"].removeprefix(above)
    if "HTTP_HOST" not in environ:
        del arrived["HTTP_HOST"]
    kept = {key: value for key, value in environ.items()
            if not key.startswith("HTTP_") and key not in ("CONTENT_TYPE", "CONTENT_LENGTH")}
    return call, {**kept, "HTTP_COOKIE": "", **arrived, "suite.arrived": True}


def refuse(call):
    call.answer.put(("500 Internal Server Error", []))
    call.answer.put(None)
    call.connection.close()


def client_handler(plain):
    def through(self, environ):
        call, environ = through_wsgi(environ)
        try:
            response = plain(self, environ)
            fields = fields_of(response)
            call.answer.put((f"{response.status_code} {response.reason_phrase}", fields))
            content = []
            for piece in response if not getattr(response, "is_async", False) else drained(response):
                content.append(piece)
                call.answer.put(piece)
        except BaseException:
            refuse(call)
            raise
        call.answer.put(None)
        call.finish(response.status_code, fields, b"".join(content))
        if response.streaming:
            response.streaming_content = again(response, content)
        return response

    return through


def drained(response):
    from asgiref.sync import async_to_sync

    async def every():
        return [piece async for piece in response]

    return async_to_sync(every)()


def again(response, content):
    async def pieces():
        for piece in content:
            yield piece

    return pieces() if response.is_async else iter(content)


def fields_of(response):
    return [*response.items(), *(("Set-Cookie", cookie.output(header="").strip())
                                 for cookie in response.cookies.values())]


def wsgi_handler(plain):
    def through(self, environ, start_response):
        if "suite.arrived" in environ:
            return plain(self, environ, start_response)
        call, environ = through_wsgi(environ)
        given = []
        try:
            response = plain(self, environ, lambda *head: given.extend(head))
            call.answer.put((given[0], given[1]))
            content = b"".join(response)
            call.answer.put(content)
        except BaseException:
            refuse(call)
            raise
        call.answer.put(None)
        call.finish(int(given[0][:3]), given[1], content)
        start_response(*given)
        return response

    return through


class Server:
    """In the place of Django's, of a LiveServerThread."""

    asked = 0

    def __init__(self, address, handler, connections_override=None, **_):
        self.server_address = (address[0], PORT)
        self.override = connections_override or {}
        self.stopped = threading.Event()

    def set_app(self, application):
        self.application = application

    def answer(self, environ, start_response):
        from django.db import connections

        Server.asked += 1
        for alias, connection in self.override.items():
            connections[alias] = connection
        answer = self.application({**environ, "suite.arrived": True}, start_response)
        try:
            yield from answer
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def serve_forever(self):
        live.append(self)
        self.stopped.wait()

    def shutdown(self):
        live.remove(self)
        self.stopped.set()

    def server_close(self):
        pass


# --- ASGI ---


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    call = Call.take(dict(scope["headers"])[TOKEN.encode()].decode())
    call.over = asyncio.Event()
    call.loop = asyncio.get_running_loop()
    call.arrived.set_result((scope, receive, send))
    await call.over.wait()


def through_asgi(scope, body):
    """The call, and the scope, receive() and send() that duet made of this one, for another loop than its."""
    fields = [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
              for name, value in scope["headers"]]
    given = {name.lower() for name, _ in fields}
    fields += [(name, value) for name, value in (("host", "testserver"), ("content-length", str(len(body))))
               if name not in given and (body or name == "host")]
    call = Call(scope["method"], BELOW + quoted(scope["path"], scope.get("query_string")), fields, body)
    arrived, receive, send = call.wait()
    headers = [field for field in arrived["headers"] if field[0].decode("latin-1") in given]
    path = arrived["path"].removeprefix(BELOW)

    def there(function):
        async def on_loop(*arguments):  # of duet, where alone they may be called
            return await function(*arguments)

        return lambda *arguments: asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(on_loop(*arguments), call.loop))

    return call, {**arrived, **scope, "headers": headers, "path": path, "method": arrived["method"],
                  "query_string": arrived["query_string"]}, there(receive), there(send)


def async_client_handler(plain):
    from django.test.client import FakePayload

    async def through(self, scope):
        payload = scope.pop("_body_file", None)
        call, scope, receive, send = through_asgi(scope, payload.read() if payload else b"")
        try:
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if not message.get("more_body"):
                    break
            response = await plain(self, {**scope, "_body_file": FakePayload(body)})
            fields = fields_of(response)
            await send({"type": "http.response.start", "status": response.status_code, "headers": [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]})
            content = [piece async for piece in response] if getattr(response, "is_async", False) \
                else list(response)
            for piece in content:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body"})
            call.finish(response.status_code, fields, b"".join(content))
        finally:
            call.connection.close()
            call.loop.call_soon_threadsafe(call.over.set)
        if response.streaming:
            response.streaming_content = again(response, content)
        return response

    return through


class Communicator:
    """In the place of asgiref's ApplicationCommunicator: what it sends and receives goes over the socket."""

    def __init__(self, application, scope):
        self.application, self.scope = application, scope
        self.call = self.answer = None
        self.over = False

    async def send_input(self, message):
        leaves = message["type"] == "http.disconnect"
        if self.call is None:
            scope = dict(self.scope)
            if leaves:  # in the middle of a body
                scope["headers"] = [*scope["headers"], (b"content-length", b"1")]
            self.call, *arguments = through_asgi(scope, message.get("body", b""))
            self.future = contextvars.Context().run(asyncio.create_task, self.application(*arguments))
            self.future.add_done_callback(
                lambda _: self.call.loop.call_soon_threadsafe(self.call.over.set))
        if leaves:
            self.over = True
            self.call.connection.close()

    async def receive_output(self, timeout=1):
        if self.future.done():
            self.future.result()
        try:
            async with asyncio.timeout(timeout):
                if self.over:
                    await asyncio.sleep(PATIENCE)
                message = await asyncio.to_thread(self.read)
        except TimeoutError:
            self.future.cancel()
            self.call.connection.close()
            raise
        if self.future.done():
            self.future.result()
        return message

    def read(self):
        if self.answer is None:
            self.answer = self.call.connection.getresponse()
            fields = [(name.encode(), value.encode()) for name, value in self.answer.getheaders()
                      if name.lower() == "content-length" or name.lower() not in OWN_FIELDS]
            return {"type": "http.response.start", "status": self.answer.status, "headers": fields}
        body = self.answer.read1(65536)
        self.over = not body
        return {"type": "http.response.body", "body": body}

    async def wait(self, timeout=1):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.future, timeout)
        self.call.connection.close()


# --- the run ---


def replace_parts():
    import asgiref.testing
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import client, testcases

    client.ClientHandler.__call__ = client_handler(client.ClientHandler.__call__)
    client.AsyncClientHandler.__call__ = async_client_handler(client.AsyncClientHandler.__call__)
    WSGIHandler.__call__ = wsgi_handler(WSGIHandler.__call__)
    testcases.LiveServerThread.server_class = Server
    asgiref.testing.ApplicationCommunicator = Communicator


class Result(unittest.TextTestResult):
    passed = 0

    def startTest(self, test):
        super().startTest(test)
        self.before = Call.opened + Server.asked

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += Call.opened + Server.asked > self.before


def run_tests():
    os.environ.update(TMPDIR=tempfile.mkdtemp(), DJANGO_SETTINGS_MODULE="test_sqlite")
    try:
        import runtests
        from django.test.runner import DiscoverRunner

        labels = os.environ.get("DJANGO", "").split() or LABELS
        runtests.setup_run_tests(1, None, None, labels)
        replace_parts()

        class Runner(DiscoverRunner):
            def get_resultclass(self):
                return Result

            def suite_result(self, suite, result):
                failed = [test.id() for test, _ in result.failures + result.errors]
                failed += [test.id() for test in result.unexpectedSuccesses]
                with open(os.environ["SUITE_RESULT"], "w") as file:
                    json.dump({"passed": result.passed, "failed": failed}, file)

        Runner(interactive=False, parallel=1).run_tests(labels)
    except BaseException:
        traceback.print_exc()
    finally:
        shutil.rmtree(os.environ["TMPDIR"])
        os.kill(os.getpid(), signal.SIGTERM)


def run(folder):
    from suites import judge, run_inside

    with tempfile.TemporaryDirectory() as scratch:
        config = pathlib.Path(scratch, "duet.toml")
        config.write_text(CONFIG)
        reports = run_inside(str(config), folder / "django/tests")
    failed = reports.pop("failed")
    yield "django", judge(reports, failed, DIFFERENT)
