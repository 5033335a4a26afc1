"""WebSockets: what request.websocket() gives."""

from collections import deque

try:
    import _duet
except ImportError:  # outside of the host: editors, type checkers
    _duet = None

from ._stream import RequestEnded

_FULL, _GONE = 1, 2  # of _duet.websocket_send()

# Messages that wait for the handler before the client is not read any more.
_HIGH_WATER = 16


class HandshakeRefused(RequestEnded):
    """The request was no WebSocket handshake, or a wrong one. It has been answered (426 or 400).

    Need not be caught: nothing is logged for it.
    """


class WebSocketClosed(RequestEnded):
    """The socket is closed: there is nothing to receive any more, and nobody to send to."""

    def __init__(self, code, reason):
        super().__init__(f"the WebSocket is closed ({code}{', ' if reason else ''}{reason})")
        self.code = code
        self.reason = reason


class WebSocket:
    """The server's side of a WebSocket.

        ws = await request.websocket()
        async for message in ws:        # str or bytes
            await ws.send(message)

    It closes when the handler returns (1000) or raises (1011). Pings and pongs are the host's.
    """

    __slots__ = (
        "protocol", "close_code", "close_reason",
        "_id", "_messages", "_receiver", "_sender", "_paused", "_closing",
    )

    def __init__(self, request, protocol=None, headers=()):
        fields = list(headers.items() if hasattr(headers, "items") else headers or ())
        self.protocol = protocol
        self.close_code = None
        self.close_reason = ""
        self._messages = deque(maxlen=None)
        self._receiver = None
        self._sender = None
        self._paused = False
        self._closing = False
        self._id = _duet.websocket_accept(request, self, protocol or "", fields)
        if self._id == 0:
            raise HandshakeRefused("the request is no WebSocket handshake, and was answered so")

    def __await__(self):
        return self
        yield

    @property
    def closed(self):
        """Whether nothing can be sent any more."""
        return self._closing or self.close_code is not None

    @property
    def buffered(self):
        """Bytes that wait for the client to read."""
        return _duet.websocket_buffered(self._id)

    async def receive(self):
        """The next message: str or bytes. Raises WebSocketClosed when there will be none."""
        while not self._messages:
            if self.close_code is not None:
                raise WebSocketClosed(self.close_code, self.close_reason)
            if self._receiver is not None:
                raise RuntimeError("another task is receiving from this WebSocket already")
            _duet.websocket_release(self._id)  # a close frame of the client waits for this
            self._receiver = _duet.host_loop().create_future()
            try:
                await self._receiver
            finally:
                self._receiver = None
        message = self._messages.popleft()
        if self._paused and not self._messages:
            self._paused = False
            _duet.websocket_pause(self._id, False)
        return message

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return await self.receive()
        except WebSocketClosed:
            raise StopAsyncIteration from None

    async def send(self, message):
        """Sends str as text, bytes as binary; waits while the client does not read.

        Raises WebSocketClosed when nobody reads it any more.
        """
        result = _duet.websocket_send(self._id, message)
        if result == _FULL:
            if self._sender is None:
                self._sender = _duet.host_loop().create_future()
            import asyncio

            await asyncio.shield(self._sender)  # several may wait for it
        elif result == _GONE:
            code = self.close_code
            raise WebSocketClosed(1006 if code is None else code, self.close_reason)

    async def send_json(self, value):
        """Sends json.dumps(value) as text."""
        import json

        await self.send(json.dumps(value))

    async def close(self, code=1000, reason=""):
        """Says that it ends; messages that are on their way are dropped."""
        _duet.websocket_close(self._id, code, reason)
        self._closing = True

    def __repr__(self):
        state = "open" if self.close_code is None else f"closed, {self.close_code}"
        return f"<WebSocket {state}>"

    # --- what the host tells; on the loop, outside of any handler ---

    def _message(self, message):
        self._messages.append(message)
        if len(self._messages) >= _HIGH_WATER and not self._paused:
            self._paused = True
            _duet.websocket_pause(self._id, True)
        if (waiter := self._receiver) is not None and not waiter.done():
            waiter.set_result(None)

    def _writable(self):
        waiter, self._sender = self._sender, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _closed(self, code, reason, clean):
        self.close_code = code
        self.close_reason = reason
        self._writable()
        if (waiter := self._receiver) is not None and not waiter.done():
            waiter.set_result(None)

    def _handler_done(self, failed):
        if self.close_code is None:
            reason = "the handler failed" if failed else ""
            _duet.websocket_close(self._id, 1011 if failed else 1000, reason)
