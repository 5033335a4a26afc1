"""Packages of the index for a test: of the interpreter, else of an environment that pip fills."""

import os
import pathlib
import subprocess
import sys


def environment_with(packages, name, imports=None, fetch=True):
    """Variables with which duet uses an interpreter that has the packages, and a reason why there
    is none: (variables, "") or (None, reason). `imports`: the modules to look for. `fetch`: False
    when they are too large for that."""
    wanted = f"import {', '.join(imports or packages)}"

    def has_them(python):
        return subprocess.run([python, "-c", wanted], capture_output=True).returncode == 0

    if has_them(os.environ["DUET_PYTHON"]):
        return {}, ""
    if not fetch:
        return None, (f"{' and '.join(packages)} cannot be had: not installed for "
                      f"{os.environ['DUET_PYTHON']}")
    folder = pathlib.Path(os.environ["DUET_TEST_ENVIRONMENTS"]) / "python{}.{}-{}".format(
        *sys.version_info[:2], name)
    python = str(folder / "bin" / "python")
    if not (folder.exists() and has_them(python)):
        for command in ([os.environ["DUET_PYTHON"], "-m", "venv", str(folder)],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                         "--retries", "1", "--timeout", "15", *packages]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
                return None, f"{' and '.join(packages)} cannot be had: {said}"
    return {"VIRTUAL_ENV": str(folder)}, ""
