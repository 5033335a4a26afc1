"""mount_test.py FOLDER: the shops of all frameworks in one process, each below its own path.

Skipped where their packages could not be obtained (install.py).
"""

import json
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet, counted_routes  # noqa: E402

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
SHOPS = {"express": "express.ts", "koa": "koa.mjs", "fastify": "fastify.ts", "hono": "hono.ts",
         "nest": "nest.cjs"}


class Mounted(unittest.TestCase):
    folder = None

    def test_each_answers_below_its_path(self):
        config = "".join(f"""
[handlers.{name}]
source = "{self.folder / file}"
root_path = "/{name}"
[[routes]]
path = "/{name}/*"
handler = "{name}"
""" for name, file in SHOPS.items())
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "duet.toml")
            file.write_text(config)
            with Duet(os.environ["DUET"], [str(file)]) as duet:
                for name in SHOPS:
                    with self.subTest(name):
                        item = json.loads(duet.get(f"/{name}/items/2").body)
                        self.assertEqual({"id": "2", "name": "rope", "cents": 950}, item)
                        found = json.loads(duet.get(f"/{name}/items?q=anv").body)
                        self.assertEqual(["anvil"], [one["name"] for one in found])
                        self.assertEqual(404, duet.get(f"/{name}/{name}/items/2").status)
                        routes = counted_routes(duet, name)
                        self.assertEqual(1, routes.get(("GET", f"/{name}/items/:id")), routes)
                        self.assertEqual(1, routes.get(("GET", f"/{name}/items")), routes)


def main(folder):
    if not (folder / "installed").exists():
        print("mount: not tested, because the frameworks could not be obtained from npm")
        return SKIPPED
    Mounted.folder = folder
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Mounted)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
