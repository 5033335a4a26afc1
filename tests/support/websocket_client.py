"""A WebSocket client for tests: frames over a plain socket, each of whose waits has a deadline."""

import base64
import os
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocketClient:
    """`handshake` is the answer: (status, headers, what of a body came with it)."""

    def __init__(self, connection, target, *fields, host="shop.example"):
        self.socket, self.buffer = connection, b""
        key = base64.b64encode(os.urandom(16)).decode()
        head = [f"GET {target} HTTP/1.1", f"Host: {host}", "Connection: Upgrade",
                "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
                *fields]
        self.socket.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        answer, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = answer.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value for name, value in headers.items()}

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError(f"the connection ended after {self.buffer!r}")
        self.buffer += piece

    def _take(self, size):
        while len(self.buffer) < size:
            self._more()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def body(self):
        """Of an answer that is no upgrade."""
        return self._take(int(self.headers["content-length"]))

    def send(self, message, opcode=None, first=None):
        if opcode is None:
            opcode = TEXT if isinstance(message, str) else BINARY
        data = message.encode() if isinstance(message, str) else message
        size = len(data)
        head = bytes([0x80 | opcode if first is None else first])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += struct.pack("!BH", 0x80 | 126, size)
        else:
            head += struct.pack("!BQ", 0x80 | 127, size)
        mask = os.urandom(4)
        whole = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        masked = (int.from_bytes(data, "big") ^ whole).to_bytes(size, "big")
        self.socket.sendall(head + mask + masked)

    def receive(self):
        """str, bytes, or (code, reason) of a close frame; pings are answered."""
        first, size = self._take(2)
        if size == 126:
            size = int.from_bytes(self._take(2), "big")
        elif size == 127:
            size = int.from_bytes(self._take(8), "big")
        data = self._take(size)
        opcode = first & 15
        if opcode == PING:
            self.send(data, PONG)
            return self.receive()
        if opcode == CLOSE:
            return (int.from_bytes(data[:2], "big"), data[2:].decode()) if data else (1005, "")
        return data.decode() if opcode == TEXT else data

    def close(self, code=1000, reason=""):
        self.send(code.to_bytes(2, "big") + reason.encode(), CLOSE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
