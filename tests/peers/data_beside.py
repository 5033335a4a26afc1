"""What JavaScript's requests suffer from models beside them: its p99 with and without, by turns.

    python3 tests/peers/data_beside.py [--rounds N] [--seconds S] [--rate R] [--clients C]
                                       [--models FILE,...] [--duet PATH]

The host of examples/data answers GET / (JavaScript, on the loop) at a steady rate, in short blocks: alone,
and while clients keep the routes of numpy, scipy, pandas and scikit-learn busy, as blocking handlers in
threads; or, instead, those FILEs of examples/data, like digits_torch.py. A latency is what the host says
(Server-Timing: from the kernel's arrival of the request), so that the client's own waiting for a
processor is not in it. Needs the packages in the active Python.
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
from random import Random

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from duet_process import DEADLINE, Duet  # noqa: E402

DATA = ROOT / "examples/data"
LIMIT = 1.20  # of issue "Run what people already have"
DRAWS = 1000
BUSY = ["/digits?sample=7", "/iris?by=species", "/tones?hertz=440,880"]


def latencies(port, target, rate, seconds):
    """Milliseconds of each request, at fixed intervals on one connection."""
    request, took = f"GET {target} HTTP/1.1\r\nHost: a\r\nDuet-Timing: 1\r\n\r\n".encode(), []
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            connection.sendall(request)
            answer = connection.recv(65536)
            took.append(float(re.search(rb"total;dur=([\d.]+)", answer)[1]))
    return took


class Models:
    """`with Models(duet, targets, clients):` keeps each of the targets busy inside."""

    def __init__(self, duet, targets, clients):
        self.duet, self.over, self.answered = duet, threading.Event(), 0
        self.threads = [threading.Thread(target=self.keep_busy, args=(targets[n % len(targets)],))
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


def served(models):
    """What `duet serve` is to serve, the target of JavaScript's page, and those of the models."""
    if not models:
        return [str(DATA / "duet.toml")], "/", BUSY
    return [str(DATA / file) for file in ("page.mjs", *models)], "/page.mjs", \
        [f"/{file}?sample=7" for file in models]


def p99(blocks):
    return statistics.quantiles([one for block in blocks for one in block], n=100)[98]


def interval(alone, beside):
    """Of the ratio of the p99s, 95%: by drawing rounds again, since what disturbs one lasts longer
    than a request."""
    random = Random(0)
    drawn = []
    for _ in range(DRAWS):
        rounds = random.choices(range(len(alone)), k=len(alone))
        drawn.append(p99([beside[n] for n in rounds]) / p99([alone[n] for n in rounds]))
    drawn.sort()
    return drawn[round(DRAWS * 0.025)], drawn[round(DRAWS * 0.975) - 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--models", type=lambda text: text.split(","), default=[])
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    alone, beside, models = [], [], 0
    sources, page, busy_targets = served(options.models)
    with Duet(options.duet, sources, patience=300) as duet:
        for target in busy_targets:
            duet.get(target)
        latencies(duet.port, page, options.rate, 1)
        for number in range(options.rounds):
            for busy in (False, True) if number % 2 else (True, False):
                if busy:
                    with Models(duet, busy_targets, options.clients) as running:
                        beside.append(latencies(duet.port, page, options.rate, options.seconds))
                    models += running.answered
                else:
                    alone.append(latencies(duet.port, page, options.rate, options.seconds))
    for name, blocks in (("alone", alone), ("beside", beside)):
        middle = statistics.median(one for block in blocks for one in block)
        print(f"{name}: p50 {middle:.2f} ms, p99 {p99(blocks):.2f} ms")
    ratio = p99(beside) / p99(alone)
    low, high = interval(alone, beside)
    print(f"{models} answers of models; p99 beside / alone {ratio:.2f} (95%: {low:.2f}-{high:.2f}; "
          f"at most {LIMIT}) {'pass' if ratio <= LIMIT else 'MISS'}")
    return ratio > LIMIT


if __name__ == "__main__":
    os.environ.setdefault("VIRTUAL_ENV", sys.prefix)
    sys.exit(main())
