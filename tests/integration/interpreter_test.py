"""Python in the program that the user has, or in its libpython: what a handler sees is the same."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402

os.environ.pop("VIRTUAL_ENV", None)

TELL = """
    import json, multiprocessing, os, subprocess, sys

    def child():
        return subprocess.run([sys.executable, "-c", "import os, sys; print(sys.prefix, os.environ.get('LD_PRELOAD'))"],
                              capture_output=True, text=True, check=True).stdout.split()

    def fetch(request):
        with open("/proc/self/maps") as maps:
            mapped = {line.split()[-1] for line in maps if "/" in line}
        with open("/proc/self/cmdline") as words:
            command = words.read()
        with open("/proc/self/comm") as name:
            comm = name.read().strip()
        pool = multiprocessing.get_context("spawn").Value("i", 7).value
        return {"executable": sys.executable, "prefix": sys.prefix, "path": sys.path[-1], "argv": sys.argv,
                "child": child(), "command": command.split("\\0"), "comm": comm, "pool": pool,
                "preload": os.environ.get("LD_PRELOAD"), "mapped": sorted(mapped)}
    """


def versions(**environment):
    ended = subprocess.run([EXECUTABLE, "version", "--json"], capture_output=True, text=True, check=True,
                           env=dict(os.environ, **environment))
    return json.loads(ended.stdout)


class InterpreterTest(Folder):
    """Of the distribution's Python, which contains its interpreter; an active one may not."""

    system = {"PATH": "/usr/bin:/bin"}

    def setUp(self):
        super().setUp()
        version = versions(**self.system)
        if version["CPython"] is None:
            self.skipTest(f"no engine module for {version.get('Python executable', '/usr/bin/python3')}")
        if version["Python runs in"] != "that program":
            self.skipTest(f"{version['Python executable']} is only the front of a libpython, or this build "
                          "has sanitizers")

    def told(self, **environment):
        self.write("tell.py", TELL)
        with self.serve("tell.py", env=dict(self.system, **environment)) as duet:
            return json.loads(duet.get("/").body)

    def test_it_is_the_program_and_no_library(self):
        told = self.told()
        real = os.path.realpath("/usr/bin/python3")
        self.assertIn(real, told["mapped"])
        self.assertEqual([name for name in told["mapped"] if "/libpython" in name], [])

    def test_the_library_where_it_is_asked_for(self):
        told = self.told(DUET_LIBPYTHON="1")
        self.assertNotIn(os.path.realpath("/usr/bin/python3"), told["mapped"])
        self.assertEqual(len([name for name in told["mapped"] if "/libpython" in name]), 1)

    def test_both_look_alike_from_inside(self):
        program, library = self.told(), self.told(DUET_LIBPYTHON="1")
        for name in ["executable", "prefix", "path", "argv", "child", "comm", "pool", "preload"]:
            self.assertEqual(program[name], library[name], name)
        self.assertIsNone(program["preload"])
        self.assertEqual(program["comm"], "duet")

    def test_ps_shows_duet(self):
        words = self.told()["command"]
        self.assertEqual(words[:3], [EXECUTABLE, "serve", "tell.py"])
        self.assertEqual(words[-1], "", "the last word ends with a NUL")
        self.assertNotEqual(words[-2], "")

    def test_both_languages(self):
        self.write("tell.py", TELL)
        self.write("tell.mjs", "export default () => Response.json([process.execPath, process.version]);")
        with self.serve("tell.py", "tell.mjs", env=self.system) as duet:
            self.assertIn(os.path.realpath("/usr/bin/python3"), json.loads(duet.get("/tell.py").body)["mapped"])
            path, version = json.loads(duet.get("/tell.mjs").body)
            self.assertEqual(pathlib.Path(path).name, "node")
            self.assertEqual(subprocess.run([path, "--version"], capture_output=True, text=True).stdout.strip(),
                             version)

    def test_a_warning_is_said_once(self):
        self.write("tell.py", TELL)
        self.write("duet.toml", """
            [handlers.tell]
            source = "tell.py"
            [handlers.unused]
            source = "tell.py"
            [[routes]]
            path = "/"
            handler = "tell"
            """)
        with self.serve("duet.toml", env=self.system) as duet:
            duet.get("/")
        text = "".join(duet.output)
        self.assertEqual(text.count("warning:"), 1, text)

    def test_a_virtual_environment_is_kept(self):
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(self.folder / ".venv")], check=True)
        told = self.told()
        self.assertEqual(told["prefix"], str(self.folder / ".venv"))
        self.assertEqual(told["child"][0], str(self.folder / ".venv"))
        self.assertIn(os.path.realpath("/usr/bin/python3"), told["mapped"])

    def test_a_script_in_its_place_is_not_run(self):
        self.write("bin/python3", "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n")
        os.chmod(self.folder / "bin/python3", 0o755)
        told = self.told(PATH=f"{self.folder}/bin:/usr/bin:/bin")
        self.assertEqual(len([name for name in told["mapped"] if "/libpython" in name]), 1)

    def test_folders_of_libraries(self):
        library = next(name for name in self.told()["mapped"] if "/libz.so" in name)
        (self.folder / "folder").mkdir()
        shutil.copy(library, self.folder / "folder/libonlyhere.so")
        self.write("tell.py", """
            import ctypes

            def fetch(request):
                return str(ctypes.CDLL("libonlyhere.so").zlibVersion is not None)
            """)
        for more in [{}, {"DUET_LIBPYTHON": "1"}]:
            environment = dict(self.system, LD_LIBRARY_PATH=str(self.folder / "folder"), **more)
            with self.serve("tell.py", env=environment) as duet:
                self.assertEqual(duet.get("/").body, b"True", more)

    def test_a_dotenv_that_names_an_environment(self):
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(self.folder / "other")], check=True)
        self.write(".env", f"VIRTUAL_ENV={self.folder}/other\n")
        self.write("tell.py", TELL)
        with self.serve("tell.py", env=self.system) as duet:
            self.assertEqual(json.loads(duet.get("/").body)["prefix"], str(self.folder / "other"))


if __name__ == "__main__":
    unittest.main()
