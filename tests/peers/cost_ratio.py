"""What one path of a host costs more than another, by `duet bench`."""

import argparse
import json
import pathlib
import subprocess

import process

ROOT = pathlib.Path(__file__).resolve().parents[2]


def options(description, seconds, hosts=None, only=()):
    """The command line of such a script; the cores are picked. `only`: what its --only may name."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=seconds, help="of load on a host, all together")
    if hosts is not None:
        parser.add_argument("--hosts", type=int, default=hosts)
        parser.add_argument("--only", choices=only)
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    process.pick_cores()
    return parser.parse_args()


def serve(options, folder, config, paths, check, admin="off"):
    """A host of that configuration in that folder, which has answered at these."""
    (folder / "duet.toml").write_text(config)
    server = process.Server([options.duet, "serve", "duet.toml", "--listen", "127.0.0.1:{port}",
                             "--admin", admin], folder, folder / "log")
    try:
        server.first_answer([process.get(path) for path in paths], check)
    except BaseException:
        server.stop()
        raise
    return server


def bench(options, urls, *more):
    """The JSON of `duet bench` of these {name: URL}, on the client's core. The first one runs twice."""
    done = subprocess.run([options.duet, "bench", *("=".join(one) for one in urls.items()), "--json",
                           "--duration", f"{options.seconds * 1000:.0f}ms", *more], stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise process.PeerError(f"duet bench ended with exit code {done.returncode}")
    result = json.loads(done.stdout)
    for arm in result["arms"]:
        if failed := arm["bad_status"] + sum(arm["no_answer"].values()):
            raise process.PeerError(f"{failed} of {arm['requests']} requests to {arm['name']} failed")
    return result


def ratios(result, figure):
    """Of each but the first to the first one, last of the first one to itself: {value, low, high}."""
    found = [arm["ratios"][figure] for arm in result["comparison"]["arms"][1:]]
    for ratio in found:
        if ratio["low"] is None:
            raise process.PeerError(f"no ratio of {figure}: {ratio['missing']}")
    return found


def say(title, ratio, limit=None):
    interval = f"95% {ratio['low']:.3f}-{ratio['high']:.3f}"
    bar = ")" if limit is None else f"; at most {limit}) {'pass' if ratio['value'] <= limit else 'MISS'}"
    print(f"{title} {ratio['value']:.3f}  ({interval}{bar}", flush=True)
