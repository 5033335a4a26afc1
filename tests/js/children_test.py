"""What handlers start as "node": fork, process.execPath, cluster, and threads of their own."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "examples"))
from duet_process import Duet  # noqa: E402

CHILD = """
process.on("message", (message) => {
  if (message === "exit") process.exit(7);
  else if (message === "grandchild") {
    const { execFileSync } = require("node:child_process");
    process.send(String(execFileSync(process.execPath, ["-p", "6 * 7"])).trim());
  } else process.send({ doubled: 2 * message, argument: process.argv[2], node: process.version });
});
"""
WORKER = """
import { parentPort, workerData } from "node:worker_threads";
import { readFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
const text = await readFile(workerData, "utf8");
const said = String(execFileSync(process.execPath, ["-p", "'from a worker'"])).trim();
parentPort.postMessage([text.length > 0, said]);
"""
HANDLER = """
import { fork, spawn, exec, execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const cases = {
  async fork() {
    const child = fork(here("child.cjs"), ["argued"]);
    child.send(21);
    const [answer] = await once(child, "message");
    child.send("grandchild");
    const [grandchild] = await once(child, "message");
    child.send("exit");
    return [answer, grandchild, await once(child, "exit"), process.version];
  },
  async signal() {
    const child = fork(here("child.cjs"));
    child.kill("SIGTERM");
    return once(child, "exit");
  },
  async spawn() {
    const child = spawn(process.execPath, ["-e", "process.stdin.pipe(process.stdout)"]);
    child.stdin.end("echoed");
    let text = "";
    for await (const piece of child.stdout) text += piece;
    return [text, await once(child, "exit")];
  },
  async execFile() {
    const { stdout } = await promisify(execFile)(process.execPath, ["-p", "process.execPath"]);
    return [stdout.trim() === process.execPath];
  },
  async shell() {
    const { stdout } = await promisify(exec)(`"${process.execPath}" -p "1 + 1"`);
    return stdout;
  },
  fails() {
    const run = spawnSync(process.execPath, ["-e", "throw new Error('inside')"]);
    return [run.status, String(run.stderr).includes("Error: inside")];
  },
  async module() {
    const source = "import('node:http').then((http) => console.log(typeof http.createServer, typeof fetch))";
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", source]);
    return String(run.stdout);
  },
  async worker() {
    const worker = new Worker(here("worker.mjs"), { workerData: here("child.cjs") });
    const [answer] = await once(worker, "message");
    return answer;
  },
};
export default async (request) => cases[new URL(request.url).pathname.slice(1)]();
"""
EXPECTED = {
    "signal": [None, "SIGTERM"], "spawn": ["echoed", [0, None]], "execFile": [True], "shell": "2\n",
    "fails": [1, True], "module": "function function\n", "worker": [True, "from a worker"],
}


class ChildrenTest(unittest.TestCase):
    def test_children_are_nodes(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in [("child.cjs", CHILD), ("worker.mjs", WORKER), ("a.mjs", HANDLER)]:
                pathlib.Path(folder, name).write_text(text)
            with Duet(os.environ["DUET"], [os.path.join(folder, "a.mjs")]) as duet:
                def asked(case):
                    answer = duet.get(f"/{case}").body.decode()
                    return answer if answer.endswith("\n") else json.loads(answer)
                for case, expected in EXPECTED.items():
                    with self.subTest(case):
                        self.assertEqual(expected, asked(case))
                answer, grandchild, exited, version = asked("fork")
                self.assertEqual({"doubled": 42, "argument": "argued", "node": version}, answer)
                self.assertEqual("42", grandchild)
                self.assertEqual([7, None], exited)


if __name__ == "__main__":
    unittest.main()
