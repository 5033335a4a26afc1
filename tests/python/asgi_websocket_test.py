"""WebSockets of ASGI 3 as applications see them: a real process, real sockets, no framework.

What they have in common with those of other handlers: conformance/websocket_test.cc.
"""

import json
import os
import pathlib
import socket
import struct
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from duet_process import Duet, eventually  # noqa: E402
from websocket_client import WebSocketClient  # noqa: E402

BEFORE = {  # what is wrong before the socket is accepted: 500
    "silent": "returned without an answer",
    "raises": "on purpose",
    "send_first": "'websocket.send' came where duet expects 'websocket.accept'",
    "http_start": "'http.response.start' came where duet expects 'websocket.accept'",
    "body_first": "'websocket.http.response.body' came where duet expects",
    "start_twice": "'websocket.http.response.start' came where duet expects "
                   "'websocket.http.response.body'",
    "accept_denied": "'websocket.accept' came where duet expects 'websocket.http.response.body'",
    "bad_status": "'status' of 'websocket.http.response.start' must be an int",
    "no_dict": "send() takes a message, which is a dict",
    "no_type": "needs a 'type'",
    "protocol_bytes": "must be a str or None, not bytes",
    "protocol_absent": "does not offer the subprotocol 'absent' (it offers none)",
    "text_header": "('a', 'b') of 'websocket.accept' must be two bytes objects",
    "no_headers": "must be an iterable of pairs, not int",
    "split_header": "'websocket.accept' cannot be sent: header a:",
    "protocol_header": "is the 'subprotocol' of 'websocket.accept'",
}
AFTER = {  # and after it: 1011
    "accept_twice": "'websocket.accept' came where duet expects 'websocket.send' or",
    "nothing": "needs either 'text' or 'bytes'",
    "both": "needs either 'text' or 'bytes'",
    "text_bytes": "'text' of 'websocket.send' must be a str, not bytes",
    "bytes_text": "'bytes' of 'websocket.send' must be bytes, not str",
    "code_text": "takes a 'code', which is an int",
    "code_reserved": "'websocket.close' cannot be sent: close(1006",
    "raises_late": "on purpose, late",
}


class AsgiWebSocketTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.duet = Duet(os.environ["DUET"], ["asgi_socket_app:app"], cwd=HERE / "handlers")
        cls.duet.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.duet.__exit__(None, None, None)

    def open(self, target, *fields):
        client = WebSocketClient(self.duet.socket(), target, *fields)
        self.addCleanup(client.socket.close)
        return client

    def told(self, what, value):
        eventually(lambda: json.loads(self.duet.get("/").body).get(what) == value,
                   f"{what!r} is {value!r}, not {self.duet.get('/').body}")

    def logged(self, said, name="asgi_socket_app:app"):
        eventually(lambda: any(said in line and name in line for line in self.duet.output),
                   f"{said!r} is logged: {self.duet.output[-5:]}")

    def test_scope(self):
        client = self.open("/caf%C3%A9/scope?a=%20b", "Sec-WebSocket-Protocol: one, two",
                           "Sec-WebSocket-Protocol: three", "X-Some: One")
        scope = json.loads(client.receive())
        self.assertEqual((scope["type"], scope["scheme"], scope["http_version"]),
                         ("websocket", "ws", "1.1"))
        self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.4"})
        self.assertEqual((scope["path"], scope["raw_path"], scope["query_string"]),
                         ("/café/scope", "/caf%C3%A9/scope", "a=%20b"))
        self.assertEqual(scope["subprotocols"], ["one", "two", "three"])
        self.assertEqual(scope["extensions"], {"websocket.http.response": {}})
        self.assertEqual(scope["server"], ["127.0.0.1", self.duet.port])
        self.assertIn(["x-some", "One"], scope["headers"])
        self.assertNotIn("method", scope)
        self.assertEqual(client.receive(), (1000, ""))  # the application has returned

    def test_an_application_may_refuse(self):
        denied = self.open("/denied")
        self.assertEqual((denied.status, denied.headers["www-authenticate"]), (401, "Basic"))
        self.assertEqual(denied.body(), b"who else?")
        self.told("denied", {"type": "websocket.disconnect", "code": 1006, "reason": ""})
        self.assertEqual(self.open("/rejected").status, 403)

    def test_a_client_that_leaves_is_told(self):
        with self.duet.socket() as raw:
            raw.sendall(b"GET /waits HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            self.told("waits", "connected")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.told("waits", {"type": "websocket.disconnect", "code": 1006, "reason": ""})
        self.told("accept", "OSError")
        client = self.open("/left")
        client.close(4321, "bye")
        self.assertEqual(client.receive(), (4321, ""))
        gone = {"type": "websocket.disconnect", "code": 4321, "reason": "bye"}
        self.told("left", [gone, gone])
        self.told("send", "OSError")

    def test_receiving_may_begin_before_the_socket_is_accepted(self):
        client = self.open("/early_receive")
        client.send("first")
        self.assertEqual(client.receive(), "first!")

    def test_a_cancelled_receive_takes_nothing(self):
        client = self.open("/cancelled_receive")
        self.assertEqual(client.receive(), "waiting")
        client.send("first")
        self.assertEqual(client.receive(), "first, late")

    def test_a_task_may_receive_that_began_at_once(self):
        client = self.open("/eager_receive")
        self.assertEqual(client.receive(), "waiting")
        client.send("first")
        self.assertEqual(client.receive(), "first!")

    def test_nothing_follows_a_close(self):
        self.assertEqual(self.open("/closes").receive(), (1000, ""))
        self.told("closes", "handler 'asgi_socket_app:app': ASGI message 'websocket.send' came after "
                            "the application had closed or refused the WebSocket")

    def test_another_thread_is_refused(self):
        self.assertIn("belongs to the event loop's thread", self.open("/from_a_thread").receive())

    def test_mistakes_fail_their_socket_alone_and_are_named(self):
        for path, said in BEFORE.items():
            with self.subTest(path):
                self.assertEqual(self.open(f"/{path}").status, 500)
                self.logged(said)
        for path, said in AFTER.items():
            with self.subTest(path):
                client = self.open(f"/{path}")
                self.assertEqual(client.status, 101)
                self.assertEqual(client.receive(), (1011, "the handler failed"))
                self.logged(said)

    def test_a_wrong_handshake_does_not_reach_the_application(self):
        answer = self.duet.get("/raises", Connection="Upgrade", Upgrade="websocket")
        self.assertEqual((answer.status, answer.headers["sec-websocket-version"]), (426, "13"))

    def test_sockets_are_counted_by_their_route(self):
        self.open("/a/closes").receive()
        self.open("/b/rejected")

        def counted():
            routes = json.loads(self.admin("/api/handlers"))["handlers"][0]["inner_routes"]
            return {"/{kind}/closes", "/{kind}/rejected"} <= {route["route"] for route in routes}

        eventually(counted, "both are counted")

    def admin(self, target):
        with socket.create_connection(("127.0.0.1", self.duet.admin_port), 20) as client:
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            with client.makefile("rb") as file:
                return file.read().partition(b"\r\n\r\n")[2]


if __name__ == "__main__":
    unittest.main()
