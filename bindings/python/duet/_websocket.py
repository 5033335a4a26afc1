"""WebSockets: what request.websocket() gives."""

try:
    import _duet
    from _duet import WebSocketBase
except ImportError:  # outside of the host: editors, type checkers
    _duet = None
    WebSocketBase = object

from ._stream import RequestEnded


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


class WebSocket(WebSocketBase):
    """The server's side of a WebSocket.

        ws = await request.websocket()
        async for message in ws:        # str or bytes
            await ws.send(message)

    It closes when the handler returns (1000) or raises (1011). Pings and pongs are the host's.
    """

    # receive(), iteration and send() are the base's, and so are close_code and close_reason.
    __slots__ = ("protocol", "_sender", "_closing")

    def __init__(self, request, protocol=None, headers=()):
        fields = list(headers.items() if hasattr(headers, "items") else headers or ())
        self.protocol = protocol
        self._sender = None
        self._closing = False
        if not _duet.websocket_accept(request, self, protocol or "", fields):
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

    async def _wait_for_room(self):
        if self._sender is None:
            self._sender = _duet.host_loop().create_future()
        import asyncio

        await asyncio.shield(self._sender)  # several may wait for it

    async def _raise_closed(self):
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

    def _writable(self):
        waiter, self._sender = self._sender, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _closed(self, code, reason, clean):
        self.close_code = code
        self.close_reason = reason
        self._writable()

    def _handler_done(self, failed):
        if self.close_code is None:
            reason = "the handler failed" if failed else ""
            _duet.websocket_close(self._id, 1011 if failed else 1000, reason)
