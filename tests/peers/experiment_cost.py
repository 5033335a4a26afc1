"""What a route costs more when an experiment divides it: CPU time a request, as a ratio to the plain route.

    python3 tests/peers/experiment_cost.py [--rounds N] [--seconds S] [--duet PATH]

One host, the two routes by turns, the same handler behind both (so that nothing but the experiment
differs), once keyed by a cookie and once at random. Needs wrk and two processor cores.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import types

import process

LIMIT = 1.03  # of issue "A/B the language in production"
HANDLERS = {
    "JavaScript": ("hello.mjs", 'export default () => "Hello, World!";\n'),
    "Python": ("hello.py", 'async def fetch():\n    return "Hello, World!"\n'),
}
CONFIG = """\
[handlers.a]
source = "{source}"
[[routes]]
path = "/plain"
handler = "a"
[[routes]]
path = "/divided"
handler = "a"
[[experiment]]
name = "cost"
route = "/divided"
key = "{key}"
[[experiment.variants]]
name = "one"
handler = "a"
[[experiment.variants]]
name = "two"
handler = "a"
[[experiment.guardrails]]
errors = true
[[experiment.guardrails]]
slower_than = "250ms"
"""
# A cookie that changes with each request, as those of many visitors do; on the plain route as well.
COOKIES = """\
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", nil, {Cookie = "visitor=" .. n % 5000})
end
"""


def ratios(duet, language, key, rounds, seconds, wrk):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        name, text = HANDLERS[language]
        (folder / name).write_text(text)
        (folder / "duet.toml").write_text(CONFIG.format(source=name, key=key))
        (folder / "cookies.lua").write_text(COOKIES)
        server = process.Server([duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                                 "--admin", "off"], folder, folder / "log", dict(os.environ))
        try:
            asks = [f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
                    for path in ("/plain", "/divided")]
            server.first_answer(asks, lambda body: body == b"Hello, World!")
            script = "cookies.lua" if key.startswith("cookie") else None

            def cost(path):
                work = types.SimpleNamespace(path=path, script=script)
                return process.load(server, work, seconds, 64, wrk, folder,
                                    dict(os.environ)).cpu_per_request

            cost("/plain"), cost("/divided")  # warm
            found = []
            for number in range(rounds):
                order = ("/plain", "/divided") if number % 2 else ("/divided", "/plain")
                taken = {path: cost(path) for path in order}
                found.append(taken["/divided"] / taken["/plain"])
            return found
        finally:
            server.stop()


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--duet", default=str(root / "build/release/bin/duet"))
    options = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        raise process.PeerError("wrk is needed: apt-get install wrk")
    process.pick_cores()
    for language in HANDLERS:
        for key in ("random", "cookie:visitor"):
            found = sorted(ratios(options.duet, language, key, options.rounds, options.seconds, wrk))
            middle = statistics.median(found)
            quarter = len(found) // 4
            print(f"{language:10}  {key:14}  divided / plain {middle:.3f}  "
                  f"(middle half {found[quarter]:.3f}-{found[-1 - quarter]:.3f}; at most {LIMIT}) "
                  f"{'pass' if middle <= LIMIT else 'MISS'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"experiment_cost: {error}")
