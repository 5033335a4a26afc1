"""granian's tests over the wire, of ASGI, WSGI and WebSocket: each starts one of its applications, here
as a duet.
"""

import contextlib
import importlib
import os
import sys
import types

from suites import Reports, Served, judge, run_pytest, use_tests

FILES = [f"tests/test_{name}.py" for name in ("asgi", "wsgi", "ws")]

# Parts of a test's name, and why it is otherwise.
DIFFERENT = {
    "test_scope[": "asks for ASGI 2.3; it is 2.4 here",
    "test_asgi_scope[": "asks for ASGI 2.3; it is 2.4 here",
    "test_protocol_error": "duet's own words",
    "test_reject[": "no answer is a failure of the application: 500",
}


@contextlib.asynccontextmanager
async def serve(interface, port, *_, **__):
    """In the place of granian, of its fixtures."""
    with Served(f"tests.apps.{interface}:app", port, cwd=os.getcwd(), PYTHONPATH=os.getcwd()):
        yield port


class Granian(Reports):
    def pytest_collection_modifyitems(self, items):
        # Once instead of in each of granian's modes, and without its own protocol.
        items[:] = [item for item in items if "mt" not in item.name and "rsgi" not in item.name]
        importlib.import_module("conftest")._server = serve


def run(folder):
    use_tests(folder / "granian")
    sys.modules["granian"] = types.SimpleNamespace(Granian=None)  # itself is not needed
    reports = Granian()
    run_pytest(reports, *FILES, "--rootdir", ".", "-o", "asyncio_mode=auto")
    yield "granian", judge(reports.counts, reports.failed, DIFFERENT)
