"""gunicorn's tests that ask a server over a socket: requests on the wire, ASGI compliance, frameworks.

Its files of requests, right and wrong ones, are sent as they are; its ASGI tests and those of six
frameworks' applications bring the applications. They are written for containers: the fixtures that
would start those give the addresses of duets instead.
"""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from suites import HERE, Served, judge

PATIENCE = 5  # seconds
LARGE = ["--body-limit", "64MiB"]

# Files of requests, and why the answer is otherwise.
DIFFERENT_REQUESTS = {
    **{f"invalid/{name}": "gunicorn's limits of sizes, or an option of its"
       for name in ("006", "007", "008", "009", "010", "011", "012", "017", "019",
                    "limit_header_default_01")},
    **{f"invalid/{name}": "a field with '_' reaches ASGI applications; WSGI ones do not see it"
       for name in ("040", "chunked_07")},
    "invalid/041": "the application judges a second Content-Type",
    "invalid/rfc9110_trailer_forbidden_host_01": "trailers are dropped, whatever their names",
    "invalid/rfc9112_leading_crlf_02": "empty lines before a request are passed over (RFC 9112, 2.2)",
    "valid/005": "a target has no fragment (RFC 9112, 3.2)",
    "valid/013": "no space in a chunk's extensions, as in Node",
    "valid/024": "gunicorn's limits of sizes",
    **{f"valid/{name}": "no transfer coding but chunked: 501 (RFC 9112, 6.1)"
       for name in ("025", "025_line", "029", "030", "rfc9112_smuggle_gzip_chunked_01",
                    "rfc9112_smuggle_te_identity_chunked_01")},
    "valid/028": "an option of gunicorn's",
    "valid/031": "a method that is not known: 501 (RFC 9110, 9.1)",
    "valid/099": "its Content-Length is longer than its body",
    "valid/compat_obs_fold": "an option of gunicorn's",
    "valid/pp_": "an option of gunicorn's",
    "valid/rfc9112_target_absolute_userinfo_01": "no user in a target (RFC 9110, 4.2.4)",
    "valid/rfc9112_target_asterisk_options_01": "OPTIONS * is the server's: 204",
    "valid/rfc9112_target_authority": "CONNECT: this is no proxy",
}

# Parts of a test's name.
DIFFERENT_TESTS = {
    "https": "duet serves no TLS",
    "wss_": "duet serves no TLS",
    "test_proxy_headers_forwarded": "asks for the proxy before gunicorn",
}

ADDRESSES = """
import os
import pytest

@pytest.fixture(scope="session")
def docker_services():
    plain = os.environ["SUITE_URL"]
    return dict.fromkeys(["gunicorn_http", "gunicorn_https", "nginx_http", "nginx_https"], plain)
"""


# --- requests on the wire ---


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})


def wire_bytes(file):
    """As gunicorn's treq reads its files."""
    data = file.read_bytes().replace(b"\n", b"")
    for text, byte in ((b"\\r\\n", b"\r\n"), (b"\\0", b"\0"), (b"\\n", b"\n"), (b"\\t", b"\t")):
        data = data.replace(text, byte)
    data = re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), data)

    # What these files leave out, but HTTP/1.1 demands.
    def with_host(head):
        return head[0] if re.search(rb"\r\nhost\s*:", head[0], re.I) else \
            head[1] + b"Host: localhost\r\n" + head[2]

    return re.sub(rb"([A-Z][^\r\n]* HTTP/1\.1\r\n)((?:[^\r\n]+\r\n)*\r\n)", with_host, data)


def statuses(port, data):
    """Of the answers until duet closes the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                answer += piece
    return re.findall(r"HTTP/1\.1 (\d+)", answer.decode("latin-1"))


def run_requests(folder):
    failed, passed = [], 0
    with Served("gunicorn_suite:app", PYTHONPATH=str(HERE)) as port:
        for file in sorted(folder.glob("tests/requests/*/*.http")):
            seen = statuses(port, wire_bytes(file))
            accepted = bool(seen) and set(seen) == {"200"}
            refused = not any(status.startswith("2") for status in seen)
            if accepted if file.parent.name == "valid" else refused:
                passed += 1
            else:
                failed.append(f"{file.parent.name}/{file.stem} {seen}")
    return judge({"passed": passed}, failed, DIFFERENT_REQUESTS)


# --- its tests of ASGI, and of frameworks' applications ---


def run_pytest(folder, arguments, **environment):
    with tempfile.TemporaryDirectory() as results:
        report = pathlib.Path(results) / "report.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", ".",
                        "-p", "no:cacheprovider", "-p", "no:anyio", "-o", "asyncio_mode=auto",
                        f"--junitxml={report}", *arguments], cwd=folder,
                       env=dict(os.environ, **environment), stdout=subprocess.DEVNULL)
        cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    outcomes = {f"{case.get('classname')}.{case.get('name')}": {part.tag for part in case}
                for case in cases}
    failed = [name for name, tags in outcomes.items() if tags & {"failure", "error"}]
    skipped = sum("skipped" in tags for tags in outcomes.values())
    counts = {"passed": len(outcomes) - len(failed) - skipped, "skipped": skipped}
    return judge(counts, failed, DIFFERENT_TESTS)


def run_compliance(folder):
    with Served("apps.main_app:app", cwd=folder, options=LARGE) as port:
        (folder / "conftest_addresses.py").write_text(ADDRESSES)
        conftest = (folder / "conftest.py").read_text()
        if "conftest_addresses" not in conftest:
            conftest = conftest.replace("def docker_services", "def containers")
            (folder / "conftest.py").write_text(
                conftest + "\nfrom conftest_addresses import docker_services  # noqa\n")
        return run_pytest(folder, ["--ignore=test_http2_asgi.py"], PYTHONPATH=str(folder),
                          SUITE_URL=f"http://127.0.0.1:{port}")


def run_frameworks(folder):
    """Six duets, at the ports that these tests have written down."""
    path = os.pathsep.join([str(folder), str(folder / "frameworks")])
    applications = {"django": "asgi:application"}
    with contextlib.ExitStack() as stack:
        for number, name in enumerate(["django", "fastapi", "starlette", "quart", "litestar",
                                       "blacksheep"], 1):
            stack.enter_context(Served(applications.get(name, "app:app"), 8000 + number,
                                       cwd=folder / f"frameworks/{name}_app", options=LARGE,
                                       PYTHONPATH=path))
        return run_pytest(folder, ["--skip-docker-check", "tests"])


def run(folder):
    folder = folder / "gunicorn"
    yield "gunicorn, requests", run_requests(folder)
    yield "gunicorn, ASGI", run_compliance(folder / "tests/docker/asgi_compliance")
    yield "gunicorn, frameworks", run_frameworks(folder / "tests/docker/asgi_framework_compat")
