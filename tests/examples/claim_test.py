"""examples/claims: each handler of a claim is asked what its claim asks, by duet bench.

    claim_test.py NAME

Handlers whose packages are not installed are named and left out; so are servers that are not ours.
Where none is left the test is skipped (77).
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet, eventually, reserved_port  # noqa: E402

DUET = os.environ["DUET"]
CLAIMS = os.environ["CLAIMS"]
# Of a workload: what makes it long or heavy, and is no matter here.
LOAD = ("--duration", "--warmup", "--closed", "--cold", "--starts", "--rate", "--idle", "--block",
        "--arrivals", "--connections", "--no-aa", "--quick")


def lab(*arguments):
    done = subprocess.run([DUET, "lab", "--claims", CLAIMS, *arguments], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["claims"][0]


def environment_of(folder):
    """Variables with which servers find what is installed for the claim."""
    variables = {}
    path = os.environ["PATH"]
    for modules in (os.path.join(folder, "..", "node_modules"), os.path.join(folder, "node_modules")):
        path = os.path.join(modules, ".bin") + os.pathsep + path
    venv = os.path.join(folder, ".venv")
    if os.path.isdir(venv):
        variables["VIRTUAL_ENV"] = venv
        path = os.path.join(venv, "bin") + os.pathsep + path
    return variables | {"PATH": path + os.pathsep + "/usr/sbin"}


def ask(handler, options, folder, variables):
    """One handler, for a moment; what went wrong, or ''."""
    done = subprocess.run(
        [DUET, "bench", "it=" + handler, *options, "--rate", "20", "--arrivals", "constant",
         "--connections", "2", "--duration", "300ms", "--warmup", "0", "--json"],
        cwd=folder, env=dict(os.environ, **variables), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return done.stderr
    arm = json.loads(done.stdout)["arms"][0]
    if arm["answered"] > 0 and arm["answered"] == arm["requests"] and arm["bad_status"] == 0:
        return ""
    return json.dumps(arm, indent=2)


@contextlib.contextmanager
def started(command, folder, variables):
    """A command's server; gives its port, once it takes connections there."""
    port = reserved_port()
    process = subprocess.Popen(["/bin/sh", "-c", command.replace("{port}", str(port))], cwd=folder,
                               env=dict(os.environ, PORT=str(port), **variables),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)

    def listens():
        assert process.poll() is None, f"{command} ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(listens, f"{command} listens")
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def main(name):
    claim = lab(name, "--list", "--json")
    arms = [arm for arm in claim["arms"] if "handler" in arm]
    runnable = [arm for arm in arms if "missing" not in arm]
    for one in arms:
        if "missing" in one:
            print(f"left out {one['name']}: {one['missing']['what']}")
    # Where lab copies the claim to; where nothing has ever been installed, the claim itself will do.
    folder = claim["folder"]
    if os.path.isdir(os.path.dirname(claim["runs_in"])):
        folder = claim["runs_in"]
        shutil.copytree(claim["folder"], folder, dirs_exist_ok=True)
    variables = environment_of(folder)
    failed = asked = 0
    with contextlib.ExitStack() as stack:
        served = set()
        for service in claim["services"]:
            if "missing" in service:
                print(f"without the service {service['name']}: {service['missing']['what']}")
                continue
            served.add(service["name"])
            if "handler" in service:
                port = stack.enter_context(Duet(DUET, [service["handler"]], cwd=folder,
                                                env=variables)).port
            else:
                port = stack.enter_context(started(service["command"], folder, variables))
            variables[service["variable"]] = f"{service['scheme']}://127.0.0.1:{port}"
        for arm in runnable:
            for run in claim["runs"]:
                if arm["name"] not in run["arms"] or not served.issuperset(run["services"]):
                    continue
                options = [one for one in run["options"] if one.partition("=")[0] not in LOAD]
                asked += 1
                wrong = ask(arm["handler"], options, folder, variables)
                print(f"{'FAILED' if wrong else 'well'}: {arm['name']}, {run['title'] or 'its run'}")
                if wrong:
                    failed += 1
                    print(wrong)
    if failed:
        return 1
    return 0 if asked else 77


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
