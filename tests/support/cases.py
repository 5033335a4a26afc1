"""What classes of tests begin with: a folder that they fill, or one duet that all of them ask."""

import json
import os
import pathlib
import subprocess
import tempfile
import textwrap
import unittest

from duet_process import DEADLINE, Duet

EXECUTABLE = os.environ["DUET"]


class Folder(unittest.TestCase):
    """Each test has an empty folder of its own, without links in its path."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(os.path.realpath(temporary.name))

    def write(self, name, text):
        """A file below the folder; what all lines are indented by is left out."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return str(path)

    def serve(self, *sources, **options):
        """A duet in the folder."""
        return Duet(EXECUTABLE, list(sources), cwd=self.folder, **options)

    def refusal(self, *sources, **environment):
        """What a duet that does not start writes to its standard error."""
        ended = subprocess.run([EXECUTABLE, "serve", *sources, "--listen", "127.0.0.1:0", "--admin", "off"],
                               cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE,
                               env=dict(os.environ, **environment))
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertNotIn("listening", ended.stdout)
        return ended.stderr


def errors(log):
    """The lines of a log that are errors, read."""
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return [line for line in lines if line["level"] == "error"]


class Served(unittest.TestCase):
    """One process for all tests of a class: nothing a handler does may harm the next."""

    config = None  # the text of a duet.toml
    env = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        config = pathlib.Path(folder.name) / "duet.toml"
        config.write_text(cls.config)
        cls.duet = Duet(EXECUTABLE, [str(config)], env=cls.env)
        cls.duet.__enter__()
        cls.addClassCleanup(cls.duet.__exit__, None, None, None)

    def ask(self, target, method="GET", body=None, status=200, **headers):
        answer = self.duet.ask(method, target, body,
                               {name.replace("_", "-"): value for name, value in headers.items()})
        self.assertEqual(answer.status, status, answer)
        return answer

    def text(self, target, **options):
        return self.ask(target, **options).body.decode()

    def json(self, target, **options):
        return json.loads(self.ask(target, **options).body)
