"""What JavaScript's requests suffer from models beside them: its p99 with and without, by turns.

    python3 tests/peers/data_beside.py [--rounds N] [--seconds S] [--rate R] [--duet PATH]

The host of examples/data answers GET / (JavaScript, on the loop) at a steady rate, in blocks: alone,
and while clients keep the routes of numpy, scipy, pandas and scikit-learn busy, as blocking handlers in
threads. A latency is what the host says (Server-Timing: from the kernel's arrival of the request), so
that the client's own waiting for a processor is not in it. Needs the packages in the active Python.
"""

import argparse
import os
import pathlib
import re
import socket
import statistics
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/examples"))
from duet_process import DEADLINE, Duet  # noqa: E402

LIMIT = 1.20  # of issue "Run what people already have"
BUSY = ["/digits?sample=7", "/iris?by=species", "/tones?hertz=440,880"]
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nDuet-Timing: 1\r\n\r\n"


def latencies(port, rate, seconds):
    """Milliseconds of each request, at fixed intervals on one connection."""
    took = []
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            connection.sendall(REQUEST)
            answer = connection.recv(65536)
            took.append(float(re.search(rb"total;dur=([\d.]+)", answer)[1]))
    return took


class Models:
    """`with Models(duet, clients):` keeps each route of BUSY busy inside."""

    def __init__(self, duet, clients):
        self.duet, self.over, self.answered = duet, threading.Event(), 0
        self.threads = [threading.Thread(target=self.keep_busy, args=(BUSY[n % len(BUSY)],))
                        for n in range(clients)]

    def keep_busy(self, target):
        while not self.over.is_set():
            assert self.duet.get(target).status == 200
            self.answered += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def p99(values):
    return statistics.quantiles(values, n=100)[98]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    ratios, alone_all, beside_all, models = [], [], [], 0
    with Duet(options.duet, [str(ROOT / "examples/data/duet.toml")], patience=300) as duet:
        for target in BUSY:
            duet.get(target)
        latencies(duet.port, options.rate, 1)
        for number in range(options.rounds):
            for busy in (False, True) if number % 2 else (True, False):
                if busy:
                    with Models(duet, options.clients) as running:
                        beside = latencies(duet.port, options.rate, options.seconds)
                    models += running.answered
                else:
                    alone = latencies(duet.port, options.rate, options.seconds)
            ratios.append(p99(beside) / p99(alone))
            alone_all += alone
            beside_all += beside
            print(f"round {number + 1}: p99 alone {p99(alone):.2f} ms, beside {p99(beside):.2f} ms",
                  flush=True)
    ratio = statistics.median(ratios)
    print(f"{models} answers of models; p50 {statistics.median(alone_all):.2f} ms alone, "
          f"{statistics.median(beside_all):.2f} ms beside")
    print(f"p99 beside / alone, median of {options.rounds} rounds: {ratio:.2f} "
          f"(at most {LIMIT}) {'pass' if ratio <= LIMIT else 'MISS'}")
    return ratio > LIMIT


if __name__ == "__main__":
    os.environ.setdefault("VIRTUAL_ENV", sys.prefix)
    sys.exit(main())
