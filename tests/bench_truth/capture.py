#!/usr/bin/env python3
"""Holds what duet bench reports against a packet capture of the same run, on the loopback.

    python3 tests/bench_truth/capture.py [--duet build/release/bin/duet] [--seconds 6]

The server answers by a script (plugins/scripted), with a stall of 1.4 s. tcpdump notes when each
request and each answer passed; their distance is the service time, without anything of the bench.
p50, p90, p99 and p99.9 must agree within 2%. Where tcpdump is missing or may not capture, that is
said, and the exit code is 77.
"""

import argparse
import json
import math
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77
WITHIN = 0.02
CONFIG = """[handlers.scripted]
source = "scripted.so"
env = { LOW_US = "2000", HIGH_US = "6000", STALL_AT_MS = "2000", STALL_MS = "1400" }
[[routes]]
path = "/{rest...}"
handler = "scripted"
"""


class Skip(Exception):
    pass


def start_server(duet, folder):
    (folder / "duet.toml").write_text(CONFIG)
    server = subprocess.Popen([duet, "serve", "duet.toml", "--listen", "127.0.0.1:0", "--admin", "off"],
                              cwd=folder, stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    return server, line.split("listening on ")[1].strip()


def start_capture(port, file):
    tcpdump = shutil.which("tcpdump")
    if tcpdump is None:
        raise Skip("tcpdump is not installed")
    capture = subprocess.Popen([tcpdump, "-i", "lo", "-s", "96", "-B", "16384", "--immediate-mode", "-n",
                                "--time-stamp-precision=nano", "-w", file, f"tcp port {port}"],
                               stderr=subprocess.PIPE, text=True)
    for line in capture.stderr:
        if "listening on" in line:
            return capture
        why = line.strip()
    raise Skip(f"tcpdump may not capture here: {why}")


def segments(file):
    """(time in ns, source port, destination port, bytes of payload, SYN) of each TCP segment over IPv4."""
    data = Path(file).read_bytes()
    magic = struct.unpack_from("<I", data)[0]
    assert magic == 0xA1B23C4D, f"no capture with nanoseconds: {magic:#x}"
    at = 24
    while at < len(data):
        seconds, nanos, kept, _ = struct.unpack_from("<IIII", data, at)
        packet = data[at + 16 + 14:at + 16 + kept]  # behind the Ethernet header of the loopback
        at += 16 + kept
        head = (packet[0] & 15) * 4
        total = struct.unpack_from(">H", packet, 2)[0]
        source, target = struct.unpack_from(">HH", packet, head)
        offset = (packet[head + 12] >> 4) * 4
        yield (seconds * 10**9 + nanos, source, target, total - head - offset,
               packet[head + 13] & 2 != 0)


def service_times(file, port):
    """Of each request but the first one of all, with which the bench tries the server."""
    asked, times = {}, []
    for at, source, target, size, _ in segments(file):
        if size == 0:
            continue
        if target == port:
            asked[source] = at
        elif source == port and target in asked:
            times.append((asked[target], at - asked.pop(target)))
    return sorted(time for _, time in sorted(times)[1:])


def quantile(ascending, p):
    return ascending[max(1, math.ceil(p * len(ascending))) - 1]


def run(options):
    with tempfile.TemporaryDirectory(prefix="duet-capture-") as scratch:
        folder, duet = Path(scratch), str(Path(options.duet).resolve())
        file = scratch + "/capture.pcap"
        server, url = start_server(duet, folder)
        capture = None
        try:
            port = int(url.rsplit(":", 1)[1])
            capture = start_capture(port, file)
            bench = subprocess.run([duet, "bench", url, "--rate", "300", "--connections", "600",
                                    "--warmup", "0", "--duration", f"{options.seconds}s", "--json"],
                                   stdout=subprocess.PIPE, text=True, check=True)
        finally:
            for process in (capture, server):
                if process is not None:
                    process.terminate()
            server.wait()
        said = capture.communicate()[1]
        if "\n0 packets dropped by kernel" not in said:
            raise Skip("tcpdump lost packets: " + " ".join(said.split("\n")[-4:]))
        arm = json.loads(bench.stdout)["arms"][0]
        times = service_times(file, port)
        if len(times) != arm["requests"]:
            print(f"the capture has {len(times)} requests, the bench {arm['requests']}")
            return 1
        bad = 0
        for figure in arm["service"]:
            if figure["p"] == 1:
                continue
            seen = quantile(times, figure["p"])
            ratio = figure["ns"] / seen
            good = abs(ratio - 1) <= WITHIN
            bad += not good
            print(f"p{figure['p'] * 100:g}: bench {figure['ns'] / 1e6:.3f} ms, capture {seen / 1e6:.3f} ms, "
                  f"ratio {ratio:.4f}{'' if good else '  OFF'}")
        print(f"{len(times)} requests")
        return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--duet", default=str(ROOT / "build/release/bin/duet"))
    parser.add_argument("--seconds", type=int, default=6)
    try:
        return run(parser.parse_args())
    except Skip as skip:
        print(f"skipped: {skip}")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())
