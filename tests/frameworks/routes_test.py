"""routes_test.py FOLDER NAME: requests are counted by the routes of applications that are made of parts.

Skipped by name where its packages could not be obtained (install.py).
"""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet, counted_routes  # noqa: E402

SKIPPED = 77  # ctest's SKIP_RETURN_CODE

# Requests, and the route that each is counted by.
NONE = ("", "(no route)")
EXPRESS = [
    ("GET", "/shops/a/items", "/shops/:shop/items"),
    ("GET", "/shops/a/items/1?x=/v2", "/shops/:shop/items/:item"),
    ("HEAD", "/shops/a/items/1", "/shops/:shop/items/:item"),
    ("PUT", "/shops/a/items/1", "/shops/:shop/items/:item"),
    ("GET", "/v2/shops/b/items/2", "/v2/shops/:shop/items/:item"),
    ("GET", "/shops/near", "/shops(/near|/far)"),
    ("GET", "/admin/users/7", "/admin/users/:user"), ("GET", "/admin/none", None),
    ("GET", "/guarded/it", "/guarded/it"), ("GET", "/guarded/none", None),
    ("GET", "/proxy/x", "/proxy/*"), ("GET", "/files/about.txt", "/files/*"),
    ("GET", "/files/none.txt", None), ("GET", "/anything", r"/^\/any/"), ("GET", "/none", None),
]
APPLICATIONS = {
    "express": EXPRESS,
    "express4": EXPRESS,
    "koa": [
        ("GET", "/shops/a/items/1", "/shops/:shop/items/:item"),
        ("GET", "/admin/users/7?x=1", "/admin/users/:user"), ("GET", "/admin/none", None),
        ("GET", "/none", None), ("POST", "/shops/a/items/1", None),
    ],
    "fastify": [
        ("GET", "/shops/a/items/1", "/shops/:shop/items/:item"),
        ("HEAD", "/shops/a/items/1", "/shops/:shop/items/:item"),
        ("PUT", "/shops/a/items/1", "/shops/:shop/items/:item"),
        ("GET", "/at/12", r"/at/:hour(^\d+)"), ("GET", "/at/noon", None), ("GET", "/none", None),
    ],
    "hono": [
        ("GET", "/shops/a/items", "/shops/:shop/items"),
        ("GET", "/shops/a/items/1", "/shops/:shop/items/:item"),
        ("GET", "/admin/users/7", "/admin/users/:user"), ("GET", "/none", None),
    ],
    "nest": [
        ("GET", "/api/shops/a/items/1", "/api/shops/:shop/items/:item"), ("GET", "/none", None),
    ],
}


class Routes(unittest.TestCase):
    maxDiff = None
    file = environment = requests = None

    def test_each_request_is_counted_by_its_route(self):
        with Duet(os.environ["DUET"], [str(self.file)], env=self.environment) as duet:
            expected = {}
            for method, target, route in self.requests:
                answer = duet.ask(method, target)
                self.assertEqual(route is None, answer.status in (404, 405), (target, answer))
                key = (method, route) if route is not None else NONE
                expected[key] = expected.get(key, 0) + 1
            self.assertEqual(expected, counted_routes(duet))
            self.assertFalse([line for line in duet.output if "are not counted" in line])


def main(folder, name):
    if not (folder / "installed").exists():
        print(f"{name}: not tested, because its packages could not be obtained from npm")
        return SKIPPED
    Routes.file = next((folder / "mounted").glob(f"{name.rstrip('4')}.*"))
    Routes.environment = {"EXPRESS": name}
    Routes.requests = APPLICATIONS[name]
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Routes)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
