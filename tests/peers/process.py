"""A server process on a core of its own: started, checked, loaded, its CPU time read, stopped."""

import os
import re
import signal
import socket
import subprocess
import time

SERVER_CORE, CLIENT_CORE = 0, 1
START_LIMIT = 20.0  # seconds until the first answer


class PeerError(Exception):
    """Says what a person has to do."""


def pick_cores():
    """The first two cores that this process may use: one for the server, one for the client."""
    global SERVER_CORE, CLIENT_CORE
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise PeerError("two processor cores are needed: one for the server, one for the client")
    SERVER_CORE, CLIENT_CORE = cores[0], cores[1]
    os.sched_setaffinity(0, {CLIENT_CORE})


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


def cpu_clock(pid):
    """Nanoseconds of CPU (user and system, all threads, dead ones too) that a process has used."""
    # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) of the kernel: what clock_getcpuclockid(3) gives.
    # /proc/<pid>/stat has the same numbers, in ticks of 10 ms: too coarse for short rounds.
    return time.clock_gettime_ns((~pid << 3) | 2)


def children_of(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found + [below for child in found for below in children_of(child)]


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

    def __init__(self, command, cwd, log_path, environment):
        self.port = free_port()
        self.log_path = log_path
        command = [part.replace("{port}", str(self.port)) for part in command]
        with open(log_path, "wb") as log:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                ["taskset", "-c", str(SERVER_CORE), *command], cwd=cwd, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        pass_priority_on(self.process.pid)

    def first_answer(self, requests, check):
        """Seconds from the start until every request has its right answer, asked one by one."""
        deadline = self.started + START_LIMIT
        for request in requests:
            while True:
                if self.process.poll() is not None:
                    raise PeerError(f"ended at start (code {self.process.returncode}): "
                                    f"{self.last_log()}")
                try:
                    status, body = fetch(self.port, request)
                    if status == 200 and check(body):
                        break
                    if status not in (404, 503):
                        raise PeerError(f"answered {status} {body[:200]!r}: {self.last_log()}")
                except (ConnectionError, TimeoutError):
                    pass
                if time.perf_counter() > deadline:
                    raise PeerError(f"no right answer in {START_LIMIT:.0f} s: {self.last_log()}")
                time.sleep(0.0005)
        return time.perf_counter() - self.started

    def last_log(self):
        with open(self.log_path, errors="replace") as file:
            lines = [line.rstrip() for line in file if line.strip()]
        return " | ".join(lines[-4:]) or "(it printed nothing)"

    def cpu(self):
        """Nanoseconds of CPU of the process and its children so far."""
        pid = self.process.pid
        return cpu_clock(pid) + sum(cpu_clock(child) for child in children_of(pid))

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def duration(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]


class Round:
    """What one run of wrk against one server showed."""

    def __init__(self, requests, seconds, cpu, p99):
        self.requests, self.seconds, self.cpu, self.p99 = requests, seconds, cpu, p99

    @property
    def cpu_per_request(self):  # microseconds
        return self.cpu / self.requests / 1e3

    @property
    def rate(self):  # requests a second
        return self.requests / self.seconds


def load(server, workload, seconds, connections, wrk, scripts, environment):
    """Loads a server by wrk for some seconds."""
    command = ["taskset", "-c", str(CLIENT_CORE), wrk, "-t1", f"-c{connections}",
               f"-d{seconds}s", "--timeout", "20s", "--latency"]
    if workload.script:
        command += ["-s", str(scripts / workload.script)]
    command.append(f"http://127.0.0.1:{server.port}{workload.path}")
    before = server.cpu()
    done = subprocess.run(command, capture_output=True, text=True, env=environment,
                          timeout=seconds + 30)
    cpu = server.cpu() - before
    if done.returncode != 0:
        raise PeerError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    counted = re.search(r"(\d+) requests in ([\d.]+\w+)", done.stdout)
    p99 = re.search(r"^\s*99%\s+(\S+)", done.stdout, re.M)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    broken = re.search(r"Socket errors: (.*)", done.stdout)
    if wrong or broken or not counted or not p99 or int(counted[1]) == 0:
        what = (wrong or broken)[0] if wrong or broken else done.stdout.strip()
        raise PeerError(f"the load did not go through: {what}: {server.last_log()}")
    return Round(int(counted[1]), duration(counted[2]), cpu, duration(p99[1]))
