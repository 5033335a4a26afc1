#!/usr/bin/env python3
"""Checks what ARCHITECTURE.md promises about the sources, and prints every breach with its place.

    check_architecture.py [ROOT] [--explain]

* a file includes only what the arrows allow, directly or through others; no cycles
* no header of an engine below host/; the pure folders touch no socket and no loop
* files are at most 600 lines, the root CMakeLists.txt under 100; the top level holds the known folders
* nothing is left to do later: such marks belong into an issue
"""

import os
import re
import subprocess
import sys
from pathlib import Path

# component -> components it may include directly; what those may include is allowed too.
ARROWS = {
    "base": [],
    "stats": ["base"],
    "http": ["base"],
    "websocket": ["http"],
    "loop": ["base"],
    "config": ["base"],
    "measure": ["loop"],
    "net": ["loop"],
    "tls": ["net"],
    "exchange": ["http", "measure"],
    "runtime": ["exchange", "session"],
    "session": ["websocket", "exchange"],
    "service": ["exchange"],
    "connection": ["net", "exchange", "service"],
    "watchdog": ["measure"],
    "experiment": ["stats", "measure", "http"],
    "store": ["experiment"],
    "report": ["base"],
    "upstream": ["net", "http", "exchange", "runtime"],
    "outbox": ["http"],
    "pipeline": ["net", "exchange", "runtime", "experiment", "service"],
    "trace": ["pipeline", "outbox"],
    "profile": ["measure", "runtime"],
    "bench": ["loop", "net", "http", "websocket", "stats", "measure"],
    "supervise": ["loop", "net"],
    "admin": ["pipeline", "profile", "bench", "supervise", "config"],
    "plugins/api": [],
    "plugins/sdk": ["plugins/api"],
    "bindings/js": ["base", "loop", "http", "exchange", "measure", "runtime"],
    "bindings/python": ["base", "loop", "http", "exchange", "measure", "runtime"],
    "bindings/native": ["base", "loop", "http", "exchange", "measure", "runtime", "plugins/api"],
    # The composition root: everything of the host, and the adapter of native plug-ins.
    "cli": ["admin", "pipeline", "upstream", "store", "report", "outbox", "trace", "connection", "session", "watchdog", "config", "bench", "supervise", "profile", "bindings/native"],
}
# Files of host/ itself that belong to the component of another file there.
PART_OF = {"failure": "exchange", "upgrade": "exchange", "websocket": "session", "tunnel": "session", "server": "connection", "request": "pipeline"}
PLUGIN_ARROWS = ["plugins/sdk"]  # of every plugins/<name>

ENGINE_HEADER = re.compile(r"^(node|v8|Python|pybind11|libplatform|cppgc|js_native_api)\b")
V8_HEADER = re.compile(r"^(node|v8|libplatform|cppgc|js_native_api)\b")
PYTHON_HEADER = re.compile(r"^(Python|pybind11)\b")
IO_HEADER = re.compile(r"^(uv\.h|sys/socket\.h|sys/epoll\.h|netinet/|netdb\.h|poll\.h)")
PURE = {"http", "websocket", "stats"}

TOP_FOLDERS = {".ci", "bindings", "examples", "host", "plugins", "tests", "third_party"}
SOURCE = {".cc", ".h", ".c", ".js", ".mjs", ".cjs", ".ts", ".py", ".pyi", ".sh", ".cmake"}
INCLUDING = {".cc", ".h", ".c"}
MAX_LINES = 600
LEFT_OVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def tracked_files(root):
    """Files under version control, or about to be; without git, everything but build folders."""
    try:
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, check=True).stdout.decode()
        return [Path(name) for name in listing.split("\0") if name and (root / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        found = []
        for folder, subfolders, names in os.walk(root):
            subfolders[:] = [s for s in subfolders
                             if s not in {".git", "build", "node_modules", ".venv", "__pycache__"}]
            found += [Path(folder, name).relative_to(root) for name in names]
        return found


def component(path):
    """The component a file belongs to; None for those without arrows (tests, examples)."""
    parts = path.parts
    if parts[0] == "host":
        stem = path.name.split(".")[0].split("_")[0]
        return parts[1] if len(parts) > 2 else PART_OF.get(stem, stem)
    if parts[0] in ("bindings", "plugins") and len(parts) > 2:
        return f"{parts[0]}/{parts[1]}"
    return None


def arrows_of(name):
    if name in ARROWS:
        return ARROWS[name]
    return PLUGIN_ARROWS if name.startswith("plugins/") else None


def reachable(name):
    """What a component may include: everything at the end of a chain of arrows, and base."""
    seen, stack = {"base", name}, list(arrows_of(name) or [])
    while stack:
        other = stack.pop()
        if other not in seen:
            seen.add(other)
            stack += arrows_of(other) or []
    return seen


def includes_of(root, path):
    for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def check_arrows(root, files, report):
    known = set(files)
    graph = {}
    for path in files:
        if path.suffix not in INCLUDING:
            continue
        source = component(path)
        if source is not None and arrows_of(source) is None:
            report(path, 0, f"'{source}' is not a component of the architecture: add its arrows to "
                            "ARCHITECTURE.md and to this test, or move the file")
            continue
        allowed = reachable(source) if source else None
        graph[path] = []
        for number, quoted, name in includes_of(root, path):
            check_engine_headers(path, source, number, name, report)
            if not quoted:
                continue
            target = Path(name) if Path(name) in known else Path(os.path.normpath(path.parent / name))
            if target not in known:
                continue  # generated (embedded/...) or a dependency's
            graph[path].append((number, target))
            other = component(target)
            if source is None or other == source:
                continue
            if target.parts[0] in ("tests", "examples"):
                report(path, number, f"includes {target}: nothing may depend on tests or examples")
            elif other is not None and other not in allowed:
                report(path, number, f"includes {target}: no arrow leads from '{source}' to '{other}' "
                                     f"(allowed: {', '.join(sorted(allowed - {source}))})")
    check_cycles(graph, report)


def check_engine_headers(path, source, number, name, report):
    if source is None:
        return
    if path.parts[0] == "host" and ENGINE_HEADER.match(name):
        report(path, number, f"includes <{name}>: no engine header below host/")
    if source == "bindings/js" and PYTHON_HEADER.match(name):
        report(path, number, f"includes <{name}>: bindings/js knows nothing of Python")
    if source == "bindings/python" and V8_HEADER.match(name):
        report(path, number, f"includes <{name}>: bindings/python knows nothing of V8 and Node")
    if source in PURE and IO_HEADER.match(name):
        report(path, number, f"includes <{name}>: {source} is pure, without I/O")


def check_cycles(graph, report):
    state = {}  # absent: not seen, False: on the current chain, True: done

    def visit(path, chain):
        state[path] = False
        for number, target in graph.get(path, []):
            if target not in state:
                visit(target, chain + [target])
            elif state[target] is False:
                cycle = " -> ".join(str(p) for p in chain[chain.index(target):] + [target])
                report(path, number, f"include cycle: {cycle}")
        state[path] = True

    for path in graph:
        if path not in state:
            visit(path, [path])


def check_shape(root, files, report):
    for path in files:
        if len(path.parts) > 1 and path.parts[0] not in TOP_FOLDERS:
            report(path, 0, f"'{path.parts[0]}/' is not one of the top-level folders")
        is_cmake = path.name == "CMakeLists.txt"
        if path.suffix not in SOURCE and not is_cmake:
            continue
        lines = (root / path).read_text(errors="replace").splitlines()
        limit = 99 if path == Path("CMakeLists.txt") else MAX_LINES
        if len(lines) > limit:
            report(path, len(lines), f"{len(lines)} lines, at most {limit}: split it by responsibility")
        for number, line in enumerate(lines, 1):
            if LEFT_OVER.search(line):
                report(path, number, "left to do later: do it, or open an issue")


def check_table(report):
    for name in ARROWS:
        for other in ARROWS[name]:
            if name in reachable(other) - {"base"}:
                report(Path(__file__).name, 0, f"the arrows themselves form a cycle: {name} <-> {other}")


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    root = Path(arguments[0] if arguments else Path(__file__).parents[2]).resolve()
    if "--explain" in sys.argv:
        for name in ARROWS:
            print(f"{name:16} -> {', '.join(sorted(reachable(name) - {name}))}")
        return 0
    breaches = []

    def report(path, line, message):
        breaches.append(f"{path}:{line}: {message}" if line else f"{path}: {message}")

    files = tracked_files(root)
    if not any(path.parts[0] == "host" for path in files):
        report(root, 0, "no sources found here")
    check_table(report)
    check_arrows(root, files, report)
    check_shape(root, files, report)
    for breach in sorted(breaches):
        print(breach)
    print(f"{len(files)} files checked, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
