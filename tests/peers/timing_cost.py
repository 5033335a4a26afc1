"""What timing costs a hello-world request of the C++ plug-in: a share of its CPU time.

    python3 tests/peers/timing_cost.py [--rounds N] [--seconds S] [--duet PATH]

Two shares. Kernel timestamps: two hosts by turns, one with `kernel_timestamps = false`. All the rest
(clock readings, phases, histograms, the ledger): what measure_bench says that it takes a request, and
its part of an iteration of the loop, of the CPU time of a request without kernel timestamps. Needs
wrk, two processor cores, and measure_bench beside the host's build.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import types
import urllib.request

import cost_ratio
import process

IN_ALL, WITHOUT_KERNEL = 0.05, 0.02  # of issue "Two languages, one loop"
CONFIG = """\
[server]
kernel_timestamps = {kernel}
[handlers.hello]
source = "hello.so"
[[routes]]
path = "/"
handler = "hello"
"""
WORK = types.SimpleNamespace(path="/", script=None)


def host(options, folder, kernel):
    folder = folder / kernel
    folder.mkdir()
    (folder / "duet.toml").write_text(CONFIG.format(kernel=kernel))
    admin = process.free_port()
    server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                             "--admin", f"127.0.0.1:{admin}"], folder, folder / "log",
                            dict(os.environ))
    return server, folder, admin


def cost(options, server, folder, _admin):
    return process.load(server, WORK, options.seconds, 64, options.wrk, folder,
                        dict(os.environ)).cpu_per_request


def iterations(admin):
    """Iterations of the loop a request, over the life of a host."""
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/api/handlers") as answer:
        said = json.load(answer)
    return said["loop"]["iterations"] / sum(handler["requests"] for handler in said["handlers"])


def bench(options):
    """Microseconds that measure_bench says the timing of a request and of an iteration of the loop
    takes, kernel timestamps excepted."""
    program = pathlib.Path(options.duet).parents[1] / "tests/measure_bench"
    if not program.exists():
        raise process.PeerError(f"{program} is missing: cmake --build --preset release")
    said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    lines = [re.search(rf"^{what}.*?([\d.]+) ns", said, re.M)
             for what in ("in all, with the", "an iteration of the loop")]
    if None in lines:
        raise process.PeerError(f"measure_bench does not say what a request takes:\n{said}")
    return [float(line[1]) / 1e3 for line in lines]


def say(what, share, limit, note=""):
    print(f"{what:40} {share:6.2%}{note}  (at most {limit:.0%}) {'pass' if share <= limit else 'MISS'}",
          flush=True)


def main():
    options = cost_ratio.options(__doc__.splitlines()[0], rounds=15)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        servers = []
        try:
            for kernel in ("true", "false"):
                servers.append(host(options, folder, kernel))
                servers[-1][0].first_answer([b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
                                            lambda answer: answer == b"Hello, World!")
            plain_costs = []

            def plain():
                plain_costs.append(cost(options, *servers[1]))
                return plain_costs[-1]

            found = cost_ratio.by_turns(options.rounds, lambda: cost(options, *servers[0]), plain)
            polls = iterations(servers[1][2])
        finally:
            for server, *_ in servers:
                server.stop()
    request = statistics.median(plain_costs)
    of_request, of_iteration = bench(options)
    own = (of_request + of_iteration * polls) / request
    kernel = statistics.median(found) - 1
    quarter = len(found) // 4
    print(f"a request without kernel timestamps: {request:.2f} us of CPU, {polls:.2f} iterations")
    say("timing without kernel timestamps", own, WITHOUT_KERNEL)
    say("kernel timestamps and timing in all", kernel + own, IN_ALL,
        f" (kernel {kernel:.2%}, middle half {found[quarter] - 1:.2%} to {found[-1 - quarter] - 1:.2%})")


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"timing_cost: {error}")
