"""install.py SOURCE FOLDER: the frameworks of examples/frameworks, and Node itself, into FOLDER.

Where the registry cannot be reached, it says so and succeeds: the tests that need a package are
skipped by their names.
"""

import pathlib
import shutil
import subprocess
import sys

# Beside what the examples need: Node, of the same major version as the one inside duet, what the
# applications of mounted/ are made of, and what sockets.mjs is.
TESTED = ["node@24", "express4@npm:express@4.22.3", "koa-mount@4.2.0",
          "@nestjs/platform-fastify@12.5.0", "ws@8.23.0", "socket.io@4.8.4",
          "socket.io-client@4.8.4"]


def main(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    wanted = (source / "package.json").read_text() + " ".join(TESTED)
    up_to_date = done.exists() and done.read_text() == wanted
    shutil.copytree(source, folder, dirs_exist_ok=True)
    for script in pathlib.Path(__file__).parent.glob("*.mjs"):
        shutil.copy2(script, folder)
    shutil.copytree(pathlib.Path(__file__).parent / "mounted", folder / "mounted",
                    dirs_exist_ok=True)
    if up_to_date:
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is missing (apt-get install npm): the frameworks are not tested")
        return 0
    for packages in ([], ["--no-save", *TESTED]):
        run = subprocess.run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error",
                              "--fetch-retries=1", *packages], cwd=folder, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        if run.returncode != 0:
            print(f"npm install {' '.join(packages)} failed: the frameworks are not tested")
            print(run.stdout[-2000:])
            return 0
    done.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
