"""aiohttp's and httpx's clients, and anyio, on the host's loop: a tour of what people use of them.

The packages are those of the interpreter, else of an environment that pip fills here; where it
cannot, the test is skipped and says so.
"""

import json
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from duet_process import Duet  # noqa: E402
from python_packages import environment_with  # noqa: E402

PACKAGES = ("aiohttp", "httpx")


class LibrariesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        variables, why = environment_with(PACKAGES, "clients")
        if variables is None:
            raise unittest.SkipTest(why)
        cls.duet = Duet(os.environ["DUET"], [str(HERE / "handlers" / "libraries.py")],
                        env=variables)
        cls.duet.__enter__()
        cls.addClassCleanup(cls.duet.__exit__, None, None, None)

    def tour(self, library):
        server = f"http://127.0.0.1:{self.duet.port}"
        answer = self.duet.get(f"/{library}/tour", **{"x-server": server})
        self.assertEqual(answer.status, 200, "".join(self.duet.output))
        return json.loads(answer.body)

    def client_tour(self, client):
        seen = self.tour(client)
        echoed = seen["json"]
        self.assertEqual((echoed["method"], json.loads(echoed["body"]), echoed["type"]),
                         ("POST", {"é": 1}, "application/json"))
        self.assertIn(client, echoed["agent"].lower())
        self.assertEqual(echoed["query"], [["a", "1"], ["a", "2"]])
        self.assertEqual(seen["upload"], {"total": 1_000_000})
        self.assertEqual(seen["lines"], ["0\n", "1\n", "2\n", "3\n", "4\n"])
        self.assertEqual(seen["large"], 3_000_000)
        self.assertEqual(seen["moved"], ["/server/echo?moved=1", 1])
        self.assertEqual(seen["cookie"], "taste=sweet")
        self.assertEqual(seen["together"], [str(n) for n in range(50)])
        self.assertEqual((seen["timeout"], seen["status"], seen["refused"]), (True, 404, True))

    def test_aiohttp(self):
        self.client_tour("aiohttp")

    def test_httpx(self):
        self.client_tour("httpx")

    def test_anyio(self):
        self.assertEqual(self.tour("anyio"), {"sum": 3, "moved_on": True, "threaded": "thread"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
