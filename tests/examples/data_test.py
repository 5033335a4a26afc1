"""examples/data: numpy, scipy, pandas and scikit-learn in blocking handlers, JavaScript beside."""

import concurrent.futures
import json
import unittest

from settings import EXAMPLES, EXECUTABLE
from duet_process import Duet
from python_packages import environment_with

PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn")
ZERO = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0,
        8, 8, 0, 0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6,
        13, 10, 0, 0, 0]


class DataTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        env, why = environment_with(PACKAGES, "data", ("numpy", "scipy", "pandas", "sklearn"))
        if env is None:
            raise unittest.SkipTest(why)
        cls.duet = Duet(EXECUTABLE, [str(EXAMPLES / "data/duet.toml")], env=env,
                        patience=120)  # scikit-learn is imported, and trained
        cls.duet.__enter__()
        cls.addClassCleanup(cls.duet.__exit__, None, None, None)

    def json(self, target, status=200):
        answer = self.duet.get(target)
        self.assertEqual(answer.status, status, answer)
        return json.loads(answer.body)

    def test_digits_are_recognised(self):
        def is_right(sample):
            answer = self.json(f"/digits?sample={sample}")
            return answer["digit"] == answer["truth"]

        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            self.assertGreater(sum(clients.map(is_right, range(40))), 35)
        answer = self.duet.ask("POST", "/digits", json.dumps(ZERO))
        self.assertEqual(json.loads(answer.body)["digit"], 0)
        self.assertEqual(self.duet.ask("POST", "/digits", "[1, 2]").status, 400)

    def test_means_by_species(self):
        means = self.json("/iris?by=species")
        self.assertEqual(means["setosa"]["petal length (cm)"], 1.46)
        self.assertEqual(set(self.json("/iris?by=size")), {"large", "small"})
        self.assertIn("error", self.json("/iris?by=colour", 400))

    def test_tones_are_found(self):
        self.assertEqual(self.json("/tones?hertz=440,880,3000"), {"found": [440, 880, 3000]})
        self.assertIn("error", self.json("/tones?hertz=1", 400))

    def test_the_page_names_routes_that_answer(self):
        for route in self.json("/")["try"]:
            self.json(route)


if __name__ == "__main__":
    unittest.main(verbosity=2)
