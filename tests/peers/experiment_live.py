"""Whether a live host tells a slower language from an equal one: experiments with both arms awaiting.

    python3 tests/peers/experiment_live.py [--runs N] [--requests N] [--duet PATH]

A JavaScript handler awaits 5 ms. In each of N runs it is the control of two experiments at once: against
a Python handler that takes 20% longer in all, by a wait that is found first, and against a copy of itself
(A/A). After the requests the host is asked for its verdicts. The first must be called and its interval must
hold the ratio that the clients measured; of the A/A runs at most 4 of 30 may be called, by the verdict or by
a guardrail.
"""

import argparse
import concurrent.futures
import json
import pathlib
import re
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from duet_process import Duet  # noqa: E402

BASE_MS = 5
SLOWER = 1.2
MOST_FALSE = 4  # of 30: 5% is compatible with up to 4 at the 1% level
CORRECTIONS = 3  # of the wait, before the first run
SO_TIMESTAMPNS = 35  # of Linux; Python's socket module lacks it
CONNECTIONS = 4  # little load, so that what is measured is the wait
HANDLERS = {
    "base.mjs": f"""\
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default async () => {{ await wait({BASE_MS}); return "done"; }};
""",
    "slower.py": """\
import asyncio
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
CLOCK_MONOTONIC = 1


async def wait(seconds):
    # The loop's timers are whole milliseconds, of which 5 have no 20%: a timer of the kernel is exact.
    fd = libc.timerfd_create(CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    nanoseconds = round(seconds * 1e9)
    # struct itimerspec: no repetition; seconds and nanoseconds from now
    setting = (ctypes.c_long * 4)(0, 0, nanoseconds // 10**9, nanoseconds % 10**9)
    if fd < 0 or libc.timerfd_settime(fd, 0, setting, None) != 0:
        raise OSError(ctypes.get_errno(), "timerfd")
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def expired():
        loop.remove_reader(fd)
        over.set()

    loop.add_reader(fd, expired)
    await over.wait()
    os.close(fd)


async def fetch(request):
    await wait(float(request.query["ms"]) / 1000)
    return "done"
""",
}
CONFIG = """\
[server]
store = "off"
[handlers]
base = { source = "base.mjs" }
slower = { source = "slower.py" }
[[routes]]
path = "/ab"
handler = "base"
[[routes]]
path = "/aa"
handler = "base"
[[experiment]]
name = "ab"
route = "/ab"
key = "random"
[[experiment.variants]]
name = "js"
handler = "base"
[[experiment.variants]]
name = "py"
handler = "slower"
[[experiment]]
name = "aa"
route = "/aa"
key = "random"
[[experiment.variants]]
name = "js"
handler = "base"
[[experiment.variants]]
name = "copy"
handler = "base"
[[experiment.guardrails]]
errors = true
[[experiment.guardrails]]
quantile = 0.99
[[experiment.guardrails]]
slower_than = "8ms"
"""


def ask(connection, path):
    """Seconds until the whole answer was there, and the variant that gave it.

    Until the kernel had it: when a thread of Python gets to run is not the host's doing.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    began = time.time_ns()
    connection.sendall(request)
    answer, arrived = b"", 0
    while not answer.endswith(b"done"):
        piece, ancillary, _, _ = connection.recvmsg(4096, 64)
        if not piece:
            raise ConnectionError("the host closed the connection")
        answer += piece
        for _, kind, data in ancillary:
            if kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("@ll", data)
                arrived = seconds * 10**9 + nanoseconds
    variant = re.search(rb"Duet-Variant: (\S+)", answer)
    return (arrived - began) / 1e9, variant[1].decode() if variant else ""


def load(port, paths, requests):
    """Seconds of each request, by path and variant; the paths take turns."""
    left = iter(range(requests * len(paths)))
    lock = threading.Lock()

    def client(_):
        taken = []
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return taken
                path = paths[number % len(paths)]
                taken.append((path, *ask(connection, path)))

    seconds = {}
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        for taken in pool.map(client, range(CONNECTIONS)):
            for path, took, variant in taken:
                seconds.setdefault((path, variant), []).append(took)
    return seconds


def api(duet, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{duet.admin_port}/api/{path}") as answer:
        return json.load(answer)


def write(folder):
    for name, text in HANDLERS.items():
        (folder / name).write_text(text)
    (folder / "duet.toml").write_text(CONFIG)
    return [str(folder / "duet.toml")]


def slower_by(seconds, path):
    """The ratio of the variants' medians, and what the wait lacks, in milliseconds, to make it 20%."""
    base = statistics.median(seconds[path, "js"])
    ratio = statistics.median(seconds[path, "py"]) / base
    return ratio, (SLOWER - ratio) * base * 1000


def calibrated(options, arguments):
    """The wait in milliseconds that makes Python 20% slower than JavaScript in all, as the clients see it."""
    wait = BASE_MS * SLOWER
    with Duet(options.duet, arguments) as duet:
        for _ in range(CORRECTIONS):
            path = f"/ab?ms={wait}"
            seconds = load(duet.port, [path, "/aa"], options.requests // 2)
            wait += slower_by(seconds, path)[1]
    return wait


def run(options, arguments, wait):
    """What came of one run, and the wait for the next: other users of the machine come and go."""
    with Duet(options.duet, arguments) as duet:
        path = f"/ab?ms={wait}"
        seconds = load(duet.port, [path, "/aa"], options.requests)
        time.sleep(1.2)  # the evidence on quantiles is looked at once a second
        load(duet.port, [path, "/aa"], 2)
        time.sleep(0.3)
        ab, aa = api(duet, "experiments/ab"), api(duet, "experiments/aa")
    seen, lacks = slower_by(seconds, path)
    quantile = ab["variants"][1]["quantiles"][0]
    ratio = quantile["ratio"]
    holds = (ratio["low"] or 0) <= seen <= (ratio["high"] or float("inf"))
    right = quantile["called"] and "'py' is" in ab["verdict"] and "slower than 'js'" in ab["verdict"]
    copy = aa["variants"][1]
    false = any(one["called"] for one in copy["quantiles"]) or \
        any(one["crossed"] for one in copy["guardrails"])
    print(f"  waits {wait:.3f} ms: {ab['verdict']}; by the clients {100 * (seen - 1):.1f}%"
          f"{'' if holds else ', outside the interval'}; A/A {'CALLED' if false else 'clean'}",
          flush=True)
    return wait + lacks / 2, (right, holds, false, seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--requests", type=int, default=4000, help="of each experiment, both arms")
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments = write(pathlib.Path(folder))
        wait, results = calibrated(options, arguments), []
        for _ in range(options.runs):
            wait, result = run(options, arguments, wait)
            results.append(result)
    right, holds, false, seen = (list(column) for column in zip(*results))
    runs = options.runs
    print(f"{sum(right)} of {runs} slower ones called, {sum(holds)} of {runs} intervals hold what the "
          f"clients saw ({100 * (statistics.median(seen) - 1):.1f}% in the median, "
          f"{100 * (min(seen) - 1):.1f} to {100 * (max(seen) - 1):.1f}%), {sum(false)} of {runs} A/A called")
    most = max(MOST_FALSE * runs // 30, 1)
    return 0 if all(right) and sum(holds) >= 0.9 * runs and sum(false) <= most else 1


if __name__ == "__main__":
    sys.exit(main())
