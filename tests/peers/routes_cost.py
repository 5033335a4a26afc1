"""What it costs that requests are counted by the routes of their application's framework.

    python3 tests/peers/routes_cost.py [--hosts N] [--rounds N] [--only NAME] [--duet PATH]

CPU time a request: a host serves the same application three times, the second and third time from
copies of its packages whose framework has another name, so that it is not recognised. The three take
turns every 3,200 requests (a tenth of a second), so that what the machine does besides hits all of
them. What V8 compiles how is settled early in a process and then stays, so several hosts are started;
the figure is the median of theirs, and second / third, which are equal, says what such a figure is
worth. The packages are those of the tests: ctest --preset release -R frameworks.install. Needs two
processor cores.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import sys
import tempfile

import cost_ratio
import process

LIMIT = 1.02
CONNECTIONS, TIMES = 64, 50  # of a turn: each connection asks so often, all at once
WARM = 20  # turns: V8 compiles and compiles again
ARMS = ("on", "off", "control")
BODY = b'{"id":"7"}'
WATCHED = ["router", "koa", "find-my-way", "hono"]  # bindings/js/framework_routes.js
APPLICATIONS = {
    "Express": """import express from "express";
const items = express.Router();
items.get("/:id", (req, res) => { res.json({ id: req.params.id }); });
export default express().use(["/on/items", "/off/items", "/control/items"], items);
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
    for arm, name in ((arm, name) for arm in ARMS[1:] for name in WATCHED):
        file = folder / arm / "node_modules" / name / "package.json"
        changed = json.dumps(json.loads(file.read_text()) | {"name": "not-" + name})
        file.unlink()  # the other copy has the same file
        file.write_text(changed)
    (folder / "duet.toml").write_text("".join(
        f'[handlers.{name}]\nsource = "{name}/app.mjs"\n'
        f'[[routes]]\npath = "/{name}/{{rest...}}"\nhandler = "{name}"\n' for name in ARMS))


class Load:
    """64 connections to a host, which has one core and its client another."""

    def __init__(self, server):
        self.server = server
        self.connections = [socket.create_connection(("127.0.0.1", server.port), 10)
                            for _ in range(CONNECTIONS)]

    def cost(self, arm):
        """Nanoseconds of the host's CPU a request, over one turn."""
        request = f"GET /{arm}/items/7 HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        before = self.server.cpu()
        for _ in range(TIMES):
            for connection in self.connections:
                connection.send(request)
            for connection in self.connections:
                answer = connection.recv(4096)
                if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(BODY)):
                    raise process.PeerError(f"not the answer: {answer!r}")
        return (self.server.cpu() - before) / (TIMES * CONNECTIONS)

    def close(self):
        for connection in self.connections:
            connection.close()


def turns(options, folder):
    """One host: for each turn {arm: cost}."""
    server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                             "--admin", "off"], folder, folder / "log", dict(os.environ))
    try:
        server.first_answer([f"GET /{arm}/items/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                             .encode() for arm in ARMS], lambda answer: answer == BODY)
        load, found = Load(server), []
        order = list(ARMS)
        for number in range(-WARM, options.rounds):
            random.shuffle(order)
            taken = {arm: load.cost(arm) for arm in order}
            if number >= 0:
                found.append(taken)
        load.close()
        return found
    finally:
        server.stop()


def ratio(found, dearer, plain):
    return statistics.median(one[dearer] / one[plain] for one in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", choices=APPLICATIONS)
    parser.add_argument("--duet", default=str(cost_ratio.ROOT / "build/release/bin/duet"))
    options = parser.parse_args()
    process.pick_cores()
    tested = cost_ratio.ROOT / "build/release/tests/frameworks"
    if not (tested / "installed").exists():
        raise process.PeerError("packages are missing: ctest --preset release -R frameworks.install")
    for name in [options.only] if options.only else APPLICATIONS:
        with tempfile.TemporaryDirectory(dir=tested) as folder:
            folder = pathlib.Path(folder)
            set_up(folder, tested / "node_modules", APPLICATIONS[name])
            hosts = [turns(options, folder) for _ in range(options.hosts)]
        counted = sorted(ratio(host, "on", "off") for host in hosts)
        control = sorted(ratio(host, "control", "off") for host in hosts)
        middle = statistics.median(counted)
        plain = statistics.median(one["off"] for host in hosts for one in host) / 1e3
        print(f"{name:8} {plain:5.1f} µs; counted / not counted {middle:.3f} "
              f"({counted[0]:.3f}-{counted[-1]:.3f}; at most {LIMIT}) "
              f"{'pass' if middle <= LIMIT else 'MISS'}; the same twice "
              f"{statistics.median(control):.3f} ({control[0]:.3f}-{control[-1]:.3f})", flush=True)


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"routes_cost: {error}")
