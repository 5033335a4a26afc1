"""What handlers start as "node": fork, process.execPath, cluster, and threads of their own."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
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
CLUSTERED = """
require("node:http").createServer((req, res) => res.end(String(process.pid))).listen(0, "127.0.0.1");
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
import cluster from "node:cluster";
import http from "node:http";
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
  async cluster() {
    cluster.setupPrimary({ exec: here("clustered.cjs") });
    const workers = [cluster.fork(), cluster.fork()];
    const [[{ port }], [same]] = await Promise.all(workers.map((worker) => once(worker, "listening")));
    const wanted = new Set(workers.map((worker) => String(worker.process.pid)));
    while (wanted.size > 0) {  // they take turns
      const [answer] = await once(http.get({ port, agent: false }), "response");
      answer.setEncoding("utf8").on("data", (pid) => wanted.delete(pid));
      await once(answer, "end");
    }
    workers.forEach((worker) => worker.kill());
    await Promise.all(workers.map((worker) => once(worker, "exit")));
    return [port === same.port];
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
    "fails": [1, True], "module": "function function\n", "cluster": [True], "worker": [True, "from a worker"],
}


class ChildrenTest(unittest.TestCase):
    def test_children_are_nodes(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in [("child.cjs", CHILD), ("worker.mjs", WORKER), ("a.mjs", HANDLER),
                               ("clustered.cjs", CLUSTERED)]:
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

    def test_an_application_that_only_forks_workers(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "app.cjs")
            file.write_text("""
const cluster = require("node:cluster");
const http = require("node:http");
if (cluster.isPrimary) cluster.fork();
else http.createServer((req, res) => res.end()).listen(0);
""")
            run = subprocess.run([os.environ["DUET"], "serve", str(file), "--listen", "127.0.0.1:0", "--admin", "off"],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(1, run.returncode)
            self.assertIn("app.cjs has no default export, and let no server listen", run.stderr)
            self.assertIn("the workers of cluster listen by themselves", run.stderr)


if __name__ == "__main__":
    unittest.main()
