"""examples/data with PyTorch, TensorFlow and ONNX Runtime: in blocking handlers, JavaScript beside.

PyTorch and TensorFlow are too large to be fetched for a test: they are used where they are installed.
"""

import concurrent.futures
import json
import unittest

from settings import EXAMPLES, EXECUTABLE
from duet_process import Duet
from python_packages import environment_with

DATA = EXAMPLES / "data"


class Digits:
    fetch = False

    @classmethod
    def setUpClass(cls):
        env, why = environment_with(cls.packages, cls.name, cls.modules, fetch=cls.fetch)
        if env is None:
            raise unittest.SkipTest(why)
        sources = [str(DATA / file) for file in (f"digits_{cls.name}.py", "page.mjs")]
        cls.duet = Duet(EXECUTABLE, sources, env=env, patience=120)  # it is imported, and trained
        cls.duet.__enter__()
        cls.addClassCleanup(cls.duet.__exit__, None, None, None)

    def ask(self, *ask):
        answer = self.duet.ask(*ask)
        self.assertEqual(answer.status, 200, answer)
        return json.loads(answer.body)

    def test_digits_are_recognised_by_several_threads_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            answers = list(clients.map(
                lambda sample: self.ask("GET", f"/digits_{self.name}.py?sample={sample}"), range(40)))
        right = [answer for answer in answers if answer["digit"] == answer["truth"]]
        self.assertGreater(len(right), 34, answers)
        self.assertTrue(all(0.1 <= answer["certain"] <= 1 for answer in answers), answers)

    def test_a_bad_image_is_refused_and_javascript_answers(self):
        self.assertEqual(self.duet.ask("POST", f"/digits_{self.name}.py", "[1, 2]").status, 400)
        self.assertIn("try", self.ask("GET", "/page.mjs"))


class Torch(Digits, unittest.TestCase):
    name, packages, modules = "torch", ("torch", "scikit-learn"), ("torch", "sklearn")


class TensorFlow(Digits, unittest.TestCase):
    name, modules = "tensorflow", ("tensorflow", "sklearn")
    packages = ("tensorflow", "scikit-learn")


class Onnx(Digits, unittest.TestCase):
    name, modules, fetch = "onnx", ("onnxruntime", "skl2onnx", "sklearn"), True
    packages = ("onnxruntime", "skl2onnx", "scikit-learn")


if __name__ == "__main__":
    unittest.main(verbosity=2)
