"""What it costs that requests are counted by the routes of their application's framework.

    python3 tests/peers/routes_cost.py [--rounds N] [--seconds S] [--duet PATH]

CPU time a request: one host serves the same application twice, the second time from a copy of its
packages whose framework has another name, so that it is not recognised. The two take turns. The
packages are those of the tests: ctest --preset release -R frameworks.install. Needs wrk and two
processor cores.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

import cost_ratio
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


def main():
    options = cost_ratio.options(__doc__.splitlines()[0], rounds=15)
    tested = cost_ratio.ROOT / "build/release/tests/frameworks"
    if not (tested / "installed").exists():
        raise process.PeerError("packages are missing: ctest --preset release -R frameworks.install")
    for name, text in APPLICATIONS.items():
        with tempfile.TemporaryDirectory(dir=tested) as folder:
            folder = pathlib.Path(folder)
            set_up(folder, tested / "node_modules", text)
            found = cost_ratio.ratios(options, folder, "/on/items/7", "/off/items/7", b'{"id":"7"}')
        cost_ratio.say(f"{name:8}  counted / not counted", found, LIMIT)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"routes_cost: {error}")
