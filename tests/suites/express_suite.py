"""Express' own tests, those of the middleware around it, ws', node-fetch's, http-proxy's and eventsource's: mocha
in the duet that serves, a duet for a package, beside a Node. Both run mocha_entry.cjs; what fails on Node as well
says nothing, and counts as skipped.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import time

from suites import HERE, MIDDLEWARE, NODE, Served, free_ports, judge

ENTRY = str(HERE / "mocha_entry.cjs")
PATIENCE = 30.0  # seconds without a further test; each has 5

# A package's tests, if not all files.
FILES = {"ws": ["test/*.test.js"], "http-proxy": ["test/*-test.js"]}
OWN_PORTS = ["http-proxy", "eventsource"]  # their clients ask for the ports that they passed to listen()

# Parts of a test's name, and why it is otherwise.
DIFFERENT = {
    "should escape the url": "sends a Host that is none: 400 (RFC 9112, 3.2)",
    "should encode the url": "sends a Host that is none: 400 (RFC 9112, 3.2)",
    "should not color 1xx": "a status of 102 is no answer",
    "does not suppress the throwing behavior": "counts the process' listeners: the host has one, too",
    "is destroyed after 'end' and 'finish' are emitted (1/2)": "fails by the listener of the one before",
    "does not swallow errors thrown from": "counts the process' listeners: the host has one, too",
    "emits an error if http server bind fails": "ports.cjs takes any port",
    "starts a server on a given port": "ports.cjs takes any port",
    "binds the server on any IPv6 address": "ports.cjs takes any address",
    "emits the 'close' event after the server closes": "waits for a connection that sends nothing",
    "using IPv6 should resolve": "ports.cjs takes any address",
    "second packet size is equal custom highWaterMark": "counts the bytes of Node's head",
    "should make the request, handle response and finish it": "asks for the port that it passed to listen()",
    "should pass all set-cookie headers to client": "sends a Host that is none: 400 (RFC 9112, 3.2)",
    "not allow SSL self signed": "reads the wording of an older Node",
    "should handle socket errors": "what follows in a pipeline costs an earlier request nothing",
}


def rows(results):
    return [json.loads(line) for line in results.read_text().splitlines()]


def wait(results):
    """The rows, once the last test is over, or none has followed for long."""
    counted, since = -1, time.monotonic()
    while time.monotonic() - since < PATIENCE:
        found = rows(results)
        if found and found[-1].get("end"):
            return found[:-1]
        if len(found) != counted:
            counted, since = len(found), time.monotonic()
        time.sleep(0.1)
    return rows(results)


def both(folder):
    """What Node and duet report of a package's tests."""
    tests = [str(path) for pattern in FILES.get(folder.name, ("test/*.js", "test/acceptance/*.js"))
             for path in sorted(folder.glob(pattern))]
    with tempfile.TemporaryDirectory() as scratch:
        on_node, on_duet = pathlib.Path(scratch, "node"), pathlib.Path(scratch, "duet")
        environment = {"SUITE_FILES": " ".join(tests), "NODE_ENV": "test",
                       "NO_DEPRECATION": "body-parser,express"}
        if folder.name in OWN_PORTS:
            environment["SUITE_OWN_PORTS"] = "1"
        for results in (on_node, on_duet):
            results.touch()
        with subprocess.Popen([NODE, ENTRY], cwd=folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              env=dict(os.environ, SUITE_RESULTS=str(on_node), **environment)) as peer:
            expected = wait(on_node)
            peer.terminate()
        with Served(ENTRY, cwd=folder, ports=free_ports(), SUITE_RESULTS=str(on_duet),
                    **environment):
            return expected, wait(on_duet)


def run(folder):
    for what, packages in (("express", MIDDLEWARE[:1]), ("express' middleware", MIDDLEWARE[1:]),
                           ("ws", ["ws"]), ("node-fetch", ["fetch"]),
                           *((name, [name]) for name in OWN_PORTS)):
        counts, failed = {"passed": 0, "skipped": 0}, []
        for package in packages:
            expected, found = both(folder / "express" / package)
            broken = {row["name"] for row in expected if not row["ok"]}
            for row in found:
                if row["skip"] or (not row["ok"] and row["name"] in broken):
                    counts["skipped"] += 1
                elif row["ok"]:
                    counts["passed"] += 1
                else:
                    failed.append(f"{package}: {row['name']}")
            missing = {row["name"] for row in expected} - {row["name"] for row in found}
            if missing:
                failed.append(f"{package}: {len(missing)} of {len(expected)} tests missing")
        yield what, judge(counts, failed, DIFFERENT)
