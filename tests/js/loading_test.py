"""Loading JavaScript handlers and stopping them: packages, addons, mistakes, exit hooks."""

import json
import os
import pathlib
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import Folder, errors  # noqa: E402
from duet_process import eventually  # noqa: E402


class MistakesTest(Folder):
    def refused(self, name, text, **environment):
        error = errors(self.refusal(self.write(name, text), **environment))[0]
        if not environment:
            self.assertTrue(error["msg"].startswith(f"handler '{name}': "), error)
        return error

    def test_options_that_node_does_not_take(self):
        error = self.refused("a.mjs", "export default () => 1;\n", NODE_OPTIONS="--no-such-option")
        self.assertIn("Node cannot start: ", error["msg"])
        self.assertEqual("check NODE_OPTIONS", error["hint"])

    def test_a_syntax_error_says_where(self):
        error = self.refused("a.mjs", "const fine = 1;\n\nexport default { fetch( { } };\n")
        self.assertIn("SyntaxError", error["msg"])
        self.assertTrue(error["at"].startswith(f"{self.folder}/a.mjs:3:"), error)
        self.assertEqual(error["stack"].splitlines(), [
            "export default { fetch( { } };",
            "                            ^",
            "SyntaxError: Unexpected token '}'"])

    def test_a_module_that_exits(self):
        error = self.refused("a.mjs", "if (!process.env.NO_SUCH_KEY) process.exit(2);\n")
        self.assertIn("process.exit(2) was called while the module loads", error["msg"])
        self.assertTrue(error["at"].startswith(f"{self.folder}/a.mjs:1:"), error)

    def test_an_application_that_fails_before_it_listens(self):
        for begun, what in {
            "main();": "Error: no database",
            "main().catch((error) => { console.log(error.message); process.exit(1); });":
                "process.exit(1) was called while the module loads",
            "setTimeout(() => { throw new Error('no port'); }, 20);": "Error: no port",
        }.items():
            with self.subTest(begun):
                began = time.monotonic()
                error = self.refused("a.mjs", f"""
import http from "node:http";
async function main() {{
  await new Promise((resolve) => setTimeout(resolve, 20));
  throw new Error("no database");
}}
{begun}
""")
                self.assertIn(what, error["msg"])
                self.assertLess(time.monotonic() - began, 25)  # what is waited for a server is 30 s

    @unittest.skipUnless("DUET_FOREIGN_ADDON" in os.environ, "the addon was not built")
    def test_an_addon_for_another_node(self):
        self.write("node_modules/@some/thing/index.js", "module.exports = require('./build/Release/thing.node');")
        built = self.folder / "node_modules/@some/thing/build/Release"
        built.mkdir(parents=True)
        shutil.copy(os.environ["DUET_FOREIGN_ADDON"], built / "thing.node")
        error = self.refused("a.mjs", "import '@some/thing';\nexport default () => 1;\n")
        self.assertIn("NODE_MODULE_VERSION 108", error["msg"] + error.get("stack", ""))
        self.assertRegex(error["hint"], "the addon was built for another Node: in "
                         f"{self.folder} run: npm rebuild @some/thing --target=24\\.")

    def test_decorators_without_a_compiler(self):
        for name, text in {
            "a.ts": "function one(c: any) {}\n@one\nclass A {}\nexport default () => A;\n",
            "b.ts": "const one = (): any => 1;\nclass A {\n  m(@one() x: number) {}\n}\nexport default () => A;\n",
        }.items():
            with self.subTest(name):
                error = self.refused(name, text)
                self.assertIn("SyntaxError", error["msg"])
                self.assertIn(f"in {self.folder} run: npm install --save-dev typescript@6", error["hint"])

    def test_decorators_need_a_typescript_with_an_interface(self):
        self.write("node_modules/typescript/index.js", "exports.version = '7.0.0';")
        self.assertIn("typescript@6", self.refused("a.ts", "@one\nclass A {}\nexport default () => A;\n")["hint"])

    def test_a_typescript_error_says_where(self):
        error = self.refused("a.ts", "const fine: number = 1;\nconst a: = 3;\nexport default () => a;\n")
        self.assertTrue(error["at"].startswith(f"{self.folder}/a.ts:2:"), error)

    def test_an_exception_at_the_top_says_where(self):
        error = self.refused("a.mjs", "function f() {\n  throw new Error('at the top');\n}\nf();\n")
        self.assertIn("Error: at the top", error["msg"])
        self.assertEqual(error["at"], f"{self.folder}/a.mjs:2:9")
        self.assertIn("a.mjs:4:1", error["stack"])

    def test_an_exit_at_the_top(self):
        self.assertIn("process.exit(2)", self.refused("a.mjs", "process.exit(2);")["msg"])

    def test_what_is_no_handler(self):
        error = self.refused("a.mjs", "export const handler = () => 'x'; export const get = 1;")
        self.assertIn("a.mjs has no default export; it exports get, handler", error["msg"])
        self.assertIn("export default", error["hint"])
        self.assertIn("an object without a fetch method", self.refused("b.mjs", "export default {};")["msg"])
        self.assertIn("a class", self.refused("c.mjs", "export default class { fetch() {} }")["msg"])
        self.assertIn("a number", self.refused("d.mjs", "export default 1")["msg"])

    def test_a_missing_package_says_how_to_get_it(self):
        error = self.refused("a.mjs", "import x from '@scope/absent/deep';\nexport default () => x;")
        self.assertEqual(error["hint"], f"in {self.folder} run: npm install @scope/absent")
        error = self.refused("b.cjs", "module.exports = require('absent');")
        self.assertEqual(error["hint"], f"in {self.folder} run: npm install absent")

    def test_a_missing_file_names_who_wants_it(self):
        error = self.refused("a.mjs", "import './absent.mjs';\nexport default () => 'x';")
        self.assertIn("absent.mjs", error["msg"])
        self.assertIn("a.mjs", error["msg"])


class PackagesTest(Folder):
    def test_undici_is_loaded_when_it_is_needed(self):
        # It is half of the start: a handler that makes do with the light classes must not pay.
        self.write("lean.mjs", """
            const loaded = () => process.moduleLoadList.some((name) => name.includes('undici'));
            export default () => {
              const before = loaded();
              new Response('x', { headers: { a: 'b' } });
              const light = loaded();
              new Response(new FormData());
              return { before, light, full: loaded() };
            };
            """)
        with self.serve("lean.mjs") as duet:
            told = json.loads(duet.get("/").body)
        self.assertEqual(told, {"before": False, "light": False, "full": True})

    def test_packages_of_the_folder(self):
        self.write("node_modules/modern/package.json",
                   '{"name": "modern", "type": "module", "exports": "./main.js"}')
        self.write("node_modules/modern/main.js", "export default 'modern';")
        self.write("node_modules/classic/index.js", "exports.name = 'classic';")
        self.write("part.json", '{"json": true}')
        self.write("a.mjs", """
import modern from "modern";
import classic from "classic";
import part from "./part.json" with { type: "json" };
import { createRequire } from "node:module";
const again = createRequire(import.meta.url)("classic");
export default () => ({ modern, classic: classic.name, same: again === classic, part });
""")
        with self.serve("a.mjs") as duet:
            self.assertEqual(json.loads(duet.get("/").body), {
                "modern": "modern", "classic": "classic", "same": True, "part": {"json": True}})

    def test_forms_of_modules(self):
        for name, text in [
            ("a.js", "export default { fetch: () => 'a' }"),
            ("b.js", "module.exports = () => 'b'"),
            ("c.cjs", "exports.default = { fetch: () => 'c' }; exports.__esModule = true;"),
            ("d.mts", "export default (request: Request): string => 'd';"),
            ("e.cts", "const answer: string = 'e'; module.exports = () => answer;"),
            ("f.ts", "import path = require('node:path');\nexport = { fetch: () => 'f' };"),
            ("h.ts", "async function h(): Promise<string> {\n  const said = await 'h';\n  return said;\n}\n"
                     "module.exports = h;"),
            ("i.js", "Object.defineProperty(exports, '__esModule', { value: true });\n"
                     "require('node:http').createServer((req, res) => res.end('i')).listen(0);"),
            ("g.mjs", "export default { greeting: 'g', fetch() { return this.greeting; } }"),
        ]:
            with self.subTest(name):
                self.write(name, text)
                with self.serve(name) as duet:
                    self.assertEqual(duet.get("/").body.decode(), name[0])

    @unittest.skipUnless("DUET_TEST_ADDON" in os.environ, "the addon was not built")
    def test_a_module_may_take_longer_than_a_request(self):
        self.write("slow.mjs", """
            const end = Date.now() + 500;
            while (Date.now() < end);
            export default () => 'loaded';
        """)
        with self.serve(str(self.folder / "slow.mjs"), "--deadline", "100ms") as duet:
            self.assertEqual(duet.ask("GET", "/").body, b"loaded")
        self.assertNotIn("interrupted", "".join(duet.output))

    def test_a_native_addon(self):
        shutil.copy(os.environ["DUET_TEST_ADDON"], self.folder / "addon.node")
        self.write("a.cjs", "const { add } = require('./addon.node'); module.exports = () => ({ sum: add(2, 3) });")
        with self.serve("a.cjs") as duet:
            self.assertEqual(json.loads(duet.get("/").body), {"sum": 5})


class StoppingTest(Folder):
    def test_the_ends_of_a_process(self):
        self.write("a.mjs", """
process.on("SIGTERM", () => console.log("told to stop"));
process.on("beforeExit", () => console.log("before the exit"));
process.on("exit", (code) => process.stdout.write(`exit ${code}\\n`));
export default {
  fetch(request, env, ctx) {
    ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 300)).then(() => console.log("waited")));
    return "answered";
  },
};
""")
        duet = self.serve("a.mjs")
        with duet:
            self.assertEqual(duet.get("/").body, b"answered")
        output = "".join(duet.output)
        order = [output.index(text) for text in ["told to stop", "waited", "before the exit", "exit 0"]]
        self.assertEqual(order, sorted(order), output)

    def serve_with_grace(self, grace):
        self.write("duet.toml", f"[server]\nlisten = '127.0.0.1:0'\n[server.timeouts]\nshutdown = '{grace}'\n"
                                "[handlers.a]\nsource = 'a.mjs'\n[[routes]]\npath = '/'\nhandler = 'a'\n")
        return self.serve("duet.toml")

    def stops(self, text, *, ask=None):
        """The messages of a host that is told to stop, none of them a warning or an error."""
        self.write("a.mjs", text)
        duet = self.serve_with_grace("5s")
        with duet:
            self.assertEqual(duet.get("/").body, b"answered")
            if ask:
                ask(duet)
        logged = [json.loads(line) for line in duet.output if line.startswith("{")]
        self.assertEqual([line for line in logged if line["level"] in ("warn", "error")], [])
        host = ("stopping", "still waiting for what is in flight; a second signal ends at once")
        return [line["msg"] for line in logged if line["msg"] not in host]

    def test_what_an_application_does_when_it_is_told_to_stop_is_waited_for(self):
        said = self.stops("""
import http from "node:http";
const server = http.createServer((req, res) => res.end("answered")).listen(3000);
process.on("SIGTERM", async () => {
  await new Promise((resolve) => server.close(resolve));
  await new Promise((resolve) => setTimeout(resolve, 200));
  console.log("database closed");
  process.exit(0);
});
process.on("exit", () => console.log("exit"));
setInterval(() => {}, 1000);
""")
        self.assertEqual(said, ["database closed", "exit"])

    def test_an_application_may_end_by_leaving_nothing_to_wait_for(self):
        said = self.stops("""
process.once("SIGTERM", () => setTimeout(() => console.log("flushed"), 200));
process.on("exit", () => console.log("exit"));
export default () => "answered";
""")
        self.assertEqual(said, ["flushed", "exit"])

    def test_an_application_may_end_by_a_signal_to_itself(self):
        said = self.stops("""
import http from "node:http";
const server = http.createServer((req, res) => res.end("answered")).listen(3000);
process.once("SIGTERM", async (name) => {  // as NestJS does it
  await new Promise((resolve) => server.close(resolve));
  console.log("modules destroyed");
  process.kill(process.pid, name);
  console.log("sent");
});
setInterval(() => {}, 1000);
""")
        self.assertEqual(said, ["modules destroyed", "sent"])

    def test_an_exit_when_told_to_stop_is_no_error_to_be_caught(self):
        said = self.stops("""
import http from "node:http";
const server = http.createServer((req, res) => res.end("answered")).listen(3000);
process.on("SIGTERM", async () => {  // as NestJS does it with useProcessExit
  try {
    await new Promise((resolve) => server.close(resolve));
    console.log("modules destroyed");
    process.exit(0);
  } catch (error) {
    console.error(`Error happened during shutdown: ${error}`);
    process.exit(1);
  }
});
setInterval(() => {}, 1000);
""")
        self.assertEqual(said, ["modules destroyed"])

    def test_an_application_may_end_in_what_a_request_began(self):
        said = self.stops("""
import { AsyncLocalStorage } from "node:async_hooks";
let inRequest;
process.on("SIGTERM", () => setTimeout(() => inRequest(() => {
  console.log("the last one has left");
  process.exit(0);
}), 50));
export default () => {
  inRequest = AsyncLocalStorage.snapshot();
  return "answered";
};
setInterval(() => {}, 1000);
""")
        self.assertEqual(said, ["the last one has left"])

    def test_an_exit_when_told_to_stop_lets_requests_end(self):
        answers = []

        def ask(duet):
            answers.append(duet.connect())
            answers[0].request("GET", "/?slow")
            eventually(lambda: "slow\n" in "".join(duet.output), "the request runs")

        said = self.stops("""
import { setTimeout as sleep } from "node:timers/promises";
process.on("SIGTERM", () => process.exit(0));
export default async (request) => {
  if (!request.url.endsWith("slow")) return "answered";
  process.stdout.write("slow\\n");
  await sleep(300);
  return "answered late";
};
""", ask=ask)
        self.assertEqual(answers[0].getresponse().read(), b"answered late")
        self.assertEqual(said, [])

    def test_an_application_that_does_not_end_is_cut_off(self):
        self.write("a.mjs", "process.on('SIGTERM', () => setInterval(() => {}, 1000));\n"
                            "export default () => 'answered';\n")
        duet = self.serve_with_grace("300ms")
        with duet:
            self.assertEqual(duet.get("/").body, b"answered")
        self.assertIn("what listeners of SIGTERM or SIGINT began was cut off", "".join(duet.output))

    def test_exits_while_stopping_change_nothing(self):
        self.write("a.mjs", """
process.on("SIGTERM", () => process.exit(1));
process.on("exit", () => { throw new Error("at the end"); });
export default () => "answered";
""")
        duet = self.serve("a.mjs")
        with duet:
            self.assertEqual(duet.get("/").body, b"answered")
        self.assertIn("at the end", "".join(duet.output))

    def test_work_that_does_not_end_is_cut_off(self):
        self.write("a.mjs", "export default (request, env, ctx) => {\n"
                            "  ctx.waitUntil(new Promise(() => {}));\n  return 'answered';\n};\n")
        duet = self.serve_with_grace("300ms")
        with duet:
            self.assertEqual(duet.get("/").body, b"answered")
        self.assertIn("waitUntil work was cut off", "".join(duet.output))


if __name__ == "__main__":
    unittest.main(verbosity=2)
