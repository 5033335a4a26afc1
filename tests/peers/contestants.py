"""Who is measured: ours and the peers, how each is started, and which ratios are wanted."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from process import PeerError
from workload import (ECHO, EXPRESS, FASTAPI, FASTIFY, FLASK, HELLO, HERE, ORDER, PIPELINE, TEXT,
                      Workload)

ROOT = HERE.parent.parent
PEERS = ROOT / "build" / "peers"
SERVERS = HERE / "servers"
# Applications of frameworks, with the Node of the same major version as the one inside duet.
FRAMEWORKS = PEERS / "frameworks"
FRAMEWORK_PACKAGES = ["node@24", "express@5", "fastify@5", "ws@8"]
# ASGI inside Node: the packages, and the directory of the libpython that it is linked to.
PYTHON_NODE = PEERS / "python-node"
PYTHON_NODE_LIBRARIES = PYTHON_NODE / "libpython"
WORKERD = PEERS / "node_modules" / "workerd" / "bin" / "workerd"


class Contestant:
    """`command` has {port} and {workload} where they go; `folder` has to be there, `cwd` is where it
    is started, `environment` what it needs beside everybody's; `paths`, of a start, what it has to answer."""

    def __init__(self, key, title, command, workloads, version, folder=None, cwd=SERVERS, environment=None,
                 paths=()):
        self.key, self.title, self.command, self.workloads = key, title, command, workloads
        self.version_command, self.folder, self.cwd = version, folder, cwd
        self.environment, self.paths = environment or {}, paths

    def shell(self, workload):
        """The command that serves a workload, for a shell; {port} stays."""
        words = [part.replace("{workload}", workload.server) for part in self.command]
        variables = "".join(f"{name}={shlex.quote(value)} " for name, value in self.environment.items())
        return f"cd {shlex.quote(str(self.cwd))} && {variables}exec {shlex.join(words)}"

    def missing(self):
        """What has to be there and is not; None when all of it is."""
        for needed in (Path(self.command[0]), self.folder):
            if needed is not None and not needed.exists():
                return str(needed)
        return None

    def version(self):
        done = subprocess.run(self.version_command, capture_output=True, text=True, timeout=30,
                              cwd=self.cwd)
        lines = (done.stdout or done.stderr).strip().splitlines()
        return lines[0] if lines else "?"


def contestants(duet):
    modules = PEERS / "node_modules"
    python = str(PEERS / "venv" / "bin" / "python")
    node = str(modules / "node" / "bin" / "node")
    bun = str(modules / "bun" / "bin" / "bun.exe")
    deno = str(modules / "deno" / "deno")
    node24 = str(FRAMEWORKS / "node_modules" / "node" / "bin" / "node")

    def ours(key, title, workloads):
        return Contestant(key, title,
                          [duet, "serve", str(SERVERS / f"{key}.toml"),
                           "--listen", "127.0.0.1:{port}"],
                          workloads, [duet, "version"])

    def application(key, title, workloads, name):
        return Contestant(key, title, [duet, "serve", name, "--listen", "127.0.0.1:{port}"],
                          workloads, [duet, "version"])

    def of_python(key, title, workloads, module, *options):
        return Contestant(key, title, [python, "-m", module, *options], workloads,
                          [python, "-m", module, "--version"])

    def echo(key, title, name):
        return Contestant(key, title, [duet, "serve", name, "--listen", "127.0.0.1:{port}"], [ECHO],
                          [duet, "version"])

    return [
        ours("cpp", "duet C++", [HELLO, PIPELINE]),
        ours("js", "duet JavaScript", [HELLO, ORDER, PIPELINE]),
        ours("py", "duet Python def", [HELLO, PIPELINE]),
        ours("py_async", "duet Python async def", [HELLO, ORDER, PIPELINE]),
        Contestant("deno", "Deno", [deno, "run", "--allow-net", str(SERVERS / "deno_server.mjs"),
                                    "{port}", "{workload}"], [HELLO, ORDER], [deno, "--version"]),
        Contestant("bun", "Bun", [bun, str(SERVERS / "bun_server.mjs"), "{port}", "{workload}"],
                   [HELLO, ORDER], [bun, "--version"]),
        Contestant("node", "Node http", [node, str(SERVERS / "node_server.mjs"), "{port}",
                                         "{workload}"], [HELLO, ORDER], [node, "--version"]),
        Contestant("uvicorn", "uvicorn (uvloop, httptools)",
                   [python, "-m", "uvicorn", "asgi_server:{workload}", "--app-dir", str(SERVERS),
                    "--port", "{port}", "--loop", "uvloop", "--http", "httptools",
                    "--no-access-log", "--log-level", "warning", "--lifespan", "off"],
                   [HELLO, ORDER], [python, "-m", "uvicorn", "--version"]),
        Contestant("duet_http", "duet, the same application",
                   [duet, "serve", str(FRAMEWORKS / "{workload}_app.mjs"), "--listen",
                    "127.0.0.1:{port}"], [EXPRESS, FASTIFY], [duet, "version"], FRAMEWORKS),
        Contestant("node24", "Node 24 http", [node24, str(FRAMEWORKS / "{workload}_app.mjs"),
                                              "{port}"],
                   [EXPRESS, FASTIFY], [node24, "--version"], FRAMEWORKS),
        application("asgi", "duet ASGI", [HELLO, ORDER], "asgi_server:{workload}"),
        of_python("granian", "Granian", [HELLO, ORDER], "granian", "asgi_server:{workload}",
                  "--interface", "asgi", "--port", "{port}", "--no-ws", "--log-level", "warning"),
        Contestant("python_node", "@platformatic/python-node",
                   [node24, str(SERVERS / "python_node_server.mjs"), "{port}", "{workload}"],
                   [HELLO],  # its scope has headers of str where ASGI says bytes: (b) fails on it
                   [node24, "-p", "require('@platformatic/python-node/package.json').version"],
                   PYTHON_NODE_LIBRARIES, PYTHON_NODE,
                   {"LD_LIBRARY_PATH": str(PYTHON_NODE_LIBRARIES)}),
        Contestant("workerd", "workerd",
                   [str(WORKERD), "serve", str(SERVERS / "workerd.capnp"), "{workload}",
                    "--socket-addr", "http=127.0.0.1:{port}"],
                   [HELLO, ORDER], [str(WORKERD), "--version"]),
        application("fastapi", "FastAPI on duet", [FASTAPI], "fastapi_server:app"),
        of_python("fastapi_uvicorn", "FastAPI on uvicorn", [FASTAPI], "uvicorn",
                  "fastapi_server:app", "--port", "{port}", "--loop", "uvloop", "--http",
                  "httptools", "--no-access-log", "--log-level", "warning"),
        application("flask", "Flask on duet", [FLASK], "flask_server:app"),
        of_python("flask_gunicorn", "Flask on gunicorn gthread", [FLASK], "gunicorn",
                  "flask_server:app", "--worker-class", "gthread", "--threads", "8",
                  "--keep-alive", "60", "--log-level", "warning", "--bind", "127.0.0.1:{port}"),
        echo("echo_js", "duet JavaScript", "echo.mjs"),
        echo("echo_py", "duet Python", "echo.py"),
        Contestant("echo_bun", "Bun", [bun, "bun_echo.mjs"], [ECHO], [bun, "--version"],
                   environment={"PORT": "{port}"}),
        Contestant("echo_ws", "Node 24 with ws", [node24, "ws_echo.cjs"], [ECHO], [node24, "--version"],
                   FRAMEWORKS, environment={"PORT": "{port}", "NODE_PATH": str(FRAMEWORKS / "node_modules")}),
    ]


# Who takes turns with whom, where they are many: with a dozen servers on one processor each begins its
# turn with its code out of the caches, and pays for that by how much code it has. What a ratio is
# taken of is in one of them together.
HEATS = {
    HELLO: [["cpp", "js", "deno", "bun"], ["cpp", "py", "py_async"], ["js", "node", "workerd"],
            ["py", "py_async", "asgi", "uvicorn"], ["asgi", "granian", "python_node"]],
    ORDER: [["js", "deno", "bun", "node", "workerd"], ["py_async", "asgi", "uvicorn", "granian"]],
}


def heats(workload, entries):
    """Lists of these entries, each for one run; nobody runs alone who also runs with others."""
    by_key = {entry.key: entry for entry in entries}
    found = [[by_key[key] for key in heat if key in by_key]
             for heat in HEATS.get(workload, [list(by_key)])]
    company = {entry.key for heat in found if len(heat) > 1 for entry in heat}
    return [heat for heat in found if len(heat) > 1 or (heat and heat[0].key not in company)]


# (workload, ours, theirs, at most): ratios of CPU a request.
RATIOS = [
    (HELLO, "js", "cpp", 1.10),
    (HELLO, "py", "cpp", 1.10),
    (HELLO, "py_async", "cpp", 1.10),
    (HELLO, "js", "deno", 1.00),
    (HELLO, "js", "bun", 1.00),
    (HELLO, "js", "node", 0.65),
    (HELLO, "py", "uvicorn", 0.50),
    (HELLO, "py_async", "uvicorn", 0.50),
    (HELLO, "asgi", "uvicorn", 0.50),
    (HELLO, "asgi", "granian", 0.80),
    (HELLO, "asgi", "python_node", 0.10),
    (FASTAPI, "fastapi", "fastapi_uvicorn", 0.75),
    (FLASK, "flask", "flask_gunicorn", 0.45),
    (ORDER, "js", "deno", 1.00),
    (ORDER, "js", "bun", 1.00),
    (ORDER, "js", "node", 0.75),
    (ORDER, "py_async", "uvicorn", 0.65),
    (PIPELINE, "js", "cpp", 2.5),
    (PIPELINE, "py", "cpp", 2.0),
    (PIPELINE, "py_async", "cpp", 2.0),
    (EXPRESS, "duet_http", "node24", 0.80),
    (FASTIFY, "duet_http", "node24", 0.80),
    (ECHO, "echo_js", "echo_bun", 1.1),
    (ECHO, "echo_js", "echo_ws", 0.6),
    (ECHO, "echo_py", "echo_bun", 1.1),
    (ECHO, "echo_py", "echo_ws", 0.6),
]


START_PATH = Workload("start", "start to first answer", "/hello.py", TEXT, "hello")


def starts(duet):
    """Servers whose start is timed. duet listens once all handlers are loaded, so that one answer shows
    both engines; the others answer every path."""
    by_key = {entry.key: entry for entry in contestants(duet)}

    def ours(key, title, *names):
        return Contestant(key, title, [duet, "serve", *names, "--listen", "127.0.0.1:{port}"], [], None,
                          paths=[f"/{name}" for name in names])

    def theirs(key):
        entry = by_key[key]
        return Contestant(key, entry.title, entry.command, [], entry.version_command, paths=["/"])

    return [ours("duet_js", "duet, JavaScript only", "hello.mjs"), theirs("node"),
            ours("duet_both", "duet, both engines", "hello.mjs", "hello.py"), theirs("uvicorn")]


# (ours, theirs, at most): ratios of the time to the first answer.
START_RATIOS = [("duet_js", "node", 1.2), ("duet_both", "uvicorn", 0.8)]


def set_up():
    """Obtains the peers: npm's newest node, bun and deno, and uvicorn in an environment."""
    for tool, package in (("npm", "npm"), ("python3", "python3-venv")):
        if shutil.which(tool) is None:
            raise PeerError(f"'{tool}' is missing: apt-get install {package}")
    PEERS.mkdir(parents=True, exist_ok=True)
    (PEERS / "package.json").write_text('{"private": true}\n')
    print("obtaining node, bun, deno and workerd by npm ...", flush=True)
    # Their install scripts put the right binary in place; npm asks before it runs any.
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save",
                    "node@latest", "bun@latest", "deno@latest", "workerd@latest"], cwd=PEERS, check=True)
    print("obtaining Express, Fastify and their Node by npm ...", flush=True)
    FRAMEWORKS.mkdir(exist_ok=True)
    (FRAMEWORKS / "package.json").write_text('{"private": true}\n')
    for name in ("express_app.mjs", "fastify_app.mjs"):
        shutil.copy2(SERVERS / name, FRAMEWORKS)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save",
                    *FRAMEWORK_PACKAGES], cwd=FRAMEWORKS, check=True)
    set_up_python_node()
    print("obtaining uvicorn, Granian, gunicorn, FastAPI and Flask by pip ...", flush=True)
    if not (PEERS / "venv").exists():
        subprocess.run(["python3", "-m", "venv", str(PEERS / "venv")], check=True)
    subprocess.run([str(PEERS / "venv" / "bin" / "pip"), "install", "--quiet", "--upgrade",
                    "uvicorn", "uvloop", "httptools", "granian", "gunicorn", "fastapi", "flask"],
                   check=True)


def set_up_python_node():
    """Links it, by its own install script, to a shared libpython of the machine: the newest."""
    print("obtaining @platformatic/python-node by npm ...", flush=True)
    PYTHON_NODE.mkdir(exist_ok=True)
    (PYTHON_NODE / "package.json").write_text('{"private": true}\n')
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts",
                    "@platformatic/python-node@latest"], cwd=PYTHON_NODE, check=True)
    script = next(PYTHON_NODE.glob("node_modules/@platformatic/*/fix-python-soname.js"), None)
    if script is None:
        raise PeerError("@platformatic/python-node has no binary for this machine")
    done = subprocess.run(["node", script.name], cwd=script.parent, capture_output=True, text=True)
    found = re.search(r"Found Python library: \S+ at (\S+)", done.stdout + done.stderr)
    if found is None:
        raise PeerError("@platformatic/python-node found no shared libpython: "
                        "apt-get install libpython3-dev")
    PYTHON_NODE_LIBRARIES.unlink(missing_ok=True)
    PYTHON_NODE_LIBRARIES.symlink_to(Path(found[1]).parent)
