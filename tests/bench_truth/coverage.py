"""How often `duet bench` is right: many runs of it against servers whose medians are known.

    coverage.py [--runs N] [--seconds S] [--rate R] [--duet PATH]

The native plug-in `scripted` answers after a time from a known distribution, by the clock; a second one
takes 5% longer. Of each run it is counted whether the 95% interval of the ratio of the medians holds the
truth, whether the first one is called different from itself (at p50, p90 or p99, and at p50 alone), and
whether the 5% are called. Of 200 runs at least 182 are to hold it, at most 18 to call A/A, and 160 to call
the 5%; of another number, what a calibrated method keeps to in 99 of 100 series. Exit code 1 when one is
missed.
"""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOW, HIGH, SLOWER = 3_000, 9_000, 1.05  # microseconds; how many times as long the second one takes
CONFIG = """[handlers.scripted]
source = "scripted.so"
env = {{ LOW_US = "{low:.0f}", HIGH_US = "{high:.0f}" }}
[[routes]]
path = "/"
handler = "scripted"
"""


def most_of(runs, probability):
    """How many of `runs` events of that probability are still compatible with it at the 1% level."""
    below, count = 0.0, -1
    while below < 0.99:
        count += 1
        below += math.comb(runs, count) * probability**count * (1 - probability)**(runs - count)
    return count


def write_configs(folder):
    files = []
    for name, factor in (("a", 1), ("b", SLOWER)):
        files.append(folder / f"{name}.toml")
        files[-1].write_text(CONFIG.format(low=LOW * factor, high=HIGH * factor))
    return [f"{file.stem}={file}" for file in files]


def run_once(options, targets, seed):
    done = subprocess.run(
        [options.duet, "bench", *targets, "--rate", str(options.rate), "--duration",
         f"{options.seconds}s", "--warmup", "500ms", "--seed", str(seed), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"run {seed}: duet bench ended with {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)["comparison"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    told = covered = void = different = different_median = called = 0
    with tempfile.TemporaryDirectory() as folder:
        targets = write_configs(pathlib.Path(folder))
        for number in range(options.runs):
            comparison = run_once(options, targets, number + 1)
            ratio = comparison["arms"][1]["ratios"]["p50"]
            if ratio["low"] is None:  # void, and said to be: nothing was promised
                void += 1
                continue
            told += 1
            covered += ratio["low"] <= SLOWER <= ratio["high"]
            called += comparison["verdicts"][0]["kind"] == "slower"
            different += bool(comparison["a_a"]["differs_at"])
            different_median += "p50" in comparison["a_a"]["differs_at"]
            if sys.stderr.isatty() or number % 20 == 19:
                print(f"{number + 1} runs: {covered} of {told} intervals hold {SLOWER}, "
                      f"{different_median} A/A calls at p50, {called} times called", file=sys.stderr)
    missed = told - covered
    limit = most_of(told, 0.05) if told else 0
    print(f"{told} of {options.runs} runs of {options.seconds} s at {options.rate} requests a second have an "
          f"interval ({void} void: the generator lagged)")
    print(f"intervals that hold the truth: {covered} (at least {told - limit})")
    print(f"A/A called different at p50: {different_median} (at most {limit}); at p50, p90 or p99: {different}")
    print(f"5% at p50 called: {called} (at least {math.ceil(0.8 * told)})")
    right = told > 0 and missed <= limit and different_median <= limit and called >= 0.8 * told
    return 0 if right else 1


if __name__ == "__main__":
    os.environ.pop("PORT", None)
    sys.exit(main())
