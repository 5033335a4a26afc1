"""An engine module that was built against other headers of the host is refused with what to do."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = pathlib.Path(os.environ["DUET"])
NUMBER = re.compile(r"kRuntimeBoundary = (0x[0-9a-f]{16});")


class BoundaryTest(unittest.TestCase):
    def setUp(self):
        # Beside the executable: it is linked by name, which takes the same file system.
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=EXECUTABLE.parent))
        self.addCleanup(shutil.rmtree, self.folder)

    def number(self, root):
        header = self.folder / "out" / "number.h"
        subprocess.run([os.environ["CMAKE"], "-D", f"ROOT={root}", "-D", f"OUTPUT={header}",
                        "-P", str(ROOT / "third_party/boundary.cmake")], check=True)
        return NUMBER.search(header.read_text()).group(1), header.stat().st_mtime_ns

    def test_it_follows_what_the_engines_include(self):
        for part in ("bindings", "host"):
            shutil.copytree(ROOT / part, self.folder / part)
        first, written = self.number(self.folder)
        self.assertEqual(self.number(ROOT)[0], first, "where the sources are does not matter")
        self.assertEqual(self.number(self.folder), (first, written), "nothing is written anew")
        for header, matters in [("runtime.h", True), ("loop/timeout_queue.h", True),
                                ("server.h", False), ("stats/kernel.h", False)]:
            with self.subTest(header):
                before = self.number(self.folder)[0]
                with open(self.folder / "host" / header, "a") as file:
                    file.write("// changed\n")
                self.assertEqual(self.number(self.folder)[0] != before, matters)

    def test_a_module_of_other_headers_is_refused(self):
        modules = EXECUTABLE.parent.parent / "lib/duet"
        (self.folder / "bin").mkdir()
        os.link(EXECUTABLE, self.folder / "bin/duet")
        (self.folder / "lib/duet").mkdir(parents=True)
        for module in modules.iterdir():
            (self.folder / "lib/duet" / module.name).symlink_to(module)
        stale = self.folder / "lib/duet/duet_js.so"
        code = stale.read_bytes()
        built = re.search(NUMBER, pathlib.Path(os.environ["BOUNDARY"]).read_text()).group(1)
        number = struct.pack("<Q", int(built, 16))
        self.assertIn(number, code)
        stale.unlink()
        stale.write_bytes(code.replace(number, struct.pack("<Q", int(built, 16) ^ 1)))
        (self.folder / "a.mjs").write_text("export default () => 'a';\n")
        run = subprocess.run([self.folder / "bin/duet", "serve", "a.mjs", "--listen", "127.0.0.1:0",
                              "--admin", "off", "--log-format", "text"],
                             cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("not built from the same sources", run.stderr)
        self.assertIn("cmake --build", run.stderr)


if __name__ == "__main__":
    unittest.main()
