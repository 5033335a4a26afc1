"""Every command in a ```sh block of README.md and CONTRIBUTING.md does what the text says.

The blocks are followed in order, as a reader would: `duet serve` starts a host (on free ports, put in
place of 8000 and 9000) that the curl lines after it ask, until the next one. A block without a
language right after a curl line is the answer that is expected. `cmake --workflow` lines name presets
that exist: running them is what runs this test.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from duet_process import Duet  # noqa: E402

EXECUTABLE = os.environ["DUET"]


def blocks(name):
    """(language, text) of each fenced block, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / name).read_text(), re.M | re.S)


def commands(text):
    return [line.split("   #")[0].strip() for line in text.splitlines() if line.strip()]


class ReadmeTest(unittest.TestCase):
    def presets(self):
        listing = subprocess.run([os.environ["CMAKE"], "--workflow", "--list-presets"], cwd=ROOT,
                                 capture_output=True, text=True, check=True).stdout
        return set(re.findall(r'^\s+"(\S+)"', listing, re.M))

    def curl(self, words, duet):
        if shutil.which("curl") is None:
            self.skipTest("curl is missing: apt-get install curl")
        ports = {"127.0.0.1:8000": f"127.0.0.1:{duet.port}",
                 "127.0.0.1:9000": f"127.0.0.1:{duet.admin_port}"}
        for shown, actual in ports.items():
            words = [word.replace(shown, actual) for word in words]
        run = subprocess.run([words[0], "--fail", "--silent", "--show-error", *words[1:]],
                             capture_output=True, text=True, timeout=20)
        self.assertEqual(run.returncode, 0, f"{words}: {run.stderr}")
        return run.stdout

    def follow(self, name):
        presets, duet, answer, ran = self.presets(), None, None, 0
        try:
            for language, text in blocks(name):
                if language == "":
                    if answer is not None:
                        self.assertEqual(answer, text)
                    answer = None
                    continue
                if language != "sh":
                    continue
                for command in commands(text):
                    words = shlex.split(command)
                    ran += 1
                    if words[:2] == ["cmake", "--workflow"]:
                        self.assertIn(words[3], presets, command)
                    elif words[:2] == ["duet", "serve"]:
                        if duet is not None:
                            duet.__exit__(None, None, None)
                        duet = Duet(EXECUTABLE, words[2:], cwd=ROOT)
                        duet.__enter__()
                    elif words[0] == "duet":
                        if words[1] in ("experiment", "report"):
                            words += ["--admin", f"127.0.0.1:{duet.admin_port}"]
                        run = subprocess.run([EXECUTABLE, *words[1:]], cwd=ROOT,
                                             capture_output=True, text=True, timeout=20)
                        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                    elif words[0] == "echo" and words[2:4] == ["|", "duet"]:
                        run = subprocess.run([EXECUTABLE, *words[4:]], cwd=ROOT, input=words[1] + "\n",
                                             capture_output=True, text=True, timeout=20)
                        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                        self.assertNotIn("error", run.stdout)
                    elif words[0] == "curl":
                        answer = self.curl(words, duet)
                    elif words[0] == "export":
                        self.assertEqual(words[1], "PATH=$PWD/build/release/bin:$PATH")
                    else:
                        self.fail(f"nobody checks this command: {command}")
        finally:
            if duet is not None:
                duet.__exit__(None, None, None)
        return ran

    def test_the_commands_of_the_readme_work(self):
        self.assertGreater(self.follow("README.md"), 10)

    def test_the_commands_for_contributors_exist(self):
        self.assertGreaterEqual(self.follow("CONTRIBUTING.md"), 3)


if __name__ == "__main__":
    unittest.main()
