"""Requests are counted by the routes of an application's framework: how a framework is met, its
limits, and what happens when it is not as expected.

The packages here stand in for the frameworks by the few lines that are watched. That the real ones
are understood is shown by tests/frameworks.
"""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import Folder  # noqa: E402
from duet_process import counted_routes  # noqa: E402

# What Fastify uses of find-my-way.
FIND_MY_WAY = """
module.exports = function Router() {};
module.exports.prototype.on = function (method, path, options, handler, store) {
  if (typeof options === "function") return this.on(method, path, {}, options, handler);
  (this.routes ??= new Map()).set(path, { handler, store });
};
module.exports.prototype.lookup = function (req, res) {
  const found = this.routes?.get(req.url);
  if (found === undefined) return res.writeHead(404).end("none");
  found.handler.call(this, req, res, {}, found.store, {});
};
"""
APP = """
import Router from "find-my-way";
import http from "node:http";
const router = new Router();
for (let i = 0; i < ROUTES; i++) {
  router.on("GET", `/NAME/${i}`, (req, res) => res.end("found"),
            { config: { url: `/NAME/:number${i}` } });
}
http.createServer((req, res) => router.lookup(req, res)).listen(1);
"""
MOST = 256  # routes of an application: host/measure/metrics.h


class Packages(Folder):
    def package(self, name, files, folder=None, version="1.2.3"):
        folder = folder or f"node_modules/{name}"
        self.write(f"{folder}/package.json", json.dumps({"name": name, "version": version}))
        for file, text in files.items():
            self.write(f"{folder}/{file}", text)

    def application(self, name, routes):
        return self.write(f"{name}.mjs", APP.replace("ROUTES", str(routes)).replace("NAME", name))


class CountedTest(Packages):
    def test_two_applications_are_counted_apart(self):
        self.package("find-my-way", {"index.js": FIND_MY_WAY})
        self.application("a", 2)
        self.application("b", 1)
        config = self.write("duet.toml", "".join(
            f'[handlers.{name}]\nsource = "{name}.mjs"\n[[routes]]\n'
            f'path = "/{name}/{{rest...}}"\nhandler = "{name}"\n' for name in "ab"))
        with self.serve(config) as duet:
            for target in ("/a/0", "/a/1", "/a/1", "/b/0", "/a/none"):
                duet.get(target)
            self.assertEqual({("GET", "/a/:number0"): 1, ("GET", "/a/:number1"): 2,
                              ("", "(no route)"): 1}, counted_routes(duet, "a"))
            self.assertEqual({("GET", "/b/:number0"): 1}, counted_routes(duet, "b"))

    def test_an_experiment_divides_a_route_of_an_application(self):
        self.package("find-my-way", {"index.js": FIND_MY_WAY})
        self.application("a", 2)
        self.write("b.mjs", "export default () => 'from b';\n")
        config = self.write("duet.toml", '''
            [handlers.a]
            source = "a.mjs"
            [handlers.b]
            source = "b.mjs"
            [[routes]]
            path = "/{rest...}"
            handler = "a"
            [[experiment]]
            name = "number"
            application = "a"
            route = "/a/:number"
            key = "header:X-Key"
            variants = [{ handler = "a" }, { handler = "b" }]
            ''')
        answers = {"a": b"found", "b": b"from b"}
        seen = {"a": 0, "b": 0}
        with self.serve(config) as duet:
            for key in range(20):
                answer = duet.ask("GET", "/a/1", headers={"X-Key": str(key)})
                variant = answer.headers["Duet-Variant"]
                self.assertEqual(answers[variant], answer.body)
                seen[variant] += 1
            self.assertIsNone(duet.get("/none").headers["Duet-Variant"])
            self.assertEqual({("GET", "/a/:number1"): seen["a"], ("", "(no route)"): 1},
                             counted_routes(duet, "a"))
        self.assertGreater(seen["b"], 0)

    def test_routes_beyond_the_limit_share_one(self):
        self.package("find-my-way", {"index.js": FIND_MY_WAY})
        with self.serve(self.application("a", 2 * MOST)) as duet:
            connection = duet.connect()
            for i in range(2 * MOST):
                connection.request("GET", f"/a/{i}")
                self.assertEqual(b"found", connection.getresponse().read())
            connection.close()
            counted = counted_routes(duet)
        self.assertEqual(MOST - 1, len(counted))  # "(no route)" has one, and had no request
        self.assertEqual(2 * MOST, sum(counted.values()))
        self.assertEqual(MOST + 2, counted["", "(other routes)"])

    def test_a_linked_package_is_known_by_its_name(self):
        self.package("find-my-way", {"index.js": FIND_MY_WAY}, folder="sources/router_of_ours")
        (self.folder / "node_modules").mkdir()
        (self.folder / "node_modules" / "find-my-way").symlink_to("../sources/router_of_ours")
        with self.serve(self.application("a", 1)) as duet:
            duet.get("/a/0")
            self.assertEqual({("GET", "/a/:number0"): 1}, counted_routes(duet))


class NotAsExpectedTest(Packages):
    def warnings(self, duet):
        return [line for line in duet.output if "are not counted" in line]

    def test_a_router_of_another_shape_is_left_alone(self):
        self.package("router", {
            "index.js": "const Route = require('./lib/route.js');\n"
                        "module.exports = () => (req, res) => res.end(new Route().answer());\n",
            "lib/route.js": "module.exports = class Route { answer() { return 'its own'; } };\n"})
        file = self.write("app.cjs", "const router = require('router')();\n"
                          "require('http').createServer(router).listen(1);\n")
        with self.serve(file) as duet:
            self.assertEqual(b"its own", duet.get("/").body)
            self.assertEqual({}, counted_routes(duet))
        said = self.warnings(duet)
        self.assertEqual(1, len(said), duet.output)  # both of its files, but once
        self.assertIn("router 1.2.3", said[0])
        self.assertIn("is no function", said[0])

    def test_an_es_module_of_that_name_is_left_alone(self):
        self.package("router", {
            "package.json": json.dumps({"name": "router", "version": "1.2.3", "type": "module",
                                        "exports": "./index.js"}),
            "index.js": "export default { fetch: () => new Response('its own') };\n"})
        with self.serve(self.write("app.mjs", "export { default } from 'router';\n")) as duet:
            self.assertEqual(b"its own", duet.get("/").body)
        self.assertEqual(1, len(self.warnings(duet)), duet.output)

    def test_what_fails_later_is_said_once_and_not_the_applications_fault(self):
        # A context without what koa-mount needs.
        self.package("koa", {"lib/context.js": "module.exports = {};\n",
                             "index.js": "module.exports = require('./lib/context.js');\n"})
        file = self.write("app.cjs", """
            const context = require("koa");
            require("http").createServer((req, res) => {
              const mine = Object.assign(Object.create(context), { req, mountPath: "/a" });
              mine._matchedRoute = "/b";
              res.end(mine._matchedRoute);
            }).listen(1);
            """)
        with self.serve(file) as duet:
            for _ in range(3):
                self.assertEqual((200, b"/b"), (duet.get("/").status, duet.get("/").body))
        self.assertEqual(1, len(self.warnings(duet)), duet.output)

    def test_a_hono_of_another_shape_is_left_alone(self):
        self.package("hono", {
            "package.json": json.dumps({"name": "hono", "version": "9.0.0", "type": "module",
                                        "exports": "./dist/hono-base.js"}),
            "dist/hono-base.js": "export default { fetch: () => new Response('its own') };\n"})
        with self.serve(self.write("app.mjs", "export { default } from 'hono';\n")) as duet:
            self.assertEqual(b"its own", duet.get("/").body)
        self.assertEqual(1, len(self.warnings(duet)), duet.output)
        self.assertIn("hono 9.0.0", self.warnings(duet)[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
