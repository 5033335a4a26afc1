"""What it costs that requests are counted by the routes of their application's framework.

    python3 tests/peers/routes_cost.py [--hosts N] [--seconds S] [--only NAME] [--duet PATH]

CPU time a request: a host serves the same application three times, twice of them from copies of its
packages whose framework has another name, so that it is not recognised. What is counted is held against
the geometric mean of those two; and they, which are equal, say what such a figure is worth. The three
take turns every tenth of a second, so that what the machine does besides hits all of them. What V8
compiles how is settled early in a process and then stays, so several hosts are started, and the figures
are the medians of theirs. The packages are those of the tests: ctest --preset release -R
frameworks.install. Needs two processor cores.
"""

import json
import math
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

import cost_ratio
import process

LIMIT = 1.02
ARMS = ("off", "on", "control")
BODY = b'{"id":"7"}'
WATCHED = ["router", "koa", "find-my-way", "hono"]  # bindings/js/framework_routes.js
APPLICATIONS = {
    "Express": """import express from "express";
const items = express.Router();
items.get("/:id", (req, res) => { res.json({ id: req.params.id }); });
export default express().use("/:at/items", items);
""",
    "Koa": """import Router from "@koa/router";
import Koa from "koa";
const items = new Router().get("/:at/items/:id", (ctx) => { ctx.body = { id: ctx.params.id }; });
export default new Koa().use(items.routes());
""",
    "Fastify": """import Fastify from "fastify";
const app = Fastify();
app.get("/:at/items/:id", async (request) => ({ id: request.params.id }));
export default app;
""",
    "Hono": """import { Hono } from "hono";
export default new Hono().get("/:at/items/:id", (c) => c.json({ id: c.req.param("id") }));
""",
}


def set_up(folder, packages, text):
    for name in ARMS:
        (folder / name).mkdir()
        (folder / name / "app.mjs").write_text(text)
        shutil.copytree(packages, folder / name / "node_modules", symlinks=True,
                        copy_function=os.link)
    for arm, name in ((arm, name) for arm in ("off", "control") for name in WATCHED):
        file = folder / arm / "node_modules" / name / "package.json"
        changed = json.dumps(json.loads(file.read_text()) | {"name": "not-" + name})
        file.unlink()  # the other copy has the same file
        file.write_text(changed)
    (folder / "duet.toml").write_text("".join(
        f'[handlers.{name}]\nsource = "{name}/app.mjs"\n'
        f'[[routes]]\npath = "/{name}/{{rest...}}"\nhandler = "{name}"\n' for name in ARMS))


def host(options, folder):
    """What one host says: the JSON of `duet bench`."""
    server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                             "--admin", "off"], folder, folder / "log")
    try:
        server.first_answer([process.get(f"/{arm}/items/7") for arm in ARMS], lambda answer: answer == BODY)
        urls = {arm: f"{server.url}/{arm}/items/7" for arm in ARMS}
        return cost_ratio.bench(options, urls, "--closed", "--no-aa", "--warmup", "3s", "--block", "100ms")
    finally:
        server.stop()


def found(one):
    """Of one host: counted / not counted, and the two that are not counted, of each other."""
    counted, again = (ratio["value"] for ratio in cost_ratio.ratios(one, "cpu"))
    return counted / math.sqrt(again), again


def text(ratios):
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f}"


def main():
    options = cost_ratio.options(__doc__.splitlines()[0], seconds=12, hosts=7, only=APPLICATIONS)
    tested = cost_ratio.ROOT / "build/release/tests/frameworks"
    if not (tested / "installed").exists():
        raise process.PeerError("packages are missing: ctest --preset release -R frameworks.install")
    for name in [options.only] if options.only else APPLICATIONS:
        with tempfile.TemporaryDirectory(dir=tested) as folder:
            folder = pathlib.Path(folder)
            set_up(folder, tested / "node_modules", APPLICATIONS[name])
            hosts = [host(options, folder) for _ in range(options.hosts)]
        plain = statistics.median(one["comparison"]["arms"][0]["intervals"]["cpu"]["value"] for one in hosts)
        counted, again = zip(*map(found, hosts))
        verdict = "pass" if statistics.median(counted) <= LIMIT else "MISS"
        print(f"{name:8} {plain / 1e3:5.1f} µs; counted / not counted {text(counted)}; at most {LIMIT}) {verdict}; "
              f"the same twice {text(again)})", flush=True)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"routes_cost: {error}")
