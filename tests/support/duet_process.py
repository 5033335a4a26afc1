"""A running duet for tests: started on free ports, asked over real sockets, stopped in order."""

import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time

DEADLINE = 60.0  # seconds, for what takes far less: who waits that long waits for nothing


_reserved = []


def reserved_port():
    """A port for a server that must be told one. The kernel gives it to nobody who asks for any
    port while we run; a server with SO_REUSEADDR, which all of them set, may listen on it."""
    _reserved.append(socket.socket())
    _reserved[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reserved[-1].bind(("127.0.0.1", 0))
    return _reserved[-1].getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __eq__(self, other):
        return (self.status, self.headers.get("content-type"), self.body) == \
            (other.status, other.headers.get("content-type"), other.body)

    def __repr__(self):
        return f"{self.status} {self.headers.get('content-type')} {self.body[:300]!r}"


class Duet:
    """`with Duet(executable, arguments) as duet:` serves inside, and has stopped with 0 after."""

    def __init__(self, executable, arguments, cwd=None, env=None, patience=DEADLINE):
        self.command = [executable, "serve", *arguments, "--listen", "127.0.0.1:0",
                        "--admin", "127.0.0.1:0"]
        self.cwd, self.env = cwd, env
        self.patience = patience  # seconds for the start
        self.port = self.admin_port = None
        self.output = []
        self.stuck = None  # the request that was not answered in time: no other will be

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="replace",
                                        env=dict(os.environ, **(self.env or {})))
        lines = queue.Queue()

        def read():
            for line in self.process.stdout:
                self.output.append(line)
                lines.put(line)
            lines.put(None)

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        deadline = time.monotonic() + self.patience
        while self.port is None or self.admin_port is None:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                self.process.kill()
                raise AssertionError("duet did not start serving:\n" + "".join(self.output))
            if found := re.match(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
            elif found := re.match(r"admin on http://127\.0\.0\.1:(\d+)", line):
                self.admin_port = int(found[1])
        return self

    def __exit__(self, kind, *_):
        if self.stuck:
            self.process.kill()
        else:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "none: it had to be killed"
        self.reader.join(DEADLINE)
        self.process.stdout.close()
        if kind is None and code != 0 and not self.stuck:
            raise AssertionError(f"duet ended with {code}:\n{''.join(self.output)}")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def socket(self):
        """A connection for bytes, each of whose waits has a deadline."""
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def ask(self, method, target, body=None, headers=None):
        if self.stuck:
            raise AssertionError(f"not asked: {self.stuck} was not answered")
        connection = self.connect()
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except TimeoutError:
            self.stuck = f"{method} {target}"
            raise AssertionError(f"{self.stuck} was not answered within {DEADLINE} s; duet said:\n"
                                 + "".join(self.output[-20:])) from None
        finally:
            connection.close()

    def get(self, target, **headers):
        return self.ask("GET", target, headers=headers)

    def resident(self):
        """Bytes of memory that the process has."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024


def counted_routes(duet, handler=None):
    """{(method, route): requests} of the application behind a handler, else of the first."""
    connection = http.client.HTTPConnection("127.0.0.1", duet.admin_port, timeout=DEADLINE)
    try:
        connection.request("GET", "/api/handlers")
        handlers = json.loads(connection.getresponse().read())["handlers"]
    finally:
        connection.close()
    one = next(one for one in handlers if handler is None or one["name"] == handler)
    return {(route["method"], route["route"]): route["requests"] for route in one["inner_routes"]}


def eventually(check, what):
    """Waits until `check()` is true."""
    deadline = time.monotonic() + DEADLINE
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen: {what}")
        time.sleep(0.005)
