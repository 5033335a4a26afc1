"""Starlette's, FastAPI's, Flask's and Bottle's own tests, whose clients' requests go over a socket through duet.

These clients call an application as a function. Here each of their requests is sent to the duet
that the tests run in, and the application under test is called with what duet made of it; what the
client sees is what came back over the socket, but for the fields that are a server's own. What an
application raises is raised in the client, too, as these tests ask for it. FRAMEWORKS=flask,bottle picks some.
"""

import itertools
import json
import os
import signal
import threading
import urllib.parse

PORT = int(os.environ.get("SUITE_PORT", 0))
PATIENCE = 5  # seconds
TOKEN = "x-suite-call"

SUITES = {
    "starlette": ("asgi", ["tests", "-k", "not trio", "--ignore=tests/test_testclient.py"]),
    "fastapi": ("asgi", ["tests", "-k", "not trio", *(f"--ignore=tests/{name}" for name in (
        "test_telemetry", "benchmarks", "memory_benchmarks", "test_fastapi_cli.py",
        "test_multipart_installation.py", "test_prepare_release.py", "test_translate.py"))]),
    "flask": ("wsgi", ["tests"]),
    "bottle": ("wsgi", ["test"]),
}

# Parts of a test's name, and why it is otherwise, or says nothing about duet.
DIFFERENT = {
    "starlette": {
        "trailers": "the client does not tell trailers",
        "test_background_task": "looks before the task, which runs after the answer, has ended",
        "non_verb_method": "a method that is not known: 501",
        "test_response_phrase": "no status below 200",
        "force_500": "duet's own words for a failure",
        "test_request_headers": "asks for a compression that is not installed",
        "test_websocket_headers": "as above",
        "unreliable_content_length": "the client does not send it",
        "threaded_sync_endpoint": "a context variable of the client's thread",
        "test_cookies_invalid": "the client does not send it",
        "if_none_match_wildcard": "as above",
        "push_promise": "an extension that duet does not have",
        "test_host_routing": "a Host that is no host, or whose port is none, is refused: 400",
        "test_https_redirect": "as above",
        "test_trusted_host_middleware_ipv6": "as above",
        "invalid_dir_permissions": "fails for root",
        "test_template": "an extension of the client's",
        "test_calls_context_processors": "as above",
    },
    "fastapi": {
        "stream_no_raise": "no head is sent before the first piece of a body: 500",
        "with_whitespaces": "the client does not send it",
        "test_app_can_be_reused": "trio runs in a main thread only",
    },
    "bottle": {
        "test_303": "the client sends HTTP/1.1",
        "test_truncate_body": "no status below 200",
        "test_error_routing": "none above 599",
    },
    "flask": {
        "test_app_tearing_down": "counts with the contexts of the client's thread",
        "test_bad_environ": "fails by itself with the Werkzeug of today",
    },
}

# What a server adds by itself.
OWN_FIELDS = {"date", "connection", "content-length", "transfer-encoding", "keep-alive"}


class Call:
    """One request of a client: what it wants called, and what became of it."""

    _numbers = itertools.count()
    _open = {}

    def __init__(self, application, given):
        self.application = application
        self.given = given
        self.error = None
        self.names = set()  # of the fields that the application sent
        self.ended = threading.Event()
        self.token = str(next(self._numbers))
        self._open[self.token] = self

    @classmethod
    def take(cls, token):
        return cls._open.pop(token)

    def fields(self, fields):
        """Of an answer: without those that only the server sent."""
        return [(name, value) for name, value in fields
                if name.lower() in self.names or name.lower() not in OWN_FIELDS]

    def raise_error(self):
        if self._open.pop(self.token, None):
            return  # duet has refused it
        if not self.ended.wait(PATIENCE):
            raise AssertionError("the application was not called, or has not ended")
        if self.error is not None:
            raise self.error


def start_tests():
    threading.Thread(target=run_tests, name="suite").start()


# --- ASGI: Starlette's client ---


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    token = dict(scope["headers"]).get(TOKEN.encode())
    if token is None:
        start_tests()
        await send({"type": "http.response.start", "status": 204})
        return await send({"type": "http.response.body"})
    call = Call.take(token.decode())

    async def send_noting(message):
        if message["type"] == "http.response.start":
            call.names |= {bytes(name).decode().lower() for name, _ in message.get("headers", [])}
        await send(message)

    scope["headers"] = [field for field in scope["headers"] if field[0] != TOKEN.encode()]
    try:
        await call.application({**scope, **call.given}, receive, send_noting)
    except BaseException as error:
        call.error = error
        raise
    finally:
        call.ended.set()


def through_asgi(transport, request):
    from starlette.testclient import httpx

    default = {"http": 80, "https": 443}[request.url.scheme]
    call = Call(transport.app, {
        "root_path": transport.root_path, "scheme": request.url.scheme, "client": transport.client,
        "server": [request.url.host, request.url.port or default],
        "state": transport.app_state.copy()})
    url = request.url.copy_with(scheme="http", host="127.0.0.1", port=PORT)
    with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
        sent = httpx.Request(request.method, url, content=request.read(),
                             headers=[*request.headers.multi_items(), (TOKEN, call.token)])
        try:
            answer = client.send(sent, stream=True)
            content = b"".join(answer.iter_raw())
        except httpx.HTTPError:
            if transport.raise_server_exceptions:
                call.raise_error()
            raise
    if transport.raise_server_exceptions:
        call.raise_error()
    return httpx.Response(answer.status_code, headers=call.fields(answer.headers.multi_items()),
                          stream=httpx.ByteStream(content), request=request)


def use_asgi():
    from starlette import testclient

    plain = testclient._TestClientTransport.handle_request

    def handle_request(self, request):
        if request.url.scheme in ("ws", "wss"):
            return plain(self, request)
        return through_asgi(self, request)

    testclient._TestClientTransport.handle_request = handle_request


# --- WSGI: Flask's client, which is Werkzeug's ---


def wsgi(environ, start_response):
    token = environ.pop("HTTP_X_SUITE_CALL", None)
    if token is None:
        start_tests()
        start_response("204 No Content", [])
        return []
    call = Call.take(token)

    def start_noting(status, fields, exc_info=None):
        call.names |= {name.lower() for name, _ in fields}
        return start_response(status, fields, exc_info)

    arrived = {key: value for key, value in environ.items()
               if key.startswith("HTTP_") or key in ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE",
                                                     "CONTENT_LENGTH", "SERVER_PROTOCOL", "wsgi.input")}
    script = call.given.get("SCRIPT_NAME", "")
    path = environ["PATH_INFO"]
    given = {key: value for key, value in call.given.items()
             if not key.startswith("HTTP_") and key not in ("CONTENT_TYPE", "CONTENT_LENGTH")}
    given["PATH_INFO"] = path[len(script):] if script and path.startswith(script) else path
    try:
        result = call.application({**given, **arrived}, start_noting)
        try:
            yield from result
        finally:
            if hasattr(result, "close"):
                result.close()
    except BaseException as error:
        call.error = error
        raise
    finally:
        call.ended.set()


def through_wsgi(application, environ):
    import http.client

    from werkzeug.datastructures import Headers

    environ = environ.copy()
    call = Call(application, environ)
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    target = urllib.parse.quote(path.encode("latin-1"), safe="/:;@!$&'()*+,=~%") or "/"
    if environ.get("QUERY_STRING"):
        target += "?" + urllib.parse.quote(environ["QUERY_STRING"].encode("latin-1"),
                                           safe="%!$&'()*+,;=:@/?[]~")
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=PATIENCE)
    connection.putrequest(environ["REQUEST_METHOD"], target, skip_host="HTTP_HOST" in environ,
                          skip_accept_encoding=True)
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            connection.putheader(key[5:].replace("_", "-").title(), value)
    if environ.get("CONTENT_TYPE"):
        connection.putheader("Content-Type", environ["CONTENT_TYPE"])
    body = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(-len(body), os.SEEK_CUR)  # a redirect sends it again
    if environ.get("CONTENT_LENGTH"):
        connection.putheader("Content-Length", environ["CONTENT_LENGTH"])
    connection.putheader(TOKEN, call.token)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    call.raise_error()
    return [content], f"{answer.status} {answer.reason}", Headers(call.fields(answer.getheaders()))


def use_wsgi():
    from werkzeug.test import Client

    def run_wsgi_app(self, environ, buffered=False):
        self._add_cookies_to_wsgi(environ)
        answer = through_wsgi(self.application, environ)
        self._update_cookies_from_response(
            environ["SERVER_NAME"] if "HTTP_HOST" not in environ
            else environ["HTTP_HOST"].partition(":")[0], urllib.parse.quote(environ["PATH_INFO"]),
            answer[2].getlist("Set-Cookie"))
        return answer

    Client.run_wsgi_app = run_wsgi_app


def use_bottle():
    """The same, of Bottle's tests."""
    from test.tools import ServerTestBase

    plain = ServerTestBase.setUp

    def set_up(self):
        def call(environ, start_response):
            content, status, headers = through_wsgi(application, environ)
            start_response(status, list(headers))
            return content

        plain(self)
        application, self.wsgiapp = self.wsgiapp, call

    ServerTestBase.setUp = set_up


# --- the run ---


CLIENTS = {"starlette": use_asgi, "fastapi": use_asgi, "flask": use_wsgi, "bottle": use_bottle}


def run_tests():
    import pytest

    from suites import Reports

    _, arguments = SUITES[os.environ["SUITE_NAME"]]
    CLIENTS[os.environ["SUITE_NAME"]]()
    reports = Reports()
    if "tests/" in os.environ.get("PYTEST", ""):
        arguments = arguments[1:]
    try:
        pytest.main([*arguments, "--tb=native", "-c", os.devnull, "--rootdir", ".", "-p",
                     "no:cacheprovider", "-p", "no:faulthandler",
                     *os.environ.get("PYTEST", "").split()], plugins=[reports])
        with open(os.environ["SUITE_RESULT"], "w") as file:
            json.dump({**reports.counts, "failed": reports.failed}, file)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def run(folder):
    from suites import judge, run_inside

    for name, (contract, _) in SUITES.items():
        if name not in os.environ.get("FRAMEWORKS", name).split(","):
            continue
        reports = run_inside(f"frameworks_suite:{contract}", folder / name, SUITE_NAME=name)
        failed = reports.pop("failed")
        yield name, judge(reports, failed, DIFFERENT[name])
