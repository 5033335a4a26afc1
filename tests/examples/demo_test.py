"""The demo: ends with 0 and shows the phases side by side, or fails loudly."""

import re
import subprocess
import sys
import unittest

from settings import EXAMPLES, EXECUTABLE, LOAD


def demo(*arguments):
    return subprocess.run([sys.executable, str(EXAMPLES / "demo/demo.py"), *arguments],
                          capture_output=True, text=True, timeout=100)


class DemoTest(unittest.TestCase):
    def test_shows_the_phases_of_every_handler(self):
        done = demo("--duet", EXECUTABLE, "--load", LOAD, "--seconds", "1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        table = done.stdout.partition("Where the time of a request went")[2]
        for word in ("lookup-cpp", "lookup-js", "lookup-py", "search-js", "search-py", "export-js",
                     "export-py", "queue", "run", "write", "total"):
            self.assertIn(word, table)
        self.assertIn("the same bytes", done.stdout)
        suggested = re.search(r"Now your own: (\S+) serve (\S+) (\S+)\n", done.stdout)
        for path in suggested.groups():
            self.assertTrue((EXAMPLES.parent / path).exists(), f"{path} is not there")
        self.assertNotIn("\033", done.stdout, "emphasis although it is no terminal")

    def test_fails_when_the_host_does_not_start(self):
        done = demo("--duet", "/bin/false", "--load", LOAD)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the host ended at start", done.stderr)

    def test_fails_when_the_load_does(self):
        done = demo("--duet", EXECUTABLE, "--load", "/bin/false")
        self.assertEqual(done.returncode, 1)
        self.assertIn("demo failed", done.stderr)


if __name__ == "__main__":
    unittest.main()
