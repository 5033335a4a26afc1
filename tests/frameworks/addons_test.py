"""addons_test.py FOLDER: a native addon from npm in a handler. Skipped where it cannot be obtained."""

import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet  # noqa: E402

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Addons(unittest.TestCase):
    folder = None

    def test_a_database(self):
        with Duet(os.environ["DUET"], [str(self.folder / "addons.mjs")]) as duet:
            self.assertEqual({"name": "rope", "cents": 250, "less": 225}, json.loads(duet.get("/").body))
            self.assertEqual(500, duet.get("/fails").status)
            self.assertEqual({"name": "rope", "cents": 500, "less": 450}, json.loads(duet.get("/").body))
        self.assertIn("SqliteError: no such table: nowhere", "".join(duet.output))


def main(folder):
    if not (folder / "installed").exists():
        print("addons: not tested, because better-sqlite3 could not be obtained from npm")
        return SKIPPED
    Addons.folder = folder
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Addons)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
