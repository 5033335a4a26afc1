"""examples/experiment: a route divided between two languages, seen and changed while it serves."""

import json
import subprocess
import unittest

from settings import EXAMPLES, EXECUTABLE
from duet_process import Duet, eventually


class ExperimentTest(unittest.TestCase):
    def setUp(self):
        self.duet = Duet(EXECUTABLE, [str(EXAMPLES / "experiment/duet.toml")])
        self.duet.__enter__()
        self.addCleanup(self.duet.__exit__, None, None, None)

    def command(self, *words):
        run = subprocess.run([EXECUTABLE, "experiment", *words, "--admin",
                              f"127.0.0.1:{self.duet.admin_port}"],
                             capture_output=True, text=True, timeout=20)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_a_visitor_stays_with_a_variant_and_both_answer_alike(self):
        seen = {}
        for visitor in range(40):
            answer = self.duet.get("/price/tea", Cookie=f"visitor=v{visitor}")
            body = json.loads(answer.body)
            self.assertEqual(body.pop("variant"), answer.headers["Duet-Variant"])
            self.assertEqual(body, {"item": "tea", "price": 2.5})
            again = self.duet.get("/price/coffee", Cookie=f"visitor=v{visitor}")
            self.assertEqual(again.headers["Duet-Variant"], answer.headers["Duet-Variant"])
            seen[answer.headers["Duet-Variant"]] = seen.get(answer.headers["Duet-Variant"], 0) + 1
        self.assertEqual(set(seen), {"js", "py"})

        def counted():
            shown = json.loads(self.command("show", "price", "--json"))
            return sum(variant["requests"] for variant in shown["variants"])

        eventually(lambda: counted() == 80, "all requests are counted")

    def test_a_request_may_ask_for_a_variant(self):
        for variant in ("js", "py"):
            answer = self.duet.get("/price/none", **{"X-Variant": variant})
            self.assertEqual((answer.status, answer.headers["Duet-Variant"]), (404, variant))

    def test_it_is_stopped_while_it_serves(self):
        self.assertIn("price  running  js 50%, py 50%", self.command("list"))
        self.command("stop", "price", "--by", "ann")
        for visitor in range(10):
            answer = self.duet.get("/price/tea", Cookie=f"visitor=v{visitor}")
            self.assertEqual(answer.headers["Duet-Variant"], "js")
        self.assertIn("ann: experiment 'price' is stopped", self.command("show", "price"))


if __name__ == "__main__":
    unittest.main()
