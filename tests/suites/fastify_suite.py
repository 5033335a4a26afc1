"""Fastify's own tests, those that listen and those that inject their requests, and those of its plugins, inside
the duet that serves: a duet for each file, beside a Node.

Both run fastify_entry.cjs. Such a suite has no end that can be seen: a file is over when the Node has ended
and both have reported as many tests, or neither has reported one for a while.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from suites import HERE, NODE, PLUGINS, Served, free_ports, judge

ENTRY = str(HERE / "fastify_entry.cjs")

# Other protocols, bundlers, what counts descriptors or addresses of the machine, and an upload of a GiB,
# for which a test's 7 s are few.
EXCLUDED = re.compile(r"http2|https|bundler|/types/|/build/|/logger/|/listen\.\d|test/big\.")
PATIENCE = 10.0  # seconds without a further test; each has 7

# Parts of a test's name, and why it is otherwise, or says nothing about duet.
DIFFERENT = {
    "Unknown method": "501 (RFC 9110, 9.1); Node says 400",
    "requestTimeout should return 408": "duet's own limit and page",
    "Should close the socket abruptly": "the connection is the host's: it is not closed in mid-pipeline",
    "Current opened connection should NOT continue": "no Connection: keep-alive in HTTP/1.1",
    "rejected incoming connections should be logged": "the connection is the host's",
    "listeningOrigin": "asks for the port that it passed to listen()",
    "handlerTimeout firing after the reply ended": "delays 'finish', which Node's 'close' waits for",
    "Should return 431": "the limits of a head are the host's",
    "onListen non-localhost": "asks for the address that it passed to listen()",
    "Register onListen hook non-localhost": "asks for the address that it passed to listen()",
    "maxRequestsPerSocket": "no Connection: keep-alive in HTTP/1.1",
    "Should reply 400 on client error": "what is no HTTP is answered by the host",
    "Should set the response from client error handler": "what is no HTTP is answered by the host",
    "non-numeric content-length": "what is no HTTP is answered by the host",
    "customErrorHandler should not call handler for in-stream error": "the head has gone out by then",
    "skip-reply-send": "waits for what it writes to req.socket: the connection is the host's, and throws",
    "Return 200 when Host header is": "400 (RFC 9112, 3.2)",
    "listen should accept log text resolution": "asks for the port that it passed to listen()",
    "listen should reject string port": "fastify_entry.cjs takes any port",
    "Test for hostname and port": "asks for the port that it passed to listen()",
    "Test for IPV6 port": "asks for the port that it passed to listen()",
    "custom server option to ws": "asks for the port that it passed to listen()",
    "get-upstream-cache": "asks for the port that it passed to listen()",
    "cache key collision via ambiguous": "asks for the port that it passed to listen()",
    "absolute-form request targets cannot bypass path-scoped": "a user in a target: 400 (RFC 9110, 4.2.4)",
    "captures errors on start": "asks for the port that it passed to listen()",
    "correct handler depending on the headers": "sends no Host: 400 (RFC 9112, 3.2)",
    "WebSocket errors to avoid Node.js crashes": "ports.cjs' servers wait for no connection",
}


class Results:
    """What one process has reported: a file of JSON lines."""

    def __init__(self, folder, name):
        self.path = pathlib.Path(folder) / name
        self.path.touch()
        self.rows = []

    def read(self):
        self.rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        return len(self.rows)


def both(file, folder):
    """The rows that Node and duet report for one file."""
    with tempfile.TemporaryDirectory() as scratch:
        on_node, on_duet = Results(scratch, "node"), Results(scratch, "duet")
        environment = {"SUITE_FILE": str(folder / file)}
        with Served(ENTRY, cwd=folder, ports=free_ports(), SUITE_RESULTS=str(on_duet.path),
                    **environment), \
                subprocess.Popen([NODE, ENTRY], cwd=folder, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL,
                                 env=dict(os.environ, SUITE_RESULTS=str(on_node.path),
                                          **environment)) as peer:
            counts, since = None, time.monotonic()
            while True:
                time.sleep(0.1)
                ended = peer.poll() is not None
                found = on_node.read(), on_duet.read()
                if found != counts:
                    counts, since = found, time.monotonic()
                quiet = time.monotonic() - since
                patience = PATIENCE if any(found) else 10 * PATIENCE  # a busy machine starts late
                if quiet > patience or (ended and found[0] == found[1]):
                    break
            peer.terminate()
        return on_node.rows, on_duet.rows


def run(folder):
    yield "fastify", judge(*tests_of(folder / "fastify"), DIFFERENT)
    yield "fastify, injected", judge(*tests_of(folder / "fastify", listening=False), DIFFERENT)
    counts, failed = {"passed": 0, "skipped": 0}, []
    for plugin in PLUGINS:
        some, bad = tests_of(folder / "fastify-plugins" / plugin)
        counts = {key: counts[key] + some[key] for key in counts}
        failed += [f"{plugin}/{name}" for name in bad]
    yield "fastify's plugins", judge(counts, failed, DIFFERENT)


def tests_of(folder, listening=True):
    """({"passed": ..., "skipped": ...}, names of the failed) of a package's files that listen, or do not."""
    files = [str(path.relative_to(folder))
             for path in sorted(folder.glob("test/**/*.js" if listening else "test/**/*.test.js"))
             if not EXCLUDED.search(str(path.relative_to(folder)))
             and ("listen(" in path.read_text()) == listening]
    counts, failed = {"passed": 0, "skipped": 0}, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, (expected, rows) in zip(files, pool.map(lambda file: both(file, folder), files)):
            broken = {row["name"] for row in expected if not row["ok"]}  # on Node as well
            counts["passed"] += sum(row["ok"] and not row["skip"] for row in rows)
            counts["skipped"] += sum(row["skip"] or (not row["ok"] and row["name"] in broken)
                                     for row in rows)
            failed += [f"{file}: {row['name']}" for row in rows
                       if not row["ok"] and row["name"] not in broken]
            if len(rows) < len(expected):
                failed.append(f"{file}: {len(expected) - len(rows)} of {len(expected)} tests missing")
    return counts, failed
