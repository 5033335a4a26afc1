"""Werkzeug's tests of its development server, over the wire: each starts one of their applications, here as
a duet.
"""

import importlib
import io
import os

from suites import HERE, Reports, Served, judge, run_pytest, use_tests

# Parts of a test's name, and why it is otherwise.
DIFFERENT = {
    "untrusted_host": "a fragment in a target: 400",
    "double_slash": "PATH_INFO is the path as it came",
    "chunked_request[True]": "a Content-Length beside Transfer-Encoding: 400 (RFC 9112, 6.1)",
    "headers_concatenated": "white space around a value is left out",
    "header_folding": "a folded line: 400 (RFC 9112, 5.2)",
    "streaming_close": "Werkzeug's answers HTTP/1.0: chunks here, and an end without the last of them",
}


class Live:
    """In the place of a process of Werkzeug's server, whose end is waited for."""

    def __init__(self, served):
        self.terminate, self.wait = served.__exit__, lambda: None


def start(self):
    served = Served("werkzeug_suite:app", self.addr.rpartition(":")[2], cwd=self._tmp_path,
                    PYTHONPATH=f"{HERE}:{os.getcwd()}/tests/live_apps",
                    SUITE_APPLICATION=self._app_name)
    served.__enter__()
    self._proc, self._log_read, self._log_write = Live(served), io.StringIO(), io.StringIO()
    return self


class DevServer(Reports):
    def pytest_collection_modifyitems(self, items):
        # Without those of the process that reloads code, and of TLS.
        items[:] = [item for item in items if item.get_closest_marker("dev_server")
                    and not any(part in item.name for part in ("reloader", "https", "ssl", "unix"))]
        importlib.import_module("conftest").DevServerClient.__enter__ = start


def run(folder):
    use_tests(folder / "werkzeug")
    reports = DevServer()
    run_pytest(reports, "tests/test_serving.py", "--rootdir", ".")
    yield "werkzeug", judge(reports.counts, reports.failed, DIFFERENT)


if "SUITE_APPLICATION" in os.environ:  # in the duet that serves
    app = importlib.import_module(f"{os.environ['SUITE_APPLICATION']}_app").app
