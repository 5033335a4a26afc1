"""Whether a live host tells a slower language from an equal one: experiments with both arms awaiting.

    python3 tests/peers/experiment_live.py [--runs N] [--requests N] [--duet PATH]

A JavaScript handler awaits 5 ms. In each of N runs it is the control of two experiments at once: against a
Python handler that takes 20% longer in all, and against a copy of itself (A/A). After the requests the host is
asked for its verdicts. The first must be called and its interval must hold the ratio that the clients
measured; of the A/A runs at most 4 of 30 may be called, by the verdict or by a guardrail.
"""

import argparse
import asyncio
import json
import pathlib
import re
import statistics
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/examples"))
from duet_process import Duet  # noqa: E402

BASE_MS = 5
SLOWER = 1.2
MOST_FALSE = 4  # of 30: 5% is compatible with up to 4 at the 1% level
CONNECTIONS = 4  # little load, so that what is measured is the wait
HANDLERS = {
    "base.mjs": f"""\
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default async () => {{ await wait({BASE_MS}); return "done"; }};
""",
    "slower.py": """\
import asyncio


async def fetch(request, env):
    await asyncio.sleep(float(request.query.get("ms") or env["WAIT_MS"]) / 1000)
    return "done"
""",
}
CONFIG = """\
[server]
store = "off"
[handlers]
base = { source = "base.mjs" }
slower = { source = "slower.py", env = { WAIT_MS = "%s" } }
[[routes]]
path = "/ab"
handler = "base"
[[routes]]
path = "/aa"
handler = "base"
[[routes]]
path = "/python"
handler = "slower"
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


async def load(port, paths, requests):
    """Seconds of each request, by path and variant; the paths take turns."""
    seconds = {}
    left = iter(range(requests * len(paths)))

    async def client():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            path = paths[number % len(paths)]
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            await reader.readexactly(length)
            took = time.perf_counter() - began
            variant = re.search(rb"Duet-Variant: (\S+)", head)
            key = (path, variant[1].decode() if variant else "")
            seconds.setdefault(key, []).append(took)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return seconds


def verdict(duet, name):
    url = f"http://127.0.0.1:{duet.admin_port}/api/experiments/{name}"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def write(folder, milliseconds):
    for name, text in HANDLERS.items():
        (folder / name).write_text(text)
    (folder / "duet.toml").write_text(CONFIG % milliseconds)
    return [str(folder / "duet.toml")]


def calibrated(options, folder):
    """The wait that makes Python about 20% slower than JavaScript, as the clients see it.

    Timers are whole milliseconds, and the two languages round theirs differently.
    """
    waits = [BASE_MS + more for more in (-1, 0, 1, 2)]
    with Duet(options.duet, write(folder, BASE_MS)) as duet:
        paths = ["/aa"] + [f"/python?ms={wait}" for wait in waits]
        seconds = asyncio.run(load(duet.port, paths, 500))
    base = statistics.median(seconds["/aa", "js"] + seconds["/aa", "copy"])
    ratios = {wait: statistics.median(seconds[f"/python?ms={wait}", ""]) / base for wait in waits}
    return min(waits, key=lambda wait: abs(ratios[wait] - SLOWER))


def run(options, arguments):
    with Duet(options.duet, arguments) as duet:
        seconds = asyncio.run(load(duet.port, ["/ab", "/aa"], options.requests))
        time.sleep(1.2)  # the evidence on quantiles is looked at once a second
        asyncio.run(load(duet.port, ["/ab", "/aa"], 2))
        time.sleep(0.3)
        ab, aa = verdict(duet, "ab"), verdict(duet, "aa")
    quantile = ab["variants"][1]["quantiles"][0]
    ratio = quantile["ratio"]
    seen = statistics.median(seconds["/ab", "py"]) / statistics.median(seconds["/ab", "js"])
    holds = (ratio["low"] or 0) <= seen <= (ratio["high"] or float("inf"))
    right = quantile["called"] and "'py' is" in ab["verdict"] and "slower than 'js'" in ab["verdict"]
    copy = aa["variants"][1]
    false = any(one["called"] for one in copy["quantiles"]) or \
        any(one["crossed"] for one in copy["guardrails"])
    print(f"  {ab['verdict']}; by the clients {100 * (seen - 1):.1f}%"
          f"{'' if holds else ', outside the interval'}; A/A {'CALLED' if false else 'clean'}",
          flush=True)
    return right, holds, false, seen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--requests", type=int, default=4000, help="of each experiment, both arms")
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        wait = calibrated(options, folder)
        print(f"Python waits {wait} ms")
        arguments = write(folder, wait)
        results = [run(options, arguments) for _ in range(options.runs)]
    right, holds, false, seen = (list(column) for column in zip(*results))
    runs = options.runs
    print(f"{sum(right)} of {runs} slower ones called, {sum(holds)} of {runs} intervals hold what the clients "
          f"saw ({100 * (statistics.median(seen) - 1):.1f}% in the median), {sum(false)} of {runs} A/A called")
    most = max(MOST_FALSE * runs // 30, 1)
    return 0 if all(right) and sum(holds) >= 0.9 * runs and sum(false) <= most else 1


if __name__ == "__main__":
    sys.exit(main())
