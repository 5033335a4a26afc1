"""install.py SOURCE FOLDER [COMMAND...]: an example with its packages into FOLDER, then COMMAND, its build.

examples/frameworks comes with Node itself, and with what else is tested. Where the registry cannot be
reached, it says so and succeeds: the tests that need a package are skipped by their names.
"""

import pathlib
import shutil
import subprocess
import sys

# Beside what the examples need: Node, of the same major version as the one inside duet, what the
# applications of mounted/ are made of, and what sockets.mjs and addons.mjs are.
TESTED = ["node@24", "express4@npm:express@4.22.3", "koa-mount@4.2.0",
          "@nestjs/platform-fastify@12.5.0", "ws@8.23.0", "socket.io@4.8.4",
          "socket.io-client@4.8.4", "better-sqlite3@13.2.0"]
MADE = ("node_modules", ".next")


def run(command, folder):
    done = subprocess.run(command, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        print(f"{' '.join(map(str, command))} failed: {folder.name} is not tested")
        print(done.stdout[-2000:])
    return done.returncode


def main(source, folder, build):
    together = source.name == "frameworks"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    wanted = (source / "package.json").read_text() + " ".join(TESTED if together else build)
    if build:
        wanted += "".join(file.read_text() for file in sorted(source.rglob("*.js"))
                          if not set(MADE) & set(file.parts))
    up_to_date = done.exists() and done.read_text() == wanted
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*MADE))
    if together:
        for script in pathlib.Path(__file__).parent.glob("*.mjs"):
            shutil.copy2(script, folder)
        shutil.copytree(pathlib.Path(__file__).parent / "mounted", folder / "mounted",
                        dirs_exist_ok=True)
    if up_to_date:
        return 0
    done.unlink(missing_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        print(f"npm is missing (apt-get install npm): {folder.name} is not tested")
        return 0
    install = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
    for packages in ([], ["--no-save", *TESTED])[:2 if together else 1]:
        if run([*install, *packages], folder) != 0:
            return 0
    if build and run(build, folder) != 0:
        return 1
    done.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]))
