"""The server's side of WSGI (PEP 3333), in the thread that runs the application."""

import io
import sys

# An answer of a declared length up to this is sent whole: one hand-over to the loop instead of three.
_WHOLE = 256 * 1024

_LONGEST_LINE = 64 * 1024


class FileWrapper:
    """wsgi.file_wrapper: a file's blocks."""

    def __init__(self, file, block_size=64 * 1024):
        self.file = file
        self.block_size = block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self):
        return self

    def __next__(self):
        if block := self.file.read(self.block_size):
            return block
        raise StopIteration


class _Errors(io.TextIOBase):
    """wsgi.errors: whatever sys.stderr is at that moment."""

    def write(self, text):
        return sys.stderr.write(text)

    def writable(self):
        return True

    def flush(self):
        sys.stderr.flush()


class _Body(io.RawIOBase):
    """A request's body that has not arrived yet: reading waits for it."""

    def __init__(self, request):
        self._request = request
        self._rest = b""
        self._ended = False

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._rest and not self._ended:
            self._rest = self._request._wsgi_read()
            self._ended = not self._rest
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def environ():
    """What is the same in all environs."""
    return {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": _Errors(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "duet",
    }


class _Call:
    __slots__ = ("request", "name", "environ", "route", "status", "headers", "begun", "length", "sent")

    def __init__(self, request, environ):
        self.request = request
        self.name = request._handler_name()
        self.environ = environ
        self.route = None
        self.status = None
        self.headers = None
        self.begun = False  # the head is out
        self.length = None  # Content-Length, if declared
        self.sent = 0

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # no cycle with the frame
        elif self.status is not None:
            raise RuntimeError(f"handler {self.name!r}: start_response() was called twice, and "
                               "without exc_info")
        if type(status) is not str or not status[:3].isdigit() or status[3:4] not in ("", " "):
            raise _refusal(self.name, "the status of start_response() must be like '200 OK'", status)
        number = int(status[:3])
        if not 200 <= number <= 599:
            raise _refusal(self.name, "the status must be from 200 to 599", status)
        if type(headers) is not list:
            raise _refusal(self.name, "the headers of start_response() must be a list", headers)
        self.length = None
        for pair in headers:
            if type(pair) is tuple and len(pair) == 2 and type(pair[0]) is str \
                    and pair[0].lower() == "content-length":
                self.length = int(pair[1]) if str(pair[1]).isdigit() else None
        self.route = _route(self.environ)  # Flask forgets it with its answer
        self.status = number
        self.headers = list(headers)
        return self.write

    def check(self, piece):
        if type(piece) is not bytes:
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                raise TypeError(f"handler {self.name!r}: a WSGI application's body is made of bytes, "
                                f"not {type(piece).__name__}")
            piece = bytes(piece)
        if self.status is None:
            raise RuntimeError(f"handler {self.name!r}: the WSGI application has not called "
                               "start_response() before its body")
        return piece

    def write(self, piece):
        """What start_response() returns: sends at once."""
        piece = self.check(piece)
        if not self.begun:
            self.begun = True
            self.request._wsgi_start(self.status, self.headers)
        if piece:
            self.count(len(piece))
            self.request._wsgi_write(piece)

    def count(self, size):
        self.sent += size
        if self.length is not None and self.sent > self.length and not self.bodiless():
            raise RuntimeError(f"handler {self.name!r}: the body is longer than its Content-Length: "
                               f"{self.length} bytes declared, at least {self.sent} sent")

    def bodiless(self):
        return self.status in (204, 304)

    def finish(self, head_request):
        if self.length is not None and self.sent < self.length and not head_request \
                and not self.bodiless():
            raise RuntimeError(f"handler {self.name!r}: the body is shorter than its Content-Length: "
                               f"{self.length} bytes declared, {self.sent} sent")


def _refusal(name, what, value):
    kind = TypeError if not isinstance(value, str) else ValueError
    return kind(f"handler {name!r}: {what}, not {value!r:.200}")


def run(application, environ, request, body, streams):
    """→ (route, status, headers, body), or (route,) when the answer has been streamed."""
    environ["wsgi.input"] = io.BufferedReader(_Body(request), _LONGEST_LINE) if streams \
        else io.BytesIO(body)
    call = _Call(request, environ)
    result = application(environ, call.start_response)
    try:
        whole = _send(call, result, environ["REQUEST_METHOD"] == "HEAD")
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    if whole is None:
        return (call.route,)
    return call.route, call.status, call.headers, whole


def _send(call, result, head_request):
    """The body when all of it is here and nothing has been sent; else sends it, gives None."""
    pieces = []
    size = 0
    complete = type(result) is list or type(result) is tuple
    try:
        iterator = iter(result)
    except TypeError:
        raise TypeError(f"handler {call.name!r}: the WSGI application returned "
                        f"{type(result).__name__}, which cannot be iterated") from None
    for piece in iterator:
        piece = call.check(piece)
        if not piece:
            continue
        if not call.begun and (complete or (call.length is not None and call.length <= _WHOLE)):
            call.count(len(piece))
            pieces.append(piece)
            size += len(piece)
            continue
        call.write(piece)
    if call.status is None:
        raise RuntimeError(f"handler {call.name!r}: the WSGI application has not called "
                           "start_response()")
    call.finish(head_request)
    if call.begun:
        call.request._wsgi_end()
        return None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _route(environ):
    """The route that the framework chose, as it is written there."""
    route = environ.get("duet.route")  # Django: see _frameworks.py
    if route is not None:
        return route
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)  # Flask
    return getattr(rule, "rule", None)
