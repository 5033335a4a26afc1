#!/usr/bin/env python3
"""Measures duet against Node, Bun, Deno, workerd, uvicorn and more: CPU of the server for one request, and p99.

    python3 tests/peers/run.py --setup      obtains the peers into build/peers, then ends
    python3 tests/peers/run.py              measures everything and prints the tables
    python3 tests/peers/run.py --write      and puts them into tests/peers/README.md

All on one machine in one run: the server on one core, the client (wrk, 64 connections) on another,
short rounds that take turns between the servers, and medians of ratios within a round, so that a
machine that gets slower meanwhile changes no result. Exit code 1 when a ratio misses its bar.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import process
import report
from contestants import PEERS, ROOT, contestants, set_up, starts
from process import PeerError, Server
from workload import HELLO, HERE, ORDER, WORKLOADS, order_body

CONNECTIONS = 64
WARM_REQUESTS, WARM_LIMIT = 40_000, 30.0  # before a server is measured; seconds


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", action="store_true", help="obtain the peers, then end")
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"), metavar="FILE",
                        help="the executable (default: build/release/bin/duet)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of load (default: 15)")
    parser.add_argument("--seconds", type=int, default=1, help="length of one (default: 1)")
    parser.add_argument("--starts", type=int, default=15, help="starts timed (default: 15)")
    parser.add_argument("--only", default="", metavar="KEYS",
                        help="comma-separated servers: cpp,js,py,py_async,deno,bun,node,uvicorn,"
                             "duet_http,node24,asgi,granian,python_node,workerd,fastapi,fastapi_uvicorn,flask,"
                             "flask_gunicorn")
    parser.add_argument("--workloads", default="", metavar="NAMES",
                        help="comma-separated: hello,order,pipeline,express,fastify,fastapi,flask,"
                             "start (default: all)")
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    return parser.parse_args()


def say(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def server_environment(**more):
    """One Python environment for everybody: what others have installed into it costs start time."""
    return dict(os.environ, VIRTUAL_ENV=str(PEERS / "venv"), **more)


def measure_load(workload, entries, options, wrk, folder):
    """{key: [Round or None, ...]}, one for each round; servers of one workload live side by side."""
    environment = server_environment(DUET_PEERS_ORDER=str(folder / "order.json"))
    running, results = {}, {}
    try:
        for entry in entries:
            server = Server(entry.command_for(workload), entry.cwd, folder / f"{entry.key}.log",
                            dict(environment, **entry.environment))
            running[entry.key] = server
            try:
                server.first_answer([workload.request()], workload.matches)
            except PeerError as error:
                raise PeerError(f"{entry.title}: {error}") from None
        def one_round(entry, seconds, doing):
            say(f"{workload.title}: {doing}, {entry.title}")
            try:
                return process.load(running[entry.key], workload, seconds, CONNECTIONS, wrk,
                                    HERE / "load", environment)
            except PeerError as error:
                raise PeerError(f"{entry.title}: {error}") from None

        for entry in entries:  # until the compilers are through with it
            deadline = time.monotonic() + WARM_LIMIT
            warm = 0
            while warm < WARM_REQUESTS and time.monotonic() < deadline:
                warm += one_round(entry, 2, "warming up").requests
        for number in range(options.rounds):
            for entry in entries:
                results.setdefault(entry.key, []).append(
                    one_round(entry, options.seconds, f"round {number + 1} of {options.rounds}"))
    finally:
        for server in running.values():
            server.stop()
        say("")
    return results


def measure_starts(entries, options, folder):
    results = {entry.key: [] for entry in entries}
    for number in range(-1, options.starts):  # once before, so that files are in the page cache
        for entry in entries:
            say(f"starts: {max(number + 1, 0)} of {options.starts}, {entry.title}")
            requests = [f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
                        for path in entry.paths]
            server = Server(entry.command, HERE / "servers", folder / f"start-{entry.key}.log",
                            server_environment())
            try:
                took = server.first_answer(requests, HELLO.matches)
            except PeerError as error:
                raise PeerError(f"{entry.title}: {error}") from None
            finally:
                server.stop()
            if number >= 0:
                results[entry.key].append(took)
    say("")
    return results


def run(options):
    if options.setup:
        set_up()
        return 0
    wrk = shutil.which("wrk")
    if wrk is None:
        raise PeerError("'wrk' is missing: apt-get install wrk")
    if not Path(options.duet).exists():
        raise PeerError(f"{options.duet} does not exist: cmake --workflow --preset release, "
                        "or --duet FILE")
    wanted = [key for key in options.only.split(",") if key]
    everyone = contestants(str(Path(options.duet).resolve()))
    known = {entry.key for entry in everyone}
    if unknown := set(wanted) - known:
        raise PeerError(f"no such server: {', '.join(sorted(unknown))}; there are "
                        f"{', '.join(sorted(known))}")
    chosen = [entry for entry in everyone if not wanted or entry.key in wanted]
    for entry in chosen:
        if missing := entry.missing():
            raise PeerError(f"{missing} is missing: python3 tests/peers/run.py --setup")
    names = [name for name in options.workloads.split(",") if name] or \
        [workload.name for workload in WORKLOADS] + ["start"]

    process.pick_cores()
    loads, start_times = {}, {}
    with tempfile.TemporaryDirectory(prefix="duet-peers-") as scratch:
        folder = Path(scratch)
        (folder / "order.json").write_bytes(order_body())
        for workload in WORKLOADS:
            entries = [entry for entry in chosen if workload in entry.workloads]
            if workload.name in names and entries:
                loads[workload.name] = measure_load(workload, entries, options, wrk, folder)
        if "start" in names:
            entries = [entry for entry in starts(str(Path(options.duet).resolve()), everyone)
                       if not wanted or entry.key in wanted]
            start_times = measure_starts(entries, options, folder)
        result = report.Report(options, chosen, loads, start_times)
    print(result.terminal(color=sys.stdout.isatty()))
    if options.write:
        report.write_readme(HERE / "README.md", result)
        print("written: tests/peers/README.md")
    return 0 if result.passed() else 1


def main():
    try:
        return run(arguments())
    except PeerError as error:
        say("")
        print(f"peers: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
