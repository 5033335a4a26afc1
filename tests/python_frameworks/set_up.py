"""Makes the environment of the framework tests: python3 set_up.py FOLDER

Exit code 77 (CTest: skipped) when the packages cannot be obtained: nothing else fails for it.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SKIPPED = 77


def main(folder):
    wanted = (HERE / "requirements.txt").read_text() + sys.version
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        print("installed already")
        return 0
    done.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = subprocess.run(
        [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--upgrade",
         "--disable-pip-version-check", "--retries", "1", "--requirement",
         str(HERE / "requirements.txt")], capture_output=True, text=True)
    if install.returncode != 0:
        print("the frameworks cannot be installed, so they are not tested:")
        print(install.stderr.strip()[-2000:])
        return SKIPPED
    done.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
