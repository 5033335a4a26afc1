"""What shadow traffic at 100% does to the client's p99 while the host has capacity, as a ratio.

    python3 tests/peers/shadow_cost.py [--seconds S] [--duet PATH]

One host and one open load (`duet bench`), two routes by turns in short blocks: one without copies, which
runs once more (A/A: how much the machine alone makes of it), and one with each request copied to the
control and to the other variant. Both variants await 5 ms. Needs two processor cores.
"""

import json
import pathlib
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
ARMS = ("plain", "shadowed")


def config():
    text = "[handlers]\njs = { source = \"js.mjs\" }\npy = { source = \"py.py\" }\n[server]\nstore = \"off\"\n"
    for name in ARMS:
        text += ROUTE.format(name=name)
    return text + "[experiment.shadow]\n"


def main():
    options = cost_ratio.options(__doc__.splitlines()[0], seconds=105)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in (("js.mjs", JAVASCRIPT), ("py.py", PYTHON)):
            (folder / name).write_text(text)
        admin = process.free_port()
        server = cost_ratio.serve(options, folder, config(), ["/plain"], lambda answer: b"price" in answer,
                                  f"127.0.0.1:{admin}")
        try:
            urls = {name: f"{server.url}/{name}" for name in ARMS}
            result = cost_ratio.bench(options, urls, "--rate", "200")
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/api/experiments/shadowed") as answer:
                shadow = json.load(answer)["shadow"]
        finally:
            server.stop()
    plain = result["comparison"]["arms"][0]["intervals"]["p99"]["value"]
    shadowed, again = cost_ratio.ratios(result, "p99")
    print(f"p99 of the plain route: {plain / 1e6:.2f} ms at 200 requests a second; copied "
          f"{shadow['sampled'] - sum(shadow['lost'].values())} of {shadow['sampled']} requests, compared "
          f"{shadow['variants'][0]['compared']}")
    cost_ratio.say("A/A: plain / plain     ", again)
    cost_ratio.say("p99: shadowed / plain  ", shadowed, LIMIT)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"shadow_cost: {error}")
