"""What timing costs a hello-world request of the C++ plug-in: a share of its CPU time.

    python3 tests/peers/timing_cost.py [--seconds S] [--duet PATH]

Two shares. Kernel timestamps: two hosts by turns, one with `kernel_timestamps = false`. All the rest
(clock readings, phases, histograms, the ledger): what measure_bench says that it takes a request, and
its part of an iteration of the loop, of the CPU time of a request without kernel timestamps. Needs
two processor cores, and measure_bench beside the host's build.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
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


def host(options, folder, kernel, admin="off"):
    folder = folder / kernel
    folder.mkdir()
    return cost_ratio.serve(options, folder, CONFIG.format(kernel=kernel), ["/"],
                            lambda answer: answer == b"Hello, World!", admin)


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
    options = cost_ratio.options(__doc__.splitlines()[0], seconds=20)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        folder, admin = pathlib.Path(folder), process.free_port()
        with_kernel = host(options, folder, "true")
        running.callback(with_kernel.stop)
        plain = host(options, folder, "false", f"127.0.0.1:{admin}")
        running.callback(plain.stop)
        result = cost_ratio.bench(options, {"plain": plain.url, "kernel": with_kernel.url}, "--closed")
        polls = iterations(admin)
    found, again = cost_ratio.ratios(result, "cpu")
    request = result["comparison"]["arms"][0]["intervals"]["cpu"]["value"] / 1e3
    of_request, of_iteration = bench(options)
    own = (of_request + of_iteration * polls) / request
    kernel = found["value"] - 1
    print(f"a request without kernel timestamps: {request:.2f} us of CPU, {polls:.2f} iterations; the same "
          f"host once more {again['low']:.3f}-{again['high']:.3f} times as much")
    say("timing without kernel timestamps", own, WITHOUT_KERNEL)
    say("kernel timestamps and timing in all", kernel + own, IN_ALL,
        f" (kernel {kernel:.2%}, 95% {found['low'] - 1:.2%} to {found['high'] - 1:.2%})")


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"timing_cost: {error}")
