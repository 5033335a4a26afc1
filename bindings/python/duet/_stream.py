"""Bodies that take time: reading a request's piece by piece, sending an answer's."""

import types


class RequestEnded(RuntimeError):
    """The request is over (answered, timed out, or its client is gone): there is nothing left."""


class ClientDisconnected(OSError):
    """What an ASGI application's send() raises when nobody waits for the answer any more."""


class HandlerInterrupted(BaseException):
    """Raised in what holds the loop: far beyond its deadline, or loading while the host is to stop.

    Not an Exception: `except Exception` in a loop must not keep the handler going.
    """


async def read_body(request, kind):
    """The rest of request.text(), .json() and .bytes() when the body has not arrived yet."""
    waiter = request._wait_body(True)
    if waiter is not None:
        await waiter
    return request._value(kind)


class Body:
    """A request's body: iterate it with `async for` (or `for`, where it is complete already)."""

    __slots__ = ("_request", "_more")

    def __init__(self, request):
        self._request = request
        self._more = True

    def __aiter__(self):
        return self

    async def __anext__(self):
        while self._more:
            waiter = self._request._wait_body(False)
            if waiter is not None:
                await waiter
            piece, self._more = self._request._take()
            if piece:
                return piece
        raise StopAsyncIteration

    def __iter__(self):
        return self

    def __next__(self):
        if self._more:
            piece, self._more = self._request._take()
            if self._more:
                raise RuntimeError("the body has not arrived yet: use `async for`")
            if piece:
                return piece
        raise StopIteration


class Signal:
    """Tells when nobody waits for the answer any more."""

    __slots__ = ("aborted", "reason", "_callbacks")

    def __init__(self):
        self.aborted = False
        self.reason = None
        self._callbacks = []

    def __bool__(self):
        return self.aborted

    def add_callback(self, callback):
        """Calls `callback()` when the request is aborted (at once, if it has been)."""
        if self.aborted:
            callback()
        else:
            self._callbacks.append(callback)

    async def wait(self):
        """Returns once the request is aborted."""
        if not self.aborted:
            import asyncio

            future = asyncio.get_running_loop().create_future()
            self.add_callback(lambda: future.done() or future.set_result(None))
            await future

    def _fire(self, reason):
        if self.aborted:
            return
        self.aborted = True
        self.reason = reason
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception as error:
                import _duet

                _duet.log_exception("a callback of request.signal raised", error, None, "")


class Info:
    """request.duet: what the host knows about a request."""

    __slots__ = ("variant", "key", "deadline")

    def __init__(self, variant, key, deadline):
        self.variant = variant
        self.key = key
        self.deadline = deadline

    def __repr__(self):
        return f"Info(variant={self.variant!r}, key={self.key!r}, deadline={self.deadline!r})"


@types.coroutine
def _pass():
    yield


# A generator that always has a next piece for a client that always reads would keep the loop.
_PIECES_A_TURN = 64


async def stream(request, body):
    """Sends the pieces of `body`, as fast as the client takes them."""
    sent = 0
    try:
        if hasattr(body, "__aiter__"):
            async for piece in body:
                going = request._write(piece)
                if not going:
                    if going is None:
                        return
                    await request._writable()
                elif (sent := sent + 1) % _PIECES_A_TURN == 0:
                    await _pass()
        else:
            for piece in body:
                going = request._write(piece)
                if not going:
                    if going is None:
                        return
                    await request._writable()
                elif (sent := sent + 1) % _PIECES_A_TURN == 0:
                    await _pass()
        request._end()
    finally:
        # What the generator holds (files, cursors) is let go here, not at some collection.
        if hasattr(body, "aclose"):
            await body.aclose()
        elif hasattr(body, "close"):
            body.close()
