"""Node's own tests of http.Server (test/parallel), each file the application that a duet serves.

The release is that of duet's Node, whose own run of a file says what is expected: a file that fails
there as well says nothing, and counts as skipped.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from suites import HERE, NODE, Served, judge

ENTRY = str(HERE / "node_entry.cjs")
PATIENCE = 10.0  # seconds for a file; on Node they take one or two

# A server of http; not one that listens on a path, or that needs an option of the process.
SERVER = re.compile(r"\bhttp\.(createServer|Server)\b|createServer.*= *require\('(node:)?http'\)")
EXCLUDED = re.compile(r"common\.PIPE|^// Flags:|\bcluster\b", re.MULTILINE)

# Why a file's test is otherwise, and what follows test-http- in the names of such files.
REASONS = {
    "no Connection: keep-alive or Keep-Alive in HTTP/1.1, where they say nothing":
        "automatic-headers content-length keep-alive-max-requests keep-alive-pipeline-max-requests "
        "keep-alive-timeout keep-alive-timeout-custom multiple-headers raw-headers server-close-all "
        "server-close-idle server-keep-alive-defaults server-keep-alive-max-requests-null",
    "what is no HTTP is answered by the host, in its own words":
        "blank-header chunk-extensions-limit chunked-smuggling double-content-length "
        "dummy-characters-smuggling header-overflow host-header-ipv6-fail invalid-te "
        "missing-header-separator-cr missing-header-separator-lf parser-finish-error "
        "request-smuggling-content-length server-client-error server-destroy-socket-on-client-error "
        "server-multiple-client-error server-reject-chunked-with-content-length "
        "server-reject-cr-no-lf server-request-timeout-upgrade server-unconsume-consume "
        "socket-error-listeners transfer-encoding-repeated-chunked transfer-encoding-smuggling "
        "upgrade-server2",
    "a field of which there is one, sent twice: 400 (RFC 9110, 5.3; RFC 9112, 3.2)":
        "request-join-authorization-headers server-multiheaders server-multiheaders2",
    "the limits of a head, and the times of a connection, are the host's":
        "catch-uncaughtexception keep-alive-drop-requests max-header-size-per-stream "
        "max-headers-count-overflow server-headers-timeout-delayed-headers "
        "server-headers-timeout-interrupted-headers server-headers-timeout-keepalive "
        "server-headers-timeout-pipelining server-keep-alive-timeout "
        "server-request-timeout-delayed-body server-request-timeout-delayed-headers "
        "server-request-timeout-interrupted-body server-request-timeout-interrupted-headers "
        "server-request-timeout-keepalive server-request-timeout-pipelining",
    "the connection is the host's: there is no 'connection' event":
        "agent-free-socket-data-guard response-drain-cork socket-encoding-error upgrade-server",
    "the connection is the host's: req.socket is that of one request, and no stream":
        "agent-keepalive byteswritten dump-req-when-res-ends header-badrequest keepalive-client "
        "keepalive-request no-read-no-dump outgoing-end-cork outgoing-properties "
        "remove-connection-header-persists-connection req-close-robust-from-tampering req-res-close "
        "response-cork server-unconsume upgrade-reconsume-stream",
    "a response behind another one has its socket, too":
        "incoming-pipelined-socket-destroy outgoing-drain-writable-length pipeline-flood "
        "pipeline-outgoing-destroy",
    "a server that closes leaves idle connections to others": "agent",
    "looks at Node's parser, timers or counters":
        "parser-freed-before-upgrade parser-freed-during-execute parser-memory-retention perf_hooks "
        "server-async-dispose server-clear-timer server-close-destroy-timeout "
        "server-connection-list-when-close server-keepalive-end server-optimize-empty-requests",
    "without Transfer-Encoding the body is chunked all the same, and the connection kept":
        "remove-header-stays-removed",
    "no body, so the connection is kept": "1.0-keep-alive chunked-304",
    "a field with a control character, or two lengths: an error of the handler":
        "header-value-relaxed response-multi-content-length",
    "417 is the host's": "expect-handling",
    "lets no server listen":
        "generic-streams insecure-parser-per-stream server-timeouts-validation",
    "needs the program ab": "full-response",
}
DIFFERENT = {f"test-http-{name}." for names in REASONS.values() for name in names.split()}


def on_node(file):
    with tempfile.TemporaryDirectory() as scratch:
        try:
            return subprocess.run([NODE, file], cwd=file.parent, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=30,
                                  env=dict(os.environ, NODE_TEST_DIR=scratch)).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def on_duet(file):
    with tempfile.TemporaryDirectory() as scratch:
        results = pathlib.Path(scratch, "results")
        try:
            with Served(ENTRY, cwd=file.parent, SUITE_FILE=str(file), SUITE_RESULTS=str(results),
                        NODE_TEST_DIR=scratch, NODE_TEST_KNOWN_GLOBALS="0"):
                until = time.monotonic() + PATIENCE
                while time.monotonic() < until:
                    if results.exists() and (text := results.read_text()).endswith("\n"):
                        return json.loads(text)["ok"]
                    time.sleep(0.05)
        except RuntimeError:
            pass
        return False


def run(folder):
    parallel = folder / "node/test/parallel"
    files = []
    for file in sorted(parallel.glob("test-http-*.js")):
        text = file.read_text()
        if SERVER.search(text) and not EXCLUDED.search(text):
            files.append(file)
    counts, failed = {"passed": 0, "skipped": 0}, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, expected, found in zip(files, pool.map(on_node, files), pool.map(on_duet, files)):
            if found:
                counts["passed"] += 1
            elif not expected:
                counts["skipped"] += 1
            else:
                failed.append(f"{file.stem}.")
    yield "node", judge(counts, failed, DIFFERENT)
