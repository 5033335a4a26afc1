"""Other people's test suites of servers, run against duet over real sockets. Opt-in, minutes.

    python3 tests/suites/suites.py fetch FOLDER            once: the suites and what they need
    FOLDER/bin/python tests/suites/suites.py [SUITE ...]   autobahn, uvicorn, daphne, waitress,
                                                           gunicorn, frameworks, django, falcon,
                                                           granian, sanic, fastify, node, express,
                                                           werkzeug, llhttp

The suites come from the package indexes: they are in no repository of ours. DUET names the executable.
Ends with a table, and with 1 when a test failed whose reason is not written down (`DIFFERENT` of each
suite's file).
"""

import concurrent.futures
import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import venv

import debian_sources

HERE = pathlib.Path(__file__).resolve().parent
DUET = os.environ.get("DUET", str(HERE.parents[1] / "build/release/bin/duet"))
NODE = str(pathlib.Path(DUET).resolve().parents[1] / "lib/duet/node")  # duet's, by itself
SUITES = ["autobahn", "uvicorn", "daphne", "waitress", "gunicorn", "frameworks", "django", "falcon",
          "granian", "sanic", "fastify", "node", "express", "werkzeug", "llhttp"]
PACKAGES = ["kosoku", "uvicorn", "daphne", "waitress", "gunicorn", "pytest<9", "pytest-mock", "anyio",
            "httpx2", "websockets", "wsproto", "h11", "httptools", "hypothesis", "a2wsgi",
            # gunicorn's applications, and what its tests ask them by
            "pytest-asyncio", "httpx", "django", "channels", "fastapi", "starlette", "quart",
            "litestar", "blacksheep",
            # what Starlette's and Flask's tests import
            "flask", "opentelemetry-sdk", "python-multipart", "itsdangerous", "trio",
            # Falcon's, and by what they ask
            "falcon", "requests",
            # FastAPI's and Bottle's
            "dirty-equals", "inline-snapshot", "pyjwt", "pwdlib", "argon2-cffi", "sqlmodel", "orjson",
            "ujson", "pydantic-settings", "pydantic-extra-types", "email-validator", "bottle",
            # Werkzeug's, and llhttp's, which aiohttp's sources have
            "werkzeug", "ephemeral-port-reserve", "aiohttp",
            # Sanic's
            "aiofiles", "beautifulsoup4"]
# Without what they demand: uvloop, as whose loop others would run.
BARE = ["sanic", "sanic-routing", "sanic-testing", "html5tagger", "tracerite"]
SOURCES = ["uvicorn", "daphne", "waitress", "gunicorn", "starlette", "fastapi", "flask", "django",
           "bottle", "falcon", "sanic", "werkzeug", "aiohttp"]

# In the place of granian's builder, which wants a compiler of Rust: pip asks it what the sources are.
MATURIN = """
import os, shutil

def prepare_metadata_for_build_wheel(folder, settings=None):
    os.mkdir(f"{folder}/granian.dist-info")
    shutil.copy("PKG-INFO", f"{folder}/granian.dist-info/METADATA")
    return "granian.dist-info"
"""

PLUGINS = ["websocket", "http-proxy", "reply-from", "multipart", "static", "compress", "express",
           "middie"]
MIDDLEWARE = ["express", "connect", "body-parser", "compression", "cors", "errorhandler",
              "finalhandler", "morgan", "on-finished", "raw-body", "response-time", "serve-favicon",
              "vhost", "cookie-parser"]


def fetch(folder):
    venv.create(folder, with_pip=True)
    pip = [str(pathlib.Path(folder) / "bin" / "python"), "-m", "pip", "--quiet"]
    subprocess.run([*pip, "install", *PACKAGES], check=True)
    subprocess.run([*pip, "install", "--no-deps", *BARE], check=True)
    listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    suites = pathlib.Path(folder) / "suites"
    for name in SOURCES:
        version = next(line for line in listed.splitlines() if line.lower().startswith(f"{name}=="))
        fetch_tests([*pip, "download", "--no-binary", name, version], suites / name)
    with tempfile.TemporaryDirectory() as builder:
        (pathlib.Path(builder) / "maturin.py").write_text(MATURIN)
        fetch_tests([*pip, "download", "--no-binary", "granian", "--no-build-isolation", "granian"],
                    suites / "granian", dict(os.environ, PYTHONPATH=builder))
    debian_sources.fetch("forky", "nodejs", suites / "node", only="test/")
    fetch_packed("fastify", suites / "fastify")
    npm(suites / "fastify", "install", "--legacy-peer-deps")
    for name in PLUGINS:
        fetch_packed(f"@fastify/{name}", suites / "fastify-plugins" / name)
    fetch_needs(suites / "fastify-plugins", PLUGINS)
    for name in MIDDLEWARE:
        debian_sources.fetch("bookworm", f"node-{name}", suites / "express" / name)
    debian_sources.fetch("trixie", "node-ws", suites / "express/ws")
    debian_sources.fetch("forky", "node-fetch", suites / "express/fetch")
    for name in ("http-proxy", "eventsource"):
        debian_sources.fetch("bookworm", f"node-{name}", suites / "express" / name)
    fetch_needs(suites / "express", [*MIDDLEWARE, "ws", "fetch", "http-proxy", "eventsource"], mocha="^10")


def fetch_tests(download, folder, environment=None):
    with tempfile.TemporaryDirectory() as sources:
        subprocess.run([*download, "--no-deps", "--dest", sources], check=True, env=environment)
        with tarfile.open(next(pathlib.Path(sources).glob("*.tar.gz"))) as archive:
            for member in archive.getmembers():
                member.name = member.name.partition("/")[2]
                if member.isfile() and member.name.startswith(
                        ("test/", "tests/", "docs_src/", "vendor/llhttp/test/", "LICENSE", "README.rst")):
                    archive.extract(member, folder)


def npm(folder, *arguments):
    return subprocess.run(["npm", *arguments, "--silent", "--no-audit", "--no-fund", "--ignore-scripts"],
                          cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def fetch_packed(package, folder):
    """One whose package has its tests."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / npm(folder, "pack", package).split()[-1]) as archive:
        for member in archive.getmembers():
            member.name = member.name.partition("/")[2]
            if member.isfile() and member.name:
                archive.extract(member, folder)


def fetch_needs(folder, packages, **further):
    """What the tests of packages need, but for what checks sources: one workspace of npm's for all."""
    for name in packages:
        description = folder / name / "package.json"
        package = json.loads(description.read_text())
        package["devDependencies"] = {
            need: version for need, version in package.get("devDependencies", {}).items()
            if not re.match("@types/|c8$|coveralls$|eslint|istanbul$|mocha$|neostandard|nyc$|tsd$|"
                            "tstyche|typescript|xo$",
                            need)}
        package.pop("scripts", None)
        description.write_text(json.dumps(package))
    (folder / "package.json").write_text(json.dumps(
        {"private": True, "workspaces": packages, "dependencies": further}))
    npm(folder, "install", "--legacy-peer-deps")


class Served:
    """`with Served(SOURCE) as port`: a duet of this environment that serves it."""

    def __init__(self, source, port=0, cwd=None, ports=(), options=(), **environment):
        self.command = [DUET, "serve", source, "--admin", "off", *options]
        for one in ports or [port]:
            self.command += ["--listen", f"127.0.0.1:{one}"]
        if ports:  # ports.cjs gives them to the servers of tests
            environment["SUITE_PORTS"] = " ".join(map(str, ports))
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


def run_inside(source, tests, **environment):
    """What tests report that run in the duet that serves `source`: from its first request on, until they end it."""
    port = free_ports(1)[0]
    with tempfile.TemporaryDirectory() as results:
        result = os.path.join(results, "result")
        served = Served(source, port, cwd=tests, options=["--body-limit", "64MiB"],
                        PYTHONPATH=os.pathsep.join([str(HERE), str(tests)]),
                        SUITE_PORT=str(port), SUITE_RESULT=result, **environment)
        with served:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/")
            connection.getresponse().read()
            connection.close()
            print(served.process.stdout.read(), end="")
        with open(result) as file:
            return json.load(file)


# None of those that the system gives, which a client could have before the duet listens; each once.
PORTS = itertools.cycle(random.sample(range(11000, 32768), 32768 - 11000))


def free_ports(count=12):
    """A test has one to three servers, and a port rests before it is taken again."""
    ports = []
    while len(ports) < count:
        port = next(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports


def use_tests(folder):
    """`tests` is this suite's, in this process."""
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


class Reports:
    """A plugin of pytest's that counts."""

    def __init__(self):
        self.counts = {"passed": 0, "skipped": 0}
        self.failed = []

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" or report.skipped:
            self.counts[report.outcome] += 1


def run_pytest(reports, *arguments):
    """In this process, without the settings that the tests came with."""
    import pytest

    pytest.main(["--tb=short", "-q", "-c", os.devnull, "-p", "no:cacheprovider", *arguments,
                 *os.environ.get("PYTEST", "").split()], plugins=[reports])


def rows_of(name):
    return list(__import__(f"{name}_suite").run(pathlib.Path(sys.prefix) / "suites"))


def main(names):
    table = {}
    for name in names or SUITES:
        # A process each: the modules of several are called `tests`, and they replace parts of others.
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as own:
            table.update(own.submit(rows_of, name).result())
    columns = ["passed", "different", "skipped", "failed"]
    print(f"{'':<24}" + "".join(f"{column:>11}" for column in columns))
    for what, counts in table.items():
        print(f"{what:<24}" + "".join(f"{counts.get(column, 0):>11}" for column in columns))
    sys.exit(any(counts.get("failed") or not counts.get("passed") for counts in table.values()))


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in SUITES]
    if {"--help", "-h"} & set(sys.argv):
        print(__doc__, end="")
    elif sys.argv[1:2] == ["fetch"]:
        if len(sys.argv) != 3:
            sys.exit("fetch needs the name of a folder, which it creates")
        fetch(sys.argv[2])
    elif unknown:
        sys.exit(f"{unknown[0]} is no suite: there are {', '.join(SUITES)}, and `fetch FOLDER`")
    else:
        sys.modules["suites"] = sys.modules["__main__"]
        sys.path.insert(0, str(HERE))
        main(sys.argv[1:])
