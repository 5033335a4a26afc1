#!/usr/bin/env python3
"""Compares duet with Node, Bun, Deno, workerd, uvicorn, Granian, gunicorn and frameworks: the CPU time of the
server for one request, and p99.

    python3 tests/peers/run.py --setup      obtains the peers into build/peers, then ends
    python3 tests/peers/run.py              measures everything and prints the tables
    python3 tests/peers/run.py --write      and puts them into tests/peers/README.md
    python3 tests/peers/run.py --quick      a look, in a quarter of the time

Each workload is a run of `duet bench --closed --pin`, or several where it has many servers: those of a run take
turns, in short blocks of random order. A ratio misses its bar when it lies above it; it is not told apart from it when its 95% interval
does not end below. Exit code 1 when one misses.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import report
from contestants import (PEERS, RATIOS, ROOT, SERVERS, START_PATH, START_RATIOS, contestants, heats, set_up,
                         starts)
from process import PeerError, Server
from workload import HERE, WORKLOADS

CONNECTIONS = 64
ROUNDS, WARM_ROUNDS = 16, 4  # a block of each server in each; twenty, so that a warm-up can be seen
GAP = 10  # milliseconds between blocks, of the bench's


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", action="store_true", help="obtain the peers, then end")
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"), metavar="FILE",
                        help="the executable (default: build/release/bin/duet)")
    parser.add_argument("--seconds", type=float, metavar="NUMBER",
                        help="load on each server, after a quarter as much to warm up (default: 8; less of it "
                             "for workloads of many answers)")
    parser.add_argument("--starts", type=int, metavar="NUMBER", help="starts timed (default: 15)")
    parser.add_argument("--quick", action="store_true", help="--seconds 2 --starts 6")
    parser.add_argument("--only", default="", metavar="KEYS",
                        help="comma-separated servers: cpp, js, py, py_async, asgi, deno, bun, node, uvicorn, "
                             "granian, python_node, workerd, duet_http, node24, fastapi, fastapi_uvicorn, flask, "
                             "flask_gunicorn, echo_js, echo_py, echo_bun, echo_ws, duet_js, duet_both")
    parser.add_argument("--workloads", default="", metavar="NAMES",
                        help="comma-separated: hello, order, pipeline, express, fastify, fastapi, flask, "
                             "websocket, start (default: all)")
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    options = parser.parse_args()
    if options.write and (options.quick or options.only or options.workloads):
        parser.error("--write replaces all tables: leave --quick, --only and --workloads out")
    options.seconds = options.seconds or (2 if options.quick else 8)
    if not 0 < options.seconds <= ROUNDS:  # a block of `duet bench` is a second at most
        parser.error(f"--seconds is at most {ROUNDS}")
    options.starts = options.starts or (6 if options.quick else 15)
    return options


def chosen_of(text, known, what):
    """What a comma-separated list names, in the order of `known`; all of it for an empty list."""
    wanted = [name for name in text.split(",") if name]
    if unknown := set(wanted) - set(known):
        raise PeerError(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def server_environment():
    """One Python environment for everybody: what others have installed into it costs start time."""
    return dict(os.environ, VIRTUAL_ENV=str(PEERS / "venv"))


def check(entry, workload, asks, folder):
    """Starts a server once: a server that answers something else is not worth a measurement."""
    server = Server(["sh", "-c", entry.shell(workload)], SERVERS, folder / f"{entry.key}.log",
                    server_environment())
    try:
        server.first_answer(asks, workload.matches)
    except PeerError as error:
        raise PeerError(f"{entry.title}: {error}") from None
    finally:
        server.stop()


def bench(options, entries, workload, ratios, more):
    """The JSON of one `duet bench` of these servers. What it says meanwhile goes to the terminal."""
    command = [options.duet, "bench", "--pin", "--json", *workload.options(), *more]
    for entry in entries:
        command += ["--command", f"{entry.key}={entry.shell(workload)}"]
    keys = {entry.key for entry in entries}
    for ours, theirs, _ in ratios:
        if {ours, theirs} <= keys:
            command += ["--ratio", f"{ours}/{theirs}"]
    done = subprocess.run(command, cwd=SERVERS, env=server_environment(), stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise PeerError(f"{workload.title}: duet bench ended with exit code {done.returncode}")
    return json.loads(done.stdout)


def measure_load(options, workload, entries, folder):
    for entry in entries:
        check(entry, workload, [workload.ask], folder)
    arms = len(entries) + (len(entries) > 1)  # the first one is measured twice
    block = round(options.seconds * workload.share * 1000 / ROUNDS)
    round_time = arms * (block + GAP)
    result = bench(options, entries, workload, [ratio[1:] for ratio in RATIOS if ratio[0] is workload],
                   ["--closed", "--connections", str(CONNECTIONS), "--block", f"{block}ms",
                    "--duration", f"{ROUNDS * round_time}ms", "--warmup", f"{WARM_ROUNDS * round_time}ms"])
    for arm in result["arms"]:
        failed = arm["bad_status"] + sum(arm["no_answer"].values())
        if failed or arm["changed"]:
            raise PeerError(f"{workload.title}, {arm['name']}: of {arm['requests']} requests {failed} failed, "
                            f"and {arm['changed']} answers differ from the first one")
    return result


def measure_starts(options, entries, folder):
    for entry in entries:
        check(entry, START_PATH, [partial(START_PATH.ask, path=path) for path in entry.paths], folder)
    return bench(options, entries, START_PATH, START_RATIOS,
                 ["--cold", "--starts", str(options.starts), "--duration", "200ms"])


def run(options):
    if options.setup:
        set_up()
        return 0
    if not Path(options.duet).exists():
        raise PeerError(f"{options.duet} does not exist: cmake --workflow --preset release, or --duet FILE")
    options.duet = str(Path(options.duet).resolve())
    everyone, starting = contestants(options.duet), starts(options.duet)
    keys = chosen_of(options.only, list(dict.fromkeys(entry.key for entry in everyone + starting)), "server")
    names = chosen_of(options.workloads, [workload.name for workload in WORKLOADS] + ["start"], "workload")
    result = report.Report()
    with tempfile.TemporaryDirectory(prefix="duet-peers-") as scratch:
        folder = Path(scratch)
        plan = [(workload, [entry for entry in everyone if entry.key in keys and workload in entry.workloads])
                for workload in WORKLOADS if workload.name in names]
        plan = [(workload, entries) for workload, entries in plan if entries]
        started = [entry for entry in starting if entry.key in keys and "start" in names]
        for entry in [entry for _, entries in plan for entry in entries] + started:
            if missing := entry.missing():
                raise PeerError(f"{missing} is missing: python3 tests/peers/run.py --setup")
        for workload, entries in plan:
            for heat in heats(workload, entries):
                result.add_load(workload, heat, measure_load(options, workload, heat, folder))
        if started:
            result.add_starts(started, measure_starts(options, started, folder))
    print(result.terminal(color=sys.stdout.isatty()))
    if options.write:
        report.write_readme(HERE / "README.md", result)
        print("written: tests/peers/README.md")
    return 0 if result.passed() else 1


def main():
    try:
        return run(arguments())
    except PeerError as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
