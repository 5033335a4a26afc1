"""What a route costs more when an experiment divides it: CPU time a request, as a ratio to the plain route.

    python3 tests/peers/experiment_cost.py [--seconds S] [--duet PATH]

One host, the two routes by turns, the same handler behind both (so that nothing but the experiment
differs), once keyed by a cookie and once at random. Needs two processor cores.
"""

import pathlib
import sys
import tempfile

import cost_ratio
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
COOKIES = "".join('{"headers": {"Cookie": "visitor=%d"}}\n' % n for n in range(5000))


def ratios(options, language, key):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        name, text = HANDLERS[language]
        (folder / name).write_text(text)
        (folder / "cookies").write_text(COOKIES)
        cookies = ["--requests", folder / "cookies"] if key.startswith("cookie") else []
        server = cost_ratio.serve(options, folder, CONFIG.format(source=name, key=key),
                                  ["/plain", "/divided"], lambda body: body == b"Hello, World!")
        try:
            urls = {name: f"{server.url}/{name}" for name in ("plain", "divided")}
            result = cost_ratio.bench(options, urls, "--closed", *cookies)
        finally:
            server.stop()
        return cost_ratio.ratios(result, "cpu")


def main():
    options = cost_ratio.options(__doc__.splitlines()[0], seconds=20)
    for language in HANDLERS:
        for key in ("random", "cookie:visitor"):
            divided, again = ratios(options, language, key)
            cost_ratio.say(f"{language:10}  {key:14}  divided / plain", divided, LIMIT)
            cost_ratio.say(f"{'':10}  {'A/A':14}  plain / plain  ", again)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"experiment_cost: {error}")
