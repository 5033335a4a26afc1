"""What of ASGI takes time: waiting for messages, and the lifespan of applications."""

import asyncio
import os

import _duet

PIECE = 256 * 1024  # bytes of a file that are read at a time: few changes of thread, little memory


async def receive_later(request):
    """What receive() returns when nothing is there yet."""
    while True:
        await request._asgi_wait()
        message = request._asgi_message()
        if message is not None:
            return message


async def wait_for_room(request):
    """What send() returns when the client has to take some of the answer first."""
    while (waiter := request._asgi_room()) is not None:
        await waiter


class _File:
    def __init__(self, path, most):
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.left = min(os.fstat(self.descriptor).st_size, most)

    def read(self):
        piece = os.read(self.descriptor, min(PIECE, self.left))
        self.left = self.left - len(piece) if piece else 0  # it has been cut meanwhile
        return piece

    def __del__(self):  # and not sooner: a thread may be reading when the request is cancelled
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


def _open_and_read(path, most):
    file = _File(path, most)
    return file, file.read()


async def send_path(send, path, most):
    """http.response.pathsend: the body is the file, or `most` bytes of it."""
    piece = b""
    if most > 0:
        loop = asyncio.get_running_loop()
        file, piece = await loop.run_in_executor(None, _open_and_read, path, most)
        while file.left > 0:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await loop.run_in_executor(None, file.read)
    await send({"type": "http.response.body", "body": piece})


def adapt_asgi2(application):
    """An ASGI 2 application (a call for each scope, then one with receive and send) as ASGI 3."""

    async def asgi3(scope, receive, send):
        scope["asgi"] = {**scope["asgi"], "version": "2.0"}
        await application(scope)(receive, send)

    return asgi3


_STARTING, _STARTED, _STOPPING, _OVER = range(4)


class Lifespan:
    """One application's. `ended(message, detail)` is called once: (None, "") when it has started,
    or need not."""

    def __init__(self, application, name, state, ended):
        self._application = application
        self._name = name
        self._ended = ended
        self._phase = _STARTING
        self._messages = asyncio.Queue()
        self._messages.put_nowait({"type": "lifespan.startup"})
        self._stopped = None
        self._received = False
        self._task = asyncio.get_running_loop().create_task(self._run(state), name=f"{name} lifespan")

    async def _run(self, state):
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": state,
        }
        error = None
        try:
            await self._application(scope, self._receive, self._send)
        except BaseException as raised:  # whatever it is, the host stays
            error = raised
        if self._phase == _STARTING:
            self._unsupported(error)
        elif self._phase == _STARTED and error is not None:
            _duet.log_exception("the application's lifespan ended by an exception", error, None,
                                self._name)
        elif self._phase == _STOPPING and error is not None:
            _duet.log_exception("the application's shutdown failed", error, None, self._name)
        self._phase = _OVER
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)

    def _unsupported(self, error):
        """It ended without a word: as servers agree, it does not know lifespans."""
        if error is not None and self._received:
            # It took the start-up's message: something of its own went wrong.
            _duet.log_exception("the application's start-up raised: it is served without a lifespan",
                                error, None, self._name)
        self._ended(None, "")

    async def _receive(self):
        self._received = True
        return await self._messages.get()

    async def _send(self, message):
        kind = message.get("type") if isinstance(message, dict) else None
        if self._phase == _STARTING and kind == "lifespan.startup.complete":
            self._phase = _STARTED
            self._ended(None, "")
        elif self._phase == _STARTING and kind == "lifespan.startup.failed":
            self._phase = _OVER
            text = str(message.get("message") or "").rstrip()
            last = text.rpartition("\n")[2]
            self._ended("its start-up failed" + (f": {last}" if last else ""), text)
        elif self._phase == _STOPPING and kind == "lifespan.shutdown.complete":
            self._stopped.done() or self._stopped.set_result(None)
        elif self._phase == _STOPPING and kind == "lifespan.shutdown.failed":
            _duet.log_exception(f"the application's shutdown failed: {message.get('message', '')}",
                                None, None, self._name)
            self._stopped.done() or self._stopped.set_result(None)
        else:
            expected = {_STARTING: "'lifespan.startup.complete' or '.failed'",
                        _STARTED: "no message", _STOPPING: "'lifespan.shutdown.complete'",
                        _OVER: "no message"}[self._phase]
            raise RuntimeError(
                f"handler {self._name!r}: ASGI message {kind!r} came where duet expects {expected}")

    async def stop(self):
        if self._phase != _STARTED:
            return
        self._phase = _STOPPING
        self._stopped = asyncio.get_running_loop().create_future()
        self._messages.put_nowait({"type": "lifespan.shutdown"})
        await self._stopped


_lifespans = []


def start_lifespan(application, name, state, ended):
    _lifespans.append(Lifespan(application, name, state, ended))


def stop_lifespans(done):
    async def stop_all():
        try:
            for lifespan in reversed(_lifespans):
                await lifespan.stop()
        finally:
            done()

    if _lifespans:
        _tasks.add(asyncio.get_running_loop().create_task(stop_all()))
    else:
        done()


_tasks = set()
