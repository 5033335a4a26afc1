#!/usr/bin/env python3
"""The demo: one process serves JavaScript, Python and C++; a load; and where the time went.

    cmake --workflow --preset demo

Serves examples/iso, shows that the languages answer alike, sends a steady load for ten seconds, and
prints the phases of the requests side by side. Ends with 0, or says on one line what went wrong.
"""

import argparse
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from table import cpu_lines, phase_table, blame_lines

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "examples/iso/duet.toml"
START_LIMIT = 30  # seconds

# handler, requests a second, target. Look-ups are cheap, searches are work, exports are long.
LOAD = [
    ("lookup-cpp", 600, "/cpp/countries/PT"),
    ("lookup-js", 600, "/js/countries/PT"),
    ("lookup-py", 600, "/py/countries/PT"),
    ("search-js", 25, "/js/search?q=portugl"),
    ("search-py", 25, "/py/search?q=portugl"),
    ("export-js", 3, "/js/export/languages"),
    ("export-py", 3, "/py/export/languages"),
]
HANDLERS = [name for name, _, _ in LOAD]


class DemoError(Exception):
    pass


class Style:
    """Emphasis, on a terminal."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 100) if terminal else 100

    def wrap(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.terminal else text

    def bold(self, text):
        return self.wrap("1", text)

    def dim(self, text):
        return self.wrap("2", text)

    def good(self, text):
        return self.wrap("32", text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duet", required=True, metavar="FILE", help="the host's executable")
    parser.add_argument("--load", required=True, metavar="FILE", help="demo_load's executable")
    parser.add_argument("--seconds", type=float, default=10, help="of load (default: 10)")
    return parser.parse_args()


class Host:
    """The host as a child process; its log is kept for the case that something goes wrong."""

    def __init__(self, executable):
        self.lines = []
        self.addresses = {}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [executable, "serve", str(CONFIG), "--listen", "127.0.0.1:0",
             "--admin", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        self.heard = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self.heard.put(line)
        self.heard.put(None)

    def wait_until_ready(self):
        """Seconds until the host said that it answers."""
        deadline = self.started + START_LIMIT
        while not {"listening", "admin"} <= self.addresses.keys():
            try:
                line = self.heard.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise DemoError(f"the host was not ready after {START_LIMIT} s") from None
            if line is None:
                raise DemoError("the host ended at start")
            if found := re.match(r"(listening|admin) on (http://\S+)", line):
                self.addresses[found[1]] = found[2].rstrip("/")
        return time.monotonic() - self.started

    def get(self, path, address="listening"):
        try:
            with urllib.request.urlopen(self.addresses[address] + path, timeout=10) as answer:
                return answer.read()
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            raise DemoError(f"GET {path} failed: {error}") from None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "none: it did not stop when asked"


def show_answers(host, style):
    """The same endpoint in each language gives the same bytes."""
    for paths in (["/cpp/countries/PT", "/js/countries/PT", "/py/countries/PT"],
                  ["/js/search?q=portugl&limit=3", "/py/search?q=portugl&limit=3"],
                  ["/js/export/languages?format=csv", "/py/export/languages?format=csv"]):
        answers = [host.get(path) for path in paths]
        for path, answer in zip(paths, answers):
            if answer != answers[0]:
                raise DemoError(f"{path} and {paths[0]} answer differently")
        text = answers[0].decode().split("\r\n")[0]
        if text.startswith("[{"):
            text = ", ".join(f"{hit['row']['name']} {hit['score'] / 1000:.2f}"
                             for hit in json.loads(answers[0]))
        room = style.width - 52
        if len(text) > room:
            text = text[:room - 1] + "…"
        for number, path in enumerate(paths):
            shown = text if number == 0 else style.good("the same bytes")
            size = f"{len(answers[number]):,} B"
            print(f"  GET {path:<33}{size:>11}  {shown}")


def run_load(host, executable, seconds, style):
    """The last report of demo_load."""
    address = host.addresses["listening"].removeprefix("http://")
    rate = sum(rate for _, rate, _ in LOAD)
    print(style.bold(f"Load for {seconds:g} s: {rate:,} requests a second at even distances, "
                     "over 32 connections"))
    for name, each, target in LOAD:
        print(f"  {name:<11}{each:>4}/s  {style.dim('GET ' + target)}")
    print(flush=True)
    load = subprocess.Popen(
        [executable, address, str(seconds), *(f"{n}={r}={t}" for n, r, t in LOAD)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    last = None
    try:
        for line in load.stdout:
            last = json.loads(line)
            if style.terminal or not last["last"]:
                show_progress(last, seconds, style)
        if style.terminal:
            print()
        if load.wait() != 0 or last is None or not last["last"]:
            raise DemoError(load.stderr.read().strip() or f"the load ended with {load.returncode}")
    finally:
        load.kill()
        load.wait()
    return last


def show_progress(report, seconds, style):
    done = sum(stream["done"] for stream in report["streams"])
    megabytes = sum(stream["bytes"] for stream in report["streams"]) / 1e6
    at = min(report["at"], seconds)
    filled = round(24 * at / seconds)
    text = (f"  {'━' * filled}{style.dim('─' * (24 - filled))} {at:4.1f} s  {done:>7,} answers, "
            f"{megabytes:,.0f} MB, all 200")
    if style.terminal:
        print(f"\r\033[K{text}", end="", flush=True)
    else:
        print(text, flush=True)


def check(figures, report):
    """The host's account must agree with what the client got."""
    counted = {handler["name"]: handler for handler in figures["handlers"]}
    for stream in report["streams"]:
        handler = counted.get(stream["name"])
        if handler is None:
            raise DemoError(f"the host has no figures of {stream['name']}")
        if handler["requests"] < stream["done"]:
            raise DemoError(f"{stream['name']} gave {stream['done']} answers, and the host counted "
                            f"{handler['requests']} requests")
        if handler["errors"] != 0:
            raise DemoError(f"{stream['name']} failed {handler['errors']} times")


def demo(options, style):
    print(style.bold("duet: one process, one loop; handlers in JavaScript, Python and C++"))
    print(f"\n  starting   duet serve {os.path.relpath(CONFIG, ROOT)}", flush=True)
    host = Host(options.duet)
    try:
        took = host.wait_until_ready()
        print(f"  ready      {host.addresses['listening']} after {took:.2f} s; figures on "
              f"{host.addresses['admin']}\n")
        print(style.bold("The same question in each language"))
        show_answers(host, style)
        print()
        report = run_load(host, options.load, options.seconds, style)
        figures = json.loads(host.get("/api/handlers", "admin"))
        check(figures, report)
    except BaseException:
        ended = host.process.poll()
        host.process.kill()
        host.process.wait()
        if host.lines:
            print("\nthe host said last:", file=sys.stderr)
            print("\n".join(f"  {line}" for line in host.lines[-15:]), file=sys.stderr)
        if ended is not None:
            print(f"and had ended with {ended}", file=sys.stderr)
        raise
    code = host.stop()
    if code != 0:
        raise DemoError(f"the host ended with {code}")

    by_name = {handler["name"]: handler for handler in figures["handlers"]}
    chosen = [by_name[name] for name in HANDLERS]
    print("\n" + style.bold("Where the time of a request went") +
          ": from its arrival to the last byte of the answer, median " + style.dim("and p99"))
    print("\n".join(phase_table(chosen, style)))
    if lines := blame_lines(chosen):
        print("\n" + style.bold("Who waited because of whom"))
        print("\n".join(f"  {line}" for line in lines))
    print("\n" + style.bold("CPU"))
    print("\n".join(f"  {line}" for line in cpu_lines(figures)))
    # From the root of the source, where the command for the demo was given.
    print(f"\nNow your own: {os.path.relpath(options.duet, ROOT)} serve examples/hello.mjs "
          "examples/hello.py")


def main():
    options = arguments()
    try:
        demo(options, Style(sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
                            and "NO_COLOR" not in os.environ))
        return 0
    except DemoError as error:
        print(f"\ndemo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
