"""What one path of a host costs more than another: CPU time a request, measured by turns."""

import argparse
import os
import pathlib
import shutil
import statistics
import types

import process

ROOT = pathlib.Path(__file__).resolve().parents[2]


def options(description, rounds):
    """The command line of such a script, with `wrk`; the cores are picked."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    given = parser.parse_args()
    given.wrk = shutil.which("wrk")
    if given.wrk is None:
        raise process.PeerError("wrk is needed: apt-get install wrk")
    process.pick_cores()
    return given


def by_turns(rounds, dearer, plain):
    """Ascending ratios, one a round, of what two functions measure one after the other."""
    plain(), dearer()  # warm
    found = []
    for number in range(rounds):
        taken = {measure: measure() for measure in ((plain, dearer) if number % 2 else (dearer, plain))}
        found.append(taken[dearer] / taken[plain])
    return sorted(found)


def ratios(options, folder, dearer, plain, body, script=None):
    """Ascending ratios, one a round, of the two paths of the host that folder/duet.toml describes.

    Both answer with `body`; `script`: a file of wrk's in the folder.
    """
    environment = dict(os.environ)
    server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                             "--admin", "off"], folder, folder / "log", environment)
    try:
        server.first_answer([f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
                             for path in (dearer, plain)], lambda answer: answer == body)

        def cost(path):
            work = types.SimpleNamespace(path=path, script=script)
            return process.load(server, work, options.seconds, 64, options.wrk, folder,
                                environment).cpu_per_request

        return by_turns(options.rounds, lambda: cost(dearer), lambda: cost(plain))
    finally:
        server.stop()


def say(title, found, limit):
    middle, quarter = statistics.median(found), len(found) // 4
    print(f"{title} {middle:.3f}  (middle half {found[quarter]:.3f}-{found[-1 - quarter]:.3f}; "
          f"at most {limit}) {'pass' if middle <= limit else 'MISS'}", flush=True)
