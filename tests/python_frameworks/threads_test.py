"""A plain `def` endpoint of FastAPI waits for one of AnyIO's 40 threads, and that is seen as `pool`.

    python3 threads_test.py FOLDER     exit code 77: FastAPI is not installed there
"""

import concurrent.futures
import json
import os
import pathlib
import re
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from duet_process import DEADLINE, Duet, eventually  # noqa: E402

SKIPPED = 77
THREADS = 40  # of AnyIO's default limiter
HELD = 0.3  # seconds
APPLICATION = """
import threading
from fastapi import FastAPI

app = FastAPI()
gate = threading.Event()
inside = []

@app.get("/slow")
def slow():
    inside.append(1)
    gate.wait(%s)
    return "through"

@app.get("/inside")
async def count():
    return len(inside)

@app.get("/open")
async def open_gate():
    gate.set()
    return "open"
""" % DEADLINE


def phases(answer):
    """{phase: seconds} of what Duet-Timing has answered."""
    said = answer.headers["Server-Timing"]
    return {name: float(took) / 1000 for name, took in re.findall(r"(\w+);dur=([\d.]+)", said)}


def main(environment):
    if not (environment / "bin/python").exists():
        print("FastAPI is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "main.py").write_text(APPLICATION)
        with Duet(os.environ["DUET"], ["main:app"], cwd=folder,
                  env={"VIRTUAL_ENV": str(environment)}) as duet, \
                concurrent.futures.ThreadPoolExecutor(THREADS + 1) as clients:
            def ask():
                return clients.submit(duet.get, "/slow", **{"Duet-Timing": "1"})

            def inside():
                return json.loads(duet.get("/inside").body)

            first = [ask() for _ in range(THREADS)]
            eventually(lambda: inside() == THREADS, "all threads are taken")
            last = ask()
            begun = time.monotonic()
            eventually(lambda: time.monotonic() > begun + HELD, "time passes")
            assert inside() == THREADS, "the 41st runs beside the others"
            duet.get("/open")
            answers = [request.result(DEADLINE) for request in (*first, last)]
    assert all(answer.body == b'"through"' for answer in answers), answers
    *ran, waited = map(phases, answers)
    print("the 41st:", waited)
    # It ran through at once when the gate was open; the others ran, waiting for the gate.
    assert waited["pool"] > 0.8 * HELD > waited.get("run", 0), waited
    for one in ran:
        assert one["run"] > 0.8 * HELD, one
    assert min(one.get("pool", 0) for one in ran) < 0.1 * HELD, ran
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
