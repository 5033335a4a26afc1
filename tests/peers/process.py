"""A server process: started, asked, stopped."""

import os
import signal
import socket
import subprocess
import time

SERVER_CORE = None  # any, until pick_cores()
START_LIMIT = 20.0  # seconds until the first answer


class PeerError(Exception):
    """Says what a person has to do."""


def pick_cores():
    """The first two cores that this process may use: one for servers, one for itself and for what it runs
    besides."""
    global SERVER_CORE
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise PeerError("two processor cores are needed: one for the server, one for the client")
    SERVER_CORE = cores[0]
    os.sched_setaffinity(0, {cores[1]})


def pass_priority_on(pid):
    """Nice values count within a session only, where the kernel groups by sessions (autogroup): the
    one of `pid` gets ours as a whole."""
    if os.nice(0) != 0:
        try:
            with open(f"/proc/{pid}/autogroup", "w") as file:
                file.write(str(os.nice(0)))
        except OSError:
            pass  # it does not, or we may not


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, request, limit=5.0):
    """Sends one request (with Connection: close) and returns (status, body)."""
    with socket.create_connection(("127.0.0.1", port), timeout=limit) as connection:
        connection.sendall(request)
        data = b""
        while piece := connection.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        raise PeerError(f"no HTTP answer: {data[:80]!r}")
    if b"transfer-encoding: chunked" in head.lower():
        body = unchunk(body)
    return int(head[9:12]), body


def get(path):
    """An ask for Server.first_answer()."""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    return lambda port: fetch(port, request)


def unchunk(data):
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return body
        body += data[:length]
        data = data[length + 2:]


class Server:
    """One running server. `command` has {port} where the port goes."""

    def __init__(self, command, cwd, log_path, environment=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = log_path
        command = [part.replace("{port}", str(self.port)) for part in command]
        core = [] if SERVER_CORE is None else ["taskset", "-c", str(SERVER_CORE)]
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen([*core, *command], cwd=cwd, env=environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        pass_priority_on(self.process.pid)

    def first_answer(self, asks, check):
        """Asks, one after the other, until it gives the right answer; an ask takes the port and gives a
        status and a body. Everything but not being ready is an error."""
        deadline = time.monotonic() + START_LIMIT
        for ask in asks:
            while True:
                if self.process.poll() is not None:
                    raise PeerError(f"ended at start (code {self.process.returncode}): "
                                    f"{self.last_log()}")
                try:
                    status, body = ask(self.port)
                    if status in (200, 101) and check(body):
                        break
                    if status not in (404, 503):
                        raise PeerError(f"answered {status} {body[:200]!r}: {self.last_log()}")
                except (ConnectionError, TimeoutError):
                    pass
                if time.monotonic() > deadline:
                    raise PeerError(f"no right answer in {START_LIMIT:.0f} s: {self.last_log()}")
                time.sleep(0.005)

    def last_log(self):
        with open(self.log_path, errors="replace") as file:
            lines = [line.rstrip() for line in file if line.strip()]
        return " | ".join(lines[-4:]) or "(it printed nothing)"

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
