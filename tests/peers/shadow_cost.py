"""What shadow traffic at 100% does to the client's p99 while the host has capacity, as a ratio.

    python3 tests/peers/shadow_cost.py [--rounds N] [--seconds S] [--rate R] [--duet PATH]

One host and one open load (`duet bench`), three routes by turns in short blocks: without copies, the
same once more (A/A: how much the machine alone makes of it), and with each request copied to the
control and to the other variant. Both variants await 5 ms. Needs two processor cores.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import urllib.request

import cost_ratio
import process

LIMIT = 1.05  # of issue "A/B the language in production"
JAVASCRIPT = """\
import { setTimeout as sleep } from "node:timers/promises";
export default async () => { await sleep(5); return { price: 12, at: Date.now() }; };
"""
PYTHON = """\
import asyncio, time
async def fetch():
    await asyncio.sleep(0.005)
    return {"price": 12, "at": int(time.time() * 1000)}
"""
ROUTE = """
[[routes]]
path = "/{name}"
methods = ["GET"]
handler = "js"
[[experiment]]
name = "{name}"
route = "/{name}"
key = "random"
[[experiment.variants]]
handler = "js"
[[experiment.variants]]
handler = "py"
weight = 0
"""
ARMS = ("plain", "again", "shadowed")


def config():
    text = "[handlers]\njs = { source = \"js.mjs\" }\npy = { source = \"py.py\" }\n[server]\nstore = \"off\"\n"
    for name in ARMS:
        text += ROUTE.format(name=name)
    return text + "[experiment.shadow]\n"


def p99(arm):
    found = next(one for one in arm["latency"] if one["p"] == 0.99)
    if found["ns"] is None:
        raise process.PeerError(f"the p99 of {arm['name']} is void: {found['void']}; is the machine busy?")
    return found["ns"]


def measure(options, port):
    """p99 by arm, in nanoseconds."""
    arms = [f"{name}=http://127.0.0.1:{port}/{name}" for name in ARMS]
    done = subprocess.run(
        ["taskset", "-c", str(process.CLIENT_CORE), options.duet, "bench", *arms, "--json", "--rate",
         str(options.rate), "--duration", f"{options.seconds}s"], capture_output=True, text=True)
    if done.returncode != 0:
        raise process.PeerError(done.stderr.strip())
    return {arm["name"]: p99(arm) for arm in json.loads(done.stdout)["arms"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--duet", default=str(cost_ratio.ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    process.pick_cores()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in (("js.mjs", JAVASCRIPT), ("py.py", PYTHON), ("duet.toml", config())):
            (folder / name).write_text(text)
        admin = process.free_port()
        server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                                 "--admin", f"127.0.0.1:{admin}"], folder, folder / "log", dict(os.environ))
        try:
            server.first_answer([b"GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
                                lambda answer: b"price" in answer)
            rounds = [measure(options, server.port) for _ in range(options.rounds)]
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/api/experiments/shadowed") as answer:
                shadow = json.load(answer)["shadow"]
        finally:
            server.stop()
    plain = statistics.median(one["plain"] for one in rounds)
    print(f"p99 of the plain route: {plain / 1e6:.2f} ms at {options.rate} requests a second; copied "
          f"{shadow['sampled'] - shadow['skipped']} of {shadow['sampled']} requests, compared "
          f"{shadow['variants'][0]['compared']}")
    for name, title in (("again", "A/A: plain / plain     "), ("shadowed", "p99: shadowed / plain  ")):
        cost_ratio.say(title, sorted(one[name] / one["plain"] for one in rounds), LIMIT)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"shadow_cost: {error}")
