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

# What the runner says of cases that it fails by itself: it hashes text that is not encoded.
RUNNERS_OWN = "Strings must be encoded before hashing"


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
            reports = pathlib.Path(reports)
            cases = next(iter(json.loads((reports / "index.json").read_text()).values()))
            said = {name: json.loads((reports / case["reportfile"]).read_text())["result"]
                    for name, case in cases.items()}
        right = [name for name, case in cases.items()
                 if {case["behavior"], case["behaviorClose"]} <= {"OK", "INFORMATIONAL"}]
        wrong = [f"{name} {case['behavior']} {said[name]}" for name, case in cases.items()
                 if name not in right]
        yield f"autobahn, {contract}", judge({"passed": len(right)}, wrong, {RUNNERS_OWN})
