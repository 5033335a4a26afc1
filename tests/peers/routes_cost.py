"""What it costs that requests are counted by the routes of their application's framework.

    python3 tests/peers/routes_cost.py [--rounds N] [--seconds S] [--duet PATH]

CPU time a request: one host serves the same application twice, the second time from a copy of its
packages whose framework has another name, so that it is not recognised. The two take turns. The
packages are those of the tests: ctest --preset release -R frameworks.install. Needs wrk and two
processor cores.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import types

import process

LIMIT = 1.02
WATCHED = ["router", "koa", "find-my-way", "hono"]  # bindings/js/framework_routes.js
APPLICATIONS = {
    "Express": """import express from "express";
const items = express.Router();
items.get("/:id", (req, res) => { res.json({ id: req.params.id }); });
export default express().use(["/on/items", "/off/items"], items);
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
    for name in ("on", "off"):
        (folder / name).mkdir()
        (folder / name / "app.mjs").write_text(text)
        shutil.copytree(packages, folder / name / "node_modules", symlinks=True,
                        copy_function=os.link)
    for name in WATCHED:
        file = folder / "off" / "node_modules" / name / "package.json"
        changed = json.dumps(json.loads(file.read_text()) | {"name": "not-" + name})
        file.unlink()  # the other copy has the same file
        file.write_text(changed)
    (folder / "duet.toml").write_text("".join(
        f'[handlers.{name}]\nsource = "{name}/app.mjs"\n'
        f'[[routes]]\npath = "/{name}/{{rest...}}"\nhandler = "{name}"\n' for name in ("on", "off")))


def ratios(folder, options, wrk):
    environment = dict(os.environ)
    server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                             "--admin", "off"], folder, folder / "log", environment)
    try:
        server.first_answer([f"GET /{name}/items/7 HTTP/1.1\r\nHost: a\r\n"
                             "Connection: close\r\n\r\n".encode() for name in ("on", "off")],
                            lambda body: body == b'{"id":"7"}')

        def cost(name):
            work = types.SimpleNamespace(path=f"/{name}/items/7", script=None)
            return process.load(server, work, options.seconds, 64, wrk, folder,
                                environment).cpu_per_request

        cost("on"), cost("off")  # warm
        found = []
        for number in range(options.rounds):
            taken = {name: cost(name) for name in (("on", "off") if number % 2 else ("off", "on"))}
            found.append(taken["on"] / taken["off"])
        return sorted(found)
    finally:
        server.stop()


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--duet", default=str(root / "build/release/bin/duet"))
    options = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        raise process.PeerError("wrk is needed: apt-get install wrk")
    tested = root / "build/release/tests/frameworks"
    if not (tested / "installed").exists():
        raise process.PeerError("packages are missing: ctest --preset release -R frameworks.install")
    process.pick_cores()
    for name, text in APPLICATIONS.items():
        with tempfile.TemporaryDirectory(dir=tested) as folder:
            folder = pathlib.Path(folder)
            set_up(folder, tested / "node_modules", text)
            found = ratios(folder, options, wrk)
        middle = statistics.median(found)
        quarter = len(found) // 4
        print(f"{name:8}  counted / not counted {middle:.3f}  (middle half {found[quarter]:.3f}-"
              f"{found[-1 - quarter]:.3f}; at most {LIMIT}) "
              f"{'pass' if middle <= LIMIT else 'MISS'}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"routes_cost: {error}")
