"""waitress' functional tests: each starts the WSGI application that it wants, here as a duet."""

import re
import socket
import unittest

from suites import Served, judge, use_tests

# Parts of a test's name, and why duet answers otherwise.
DIFFERENT = {
    "date_and_server": "duet names itself in no field",
    "bad_host_header": "as above",
    "broken_chunked_encoding": "other words in the refusal",
    "InternalServerError": "other words in the page; 500 where a 200 would be cut off",
    "TooLarge": "an option of waitress'",
    "proxy_headers": "an option of waitress'",
    "BadContentLength": "a body that is not as long as declared is a failure: 500",
    "WriteCallback": "as above",
    "longcl": "as above",
    "shortcl": "as above",
    "nocl": "waitress measures files and closes the connection after generators",
    "generator": "as above",
    "keepalive_http10_explicit": "as below",
    "http10_list": "waitress spells it Keep-Alive",
    "expect_continue": "its body came with the head: no 100 is said (RFC 9110, 10.1.1)",
    "listlentwo": "duet knows the length of a list",
}


class Socket(socket.socket):
    """Adds the Host that HTTP/1.1 demands and these tests leave out."""

    @staticmethod
    def _with_host(data):
        if b"\nhost:" in data.lower():
            return data
        return re.sub(rb"( HTTP/1\.1\r?\n)", rb"\1Host: localhost\r\n", data)

    def send(self, data):
        return super().send(self._with_host(data))

    def sendall(self, data):
        return super().sendall(self._with_host(data))


def start(self, target, **options):
    self.served = Served(f"{target.__module__}:{target.__name__}")
    self.bound_to = ("127.0.0.1", self.served.__enter__())
    self.sock = self.create_socket()


def stop(self):
    self.sock.close()
    self.served.__exit__()


def assertline(self, line, status, reason, version):
    """Without the version: waitress answers HTTP/1.0 to HTTP/1.0."""
    self.assertEqual(line.split(None, 2)[1:], [status.encode(), reason.encode() + b"\r\n"])


def run(folder):
    use_tests(folder / "waitress")
    from tests import test_functional as suite

    socket.setdefaulttimeout(5)
    cases = suite.SubprocessTests
    cases.start_subprocess, cases.stop_subprocess = start, stop
    cases.create_socket, cases.assertline = lambda self: Socket(socket.AF_INET), assertline
    names = [name for name in dir(suite) if name.startswith("Tcp") and name != "TcpTests"]
    result = unittest.TextTestRunner(verbosity=1).run(
        unittest.defaultTestLoader.loadTestsFromNames(names, suite))
    socket.setdefaulttimeout(None)
    failed = [test.id() for test, _ in result.failures + result.errors]
    counts = {"passed": result.testsRun - len(failed) - len(result.skipped),
              "skipped": len(result.skipped)}
    yield "waitress", judge(counts, failed, DIFFERENT)
