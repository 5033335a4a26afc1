"""The `websocket` scope of ASGI, over what request.websocket() gives."""

from ._stream import ClientDisconnected, RequestEnded
from ._websocket import WebSocket, WebSocketClosed

_CONNECTING, _ACCEPTED, _DENYING, _CLOSED = range(4)

_EXPECTED = {
    _CONNECTING: "'websocket.accept', 'websocket.close' or 'websocket.http.response.start'",
    _ACCEPTED: "'websocket.send' or 'websocket.close'",
    _DENYING: "'websocket.http.response.body'",
}

_DENIALS = {
    "websocket.http.response.start": "http.response.start",
    "websocket.http.response.body": "http.response.body",
}


class AsgiWebSocket:
    """receive and send of one call. `receive_http` and `send_http` are those of its handshake, which
    is a request like any other until it is accepted."""

    __slots__ = ("_request", "_name", "_receive_http", "_send_http", "_phase", "_told", "_socket")

    def __init__(self, request, name, receive_http, send_http):
        self._request = request
        self._name = name
        self._receive_http = receive_http
        self._send_http = send_http
        self._phase = _CONNECTING
        self._told = False  # of 'websocket.connect'
        self._socket = None

    async def receive(self):
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        while self._socket is None:
            message = await self._receive_http()
            if message["type"] == "http.disconnect" and self._socket is None:
                return {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        try:
            message = await self._socket.receive()
        except WebSocketClosed as closed:
            return {"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason}
        if isinstance(message, str):
            return {"type": "websocket.receive", "text": message}
        return {"type": "websocket.receive", "bytes": message}

    async def send(self, message):
        if not isinstance(message, dict):
            raise self._error(TypeError, "send() takes a message, which is a dict")
        kind = message.get("type")
        if not isinstance(kind, str):
            raise self._error(ValueError, "an ASGI message needs a 'type', which is a str")
        if self._phase == _ACCEPTED and kind == "websocket.send":
            await self._send_message(message)
        elif self._phase == _ACCEPTED and kind == "websocket.close":
            await self._close(message)
        elif self._phase == _CONNECTING and kind == "websocket.accept":
            self._accept(message)
        elif self._phase == _CONNECTING and kind == "websocket.close":
            self._phase = _CLOSED
            await self._send_http({"type": "http.response.start", "status": 403})
            await self._send_http({"type": "http.response.body"})
        elif self._phase == _CONNECTING and kind == "websocket.http.response.start":
            await self._send_http({**message, "type": _DENIALS[kind]})
            self._phase = _DENYING
        elif self._phase == _DENYING and kind == "websocket.http.response.body":
            if not message.get("more_body"):
                self._phase = _CLOSED
            await self._send_http({**message, "type": _DENIALS[kind]})
        elif self._phase == _CLOSED:
            raise self._error(RuntimeError, f"ASGI message {kind!r} came after the application "
                              "had closed or refused the WebSocket")
        else:
            raise self._error(RuntimeError, f"ASGI message {kind!r} came where duet expects "
                              f"{_EXPECTED[self._phase]}")

    def _accept(self, message):
        protocol = message.get("subprotocol")
        if protocol is not None and not isinstance(protocol, str):
            raise self._error(TypeError, "'subprotocol' of 'websocket.accept' must be a str or "
                              f"None, not {type(protocol).__name__}")
        fields = self._fields(message.get("headers") or ())
        try:
            self._socket = WebSocket(self._request, protocol, fields)
        except RequestEnded as ended:
            raise ClientDisconnected("nobody waits for the WebSocket any more") from ended
        except ValueError as error:
            raise self._error(ValueError, f"'websocket.accept' cannot be sent: {error}") from None
        self._phase = _ACCEPTED

    def _fields(self, headers):
        try:
            fields = [tuple(pair) for pair in headers]
        except TypeError:
            raise self._error(TypeError, "'headers' of 'websocket.accept' must be an iterable of "
                              f"pairs, not {type(headers).__name__}") from None
        for pair in fields:
            if len(pair) != 2 or not all(isinstance(part, bytes) for part in pair):
                raise self._error(TypeError, f"the header {pair!r:.200} of 'websocket.accept' must "
                                  "be two bytes objects")
            if pair[0].lower() == b"sec-websocket-protocol":
                raise self._error(ValueError, "the header 'sec-websocket-protocol' is the "
                                  "'subprotocol' of 'websocket.accept'")
        return fields

    async def _send_message(self, message):
        text, data = message.get("text"), message.get("bytes")
        if (text is None) == (data is None):
            raise self._error(ValueError, "'websocket.send' needs either 'text' or 'bytes'")
        if text is not None and not isinstance(text, str):
            raise self._error(TypeError, "'text' of 'websocket.send' must be a str, not "
                              f"{type(text).__name__}")
        if data is not None and not isinstance(data, (bytes, bytearray, memoryview)):
            raise self._error(TypeError, "'bytes' of 'websocket.send' must be bytes, not "
                              f"{type(data).__name__}")
        try:
            await self._socket.send(data if text is None else text)
        except WebSocketClosed as closed:
            raise ClientDisconnected(f"nobody reads the WebSocket any more: {closed}") from None

    async def _close(self, message):
        code, reason = message.get("code"), message.get("reason")
        code, reason = 1000 if code is None else code, "" if reason is None else reason
        if not isinstance(code, int) or not isinstance(reason, str):
            raise self._error(TypeError, "'websocket.close' takes a 'code', which is an int, and a "
                              f"'reason', which is a str, not {code!r:.100} and {reason!r:.100}")
        self._phase = _CLOSED  # before the wait: another task may send meanwhile
        try:
            await self._socket.close(code, reason)
        except (ValueError, OverflowError) as error:
            self._phase = _ACCEPTED
            raise self._error(ValueError, f"'websocket.close' cannot be sent: {error}") from None

    def _error(self, kind, text):
        return kind(f"handler {self._name!r}: {text}")
