"""Sockets that somebody else has opened for duet, as systemd does for a `.socket` unit."""

import pathlib
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402
from duet_process import DEADLINE  # noqa: E402

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class SocketActivationTest(Folder):
    def setUp(self):
        super().setUp()
        self.write("app.py", """
            import os
            def fetch(request):
                return f"{os.getpid()} {'LISTEN_FDS' in os.environ}"
            """)

    def activated(self, opened, listen):
        """A host that gets the socket as systemd passes it: as descriptor 3."""
        host = subprocess.Popen(
            ["bash", "-c", f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{opened.fileno()}', "host",
             EXECUTABLE, "serve", "app.py", "--admin", "off", "--listen", listen],
            cwd=self.folder, pass_fds=[opened.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: host.poll() is None and host.kill())
        return host

    def served_through(self, opened, listen, connect):
        """Two hosts, one after the other; clients come before the first and between them."""
        for _ in range(2):
            with connect() as client:
                client.sendall(REQUEST)
                host = self.activated(opened, listen)
                answer = client.makefile("rb").read().decode()
            self.assertTrue(answer.endswith(f"\r\n{host.pid} False"), answer)
            host.send_signal(signal.SIGTERM)
            said, errors = host.communicate(timeout=DEADLINE)
            self.assertEqual(host.returncode, 0, errors)
            self.assertIn("listening on ", said)
            self.assertNotIn("was passed", errors)

    def test_clients_wait_in_a_port(self):
        with socket.create_server(("127.0.0.1", 0)) as opened:
            port = opened.getsockname()[1]
            self.served_through(opened, f"127.0.0.1:{port}",
                                lambda: socket.create_connection(("127.0.0.1", port), DEADLINE))

    def test_clients_wait_in_a_unix_socket(self):
        path = str(self.folder / "duet.sock")

        def connect():
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(DEADLINE)
            client.connect(path)
            return client

        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path)
            opened.listen()
            self.served_through(opened, f"unix:{path}", connect)
        self.assertTrue(pathlib.Path(path).is_socket())  # whose it is

    def test_a_socket_of_another_address_is_not_forgotten(self):
        with socket.create_server(("127.0.0.1", 0)) as opened:
            host = self.activated(opened, "127.0.0.2:0")
            self.assertIn("listening on http://127.0.0.2:", host.stdout.readline())
            host.send_signal(signal.SIGTERM)
            errors = host.communicate(timeout=DEADLINE)[1]
            self.assertIn("a socket was passed to this host on which it does not listen", errors)
            self.assertIn(f"--listen 127.0.0.1:{opened.getsockname()[1]}", errors)


if __name__ == "__main__":
    unittest.main()
