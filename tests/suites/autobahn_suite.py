"""Autobahn's WebSocket cases, as the package kosoku runs them, against each contract of handlers.

CASES=1.*,7.* picks some. 12.* and 13.* (compression) send gigabytes and take most of the time.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from suites import Served, judge

HERE = pathlib.Path(__file__).resolve().parent
HANDLERS = {"fetch, JavaScript": HERE.parent / "peers/servers/echo.mjs",
            "fetch, Python": HERE.parent / "peers/servers/echo.py",
            "ASGI": "autobahn_suite:app"}

# Cases, and why they say nothing about duet.
DIFFERENT = {f"{group}.{size}.{case}": "the runner fails by itself: hashes text that is not encoded"
             for group, size in (("12", "1"), *(("13", str(size)) for size in range(1, 8)))
             for case in ("1", "2")}


async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def run(folder):
    picked = [part for case in os.environ.get("CASES", "*").split(",") for part in ("-i", case)]
    for contract, source in HANDLERS.items():
        with Served(str(source), PYTHONPATH=str(HERE)) as port, \
                tempfile.TemporaryDirectory() as reports:
            subprocess.run([str(pathlib.Path(sys.prefix) / "bin/kosoku"), "-p", "2", *picked,
                            "-o", reports, f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
            cases = next(iter(json.loads((pathlib.Path(reports) / "index.json").read_text())
                              .values()))
        right = [name for name, case in cases.items()
                 if {case["behavior"], case["behaviorClose"]} <= {"OK", "INFORMATIONAL"}]
        wrong = [f"{name} {case['behavior']}" for name, case in cases.items() if name not in right]
        exact = {f"{name} ERROR" for name in DIFFERENT}
        yield f"autobahn, {contract}", judge({"passed": len(right)}, wrong, exact)
