"""Other people's test suites of servers, run against duet over real sockets. Opt-in, minutes.

    python3 tests/suites/suites.py fetch FOLDER            once: the suites and what they need
    FOLDER/bin/python tests/suites/suites.py [SUITE ...]   autobahn, uvicorn, daphne, waitress,
                                                           fastify

The suites come from the package indexes: they are in no repository of ours. DUET names the executable.
Ends with a table, and with 1 when a test failed whose reason is not written down (`DIFFERENT` of each
suite's file).
"""

import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
DUET = os.environ.get("DUET", str(HERE.parents[1] / "build/release/bin/duet"))
SUITES = ["autobahn", "uvicorn", "daphne", "waitress", "fastify"]
PACKAGES = ["kosoku", "uvicorn", "daphne", "waitress", "pytest", "pytest-mock", "anyio", "httpx2",
            "websockets", "wsproto", "h11", "httptools", "hypothesis", "a2wsgi"]


def fetch(folder):
    venv.create(folder, with_pip=True)
    pip = [str(pathlib.Path(folder) / "bin" / "python"), "-m", "pip", "--quiet"]
    subprocess.run([*pip, "install", *PACKAGES], check=True)
    listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    for name in ["uvicorn", "daphne", "waitress"]:
        version = next(line for line in listed.splitlines() if line.startswith(f"{name}=="))
        with tempfile.TemporaryDirectory() as sources:
            subprocess.run([*pip, "download", "--no-deps", "--no-binary", ":all:", "--dest", sources,
                            version], check=True)
            with tarfile.open(next(pathlib.Path(sources).glob("*.tar.gz"))) as archive:
                for member in archive.getmembers():
                    member.name = member.name.partition("/")[2]
                    if member.isfile() and member.name.startswith("tests/"):
                        archive.extract(member, pathlib.Path(folder) / "suites" / name)
    fetch_fastify(pathlib.Path(folder) / "suites/fastify")


def fetch_fastify(folder):
    """Its package has its tests; what they need is installed beside them, and a Node to compare with."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run(["npm", "pack", "--silent", "fastify"], cwd=folder, check=True,
                            capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / packed) as archive:
        for member in archive.getmembers():
            member.name = member.name.partition("/")[2]
            if member.isfile() and member.name:
                archive.extract(member, folder)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
                    "--legacy-peer-deps"], cwd=folder, check=True)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save",
                    "--legacy-peer-deps", "node@24"], cwd=folder, check=True)


class Served:
    """`with Served(SOURCE) as port`: a duet of this environment that serves it."""

    def __init__(self, source, port=0, cwd=None, **environment):
        self.command = [DUET, "serve", source, "--listen", f"127.0.0.1:{port}", "--admin", "off"]
        self.options = {"cwd": cwd, "env": dict(os.environ, VIRTUAL_ENV=sys.prefix, **environment)}

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        **self.options)
        for line in self.process.stdout:
            if line.startswith("listening on"):
                return int(line.rpartition(":")[2])
        raise RuntimeError(f"{self.command} did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()


def use_tests(folder):
    """`tests` is this suite's from now on, and no other's."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    os.chdir(folder)


def judge(counts, failed, different):
    """Adds to `counts` what of the failed tests has its reason written down."""
    for name in failed:
        explained = any(part in name for part in different)
        counts["different" if explained else "failed"] = \
            counts.get("different" if explained else "failed", 0) + 1
        if not explained:
            print("FAILED", name)
    return counts


def main(names):
    table = {}
    for name in names or SUITES:
        for what, counts in __import__(f"{name}_suite").run(pathlib.Path(sys.prefix) / "suites"):
            table[what] = counts
    columns = ["passed", "different", "skipped", "failed"]
    print(f"{'':<24}" + "".join(f"{column:>11}" for column in columns))
    for what, counts in table.items():
        print(f"{what:<24}" + "".join(f"{counts.get(column, 0):>11}" for column in columns))
    sys.exit(any(counts.get("failed") or not counts.get("passed") for counts in table.values()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"]:
        fetch(sys.argv[2])
    else:
        sys.modules["suites"] = sys.modules["__main__"]
        sys.path.insert(0, str(HERE))
        main(sys.argv[1:])
