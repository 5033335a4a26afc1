"""Other people's tests of libraries, on duet's event loop class. Opt-in, minutes; see README.md.

    python3 tests/python/clients_suite.py fetch FOLDER     once: the libraries, their tests and needs
    FOLDER/bin/python tests/python/clients_suite.py LIBRARY        on asyncio's own loop
    VIRTUAL_ENV=FOLDER LIBRARY=aiohttp duet serve --admin off tests/python/clients_suite.py

LIBRARY is a key of CHOSEN. The first run writes down what fails by itself on this machine (without
IPv6 there is much); that on duet, which ends with 1 as no handler is found, names what fails there alone.
PYTEST gives pytest further arguments.
"""

import asyncio
import json
import logging
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import venv

PACKAGES = ["anyio", "aiohttp", "tornado", "asyncssh", "aiosmtpd", "httpcore", "httpx", "aioquic",
            "hypercorn", "asgiref", "pytest", "pytest-mock", "pytest-timeout", "pytest-asyncio", "trustme",
            "psutil", "hypothesis", "blockbuster", "truststore", "freezegun", "proxy.py", "re-assert",
            "python-on-whales", "isal", "zlib_ng", "coverage", "pytest-cov", "Brotli", "h2", "socksio",
            "pytest-trio", "pytest-httpbin", "uvicorn", "chardet", "zstandard", "click", "rich",
            "bcrypt", "fido2", "pyOpenSSL", "twisted", "PyHamcrest", "service_identity"]

# What pytest is told. Without trio's variants, and without tests that measure, or that use no loop.
PLAIN = ["-c", os.devnull, "--rootdir", ".", "--timeout", "60"]  # theirs ask for plugins that only measure
CHOSEN = {
    "anyio": ["tests", "-k", "asyncio or not trio"],
    "aiohttp": [*PLAIN, *(f"tests/test_{name}.py" for name in (
        "client_functional", "client_ws_functional", "web_functional", "web_websocket_functional",
        "connector", "loop", "web_sendfile_functional", "proxy_functional", "web_server",
        "web_runner", "client_session", "streams", "web_protocol"))],
    "tornado": [*PLAIN, "-p", "no:logging", "-p", "no:asyncio", "-o", "python_files=*_test.py",
                "--pyargs", "tornado.test"],
    "asyncssh": [*PLAIN, "-p", "no:asyncio", *(f"tests/test_{name}.py" for name in (
        "agent", "auth", "channel", "connection", "connection_auth", "editor", "forward", "process",
        "sftp", "stream", "subprocess", "x11"))],
    "aiosmtpd": [*PLAIN, "--pyargs", "aiosmtpd.tests"],
    "httpcore": [*PLAIN, "tests/_async", "tests/test_cancellations.py", "-k", "not trio"],
    "httpx": [*PLAIN, "tests", "-k", "not trio"],
    "aioquic": [*PLAIN, "-p", "no:asyncio", "tests/test_asyncio.py"],
    "hypercorn": [*PLAIN, "-o", "asyncio_mode=strict", "tests", "-k", "not trio"],
    "asgiref": [*PLAIN, "tests"],
    "twisted": [*PLAIN, "-p", "no:asyncio", "-k", "AsyncioSelectorReactor", "--pyargs",
                "twisted.internet.test"],
    "pytest-asyncio": [*PLAIN, "tests"],
}

# Parts of a test's name, and why it cannot hold here.
DIFFERENT = {
    "test_main_task_name": "closes all loops of the process; the host's cannot be closed",
    "test_run_sync_soon_closed_event_loop": "as above",
    "test_entrypoint_main_module": "replaces __main__.__file__, which a host does not have",
    "test_nonexistent_main_module": "as above",
    "test_aclose_forcefully[asyncio-ipv4]": "the collector finds sockets of tests that failed for want of IPv6",
    "test_keepalive_expires_on_time": "replaces the loop's time(), by which asyncio's own loop goes",
    "test_secure_https_proxy_absolute_path": "forks a proxy that asks for a loop of the tests' policy",
}


def fetch(folder):
    venv.create(folder, with_pip=True)
    pip = [str(pathlib.Path(folder) / "bin" / "python"), "-m", "pip", "--quiet"]
    subprocess.run([*pip, "install", *PACKAGES], check=True)
    listed = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    for name in CHOSEN:  # aiosmtpd's, tornado's and twisted's are installed with them
        version = next(line for line in listed.splitlines() if line.lower().startswith(f"{name}=="))
        with tempfile.TemporaryDirectory() as sources:
            subprocess.run([*pip, "download", "--no-deps", "--no-binary", name, "--dest", sources,
                            version], check=True)
            with tarfile.open(next(pathlib.Path(sources).glob("*.tar.gz"))) as archive:
                for member in archive.getmembers():
                    member.name = member.name.partition("/")[2]
                    settings = member.name in ("pyproject.toml", "pytest.ini")
                    if member.isfile() and (settings or member.name.startswith("tests/")):
                        archive.extract(member, pathlib.Path(folder) / "suites" / name)


def use_duets_loop():
    import loop_suite
    from duet._loop import Loop

    class Own(Loop):
        def __init__(self, selector=None):
            super().__init__(own=True)

    asyncio.DefaultEventLoopPolicy._loop_factory = Own  # also for those who set the default policy again
    asyncio.SelectorEventLoop = asyncio.EventLoop = Own
    loop_suite.own_signals()


class Plugin:
    def __init__(self):
        self.counts = {"passed": 0, "skipped": 0}
        self.failed = set()

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" or report.skipped:
            self.counts[report.outcome] += 1


def run(library, on_duet):
    import pytest

    if on_duet:
        use_duets_loop()
    folder = pathlib.Path(sys.prefix) / "suites" / library
    own_failures = folder / "failed_on_asyncio.json"
    os.chdir(folder)
    plugin = Plugin()
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)  # as its own runner has it
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *CHOSEN[library],
                 *os.environ.get("PYTEST", "").split()], plugins=[plugin])
    if not on_duet:
        own_failures.write_text(json.dumps(sorted(plugin.failed)))
        return print(plugin.counts, "failed on asyncio's own loop:", len(plugin.failed))
    alone = plugin.failed - set(json.loads(own_failures.read_text()))
    explained = {name for name in alone if any(part in name for part in DIFFERENT)}
    print(plugin.counts, "as on asyncio's own loop:", len(plugin.failed - alone),
          "different:", len(explained), "failed:", *sorted(alone - explained) or ["none"])
    sys.exit(alone != explained or not plugin.counts["passed"])


if __name__ == "__main__" and sys.argv[1:2] == ["fetch"]:
    fetch(sys.argv[2])
elif __name__ == "__main__":
    run(sys.argv[1], False)
else:
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    run(os.environ["LIBRARY"], True)
