"""An unmodified application answers through duet as it does through its usual server.

    python3 framework_test.py NAME FOLDER     NAME: fastapi, starlette, flask, django_wsgi, django_asgi

The same requests go to both over real sockets; status, headers and body are compared. What a server
adds of its own (Date, Server, framing) is left out. Exit code 77: the framework is not installed.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))
from duet_process import Answer, DEADLINE, Duet, eventually, reserved_port  # noqa: E402
from websocket_client import WebSocketClient  # noqa: E402

SKIPPED = 77
OF_THE_SERVER = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
JSON = {"Content-Type": "application/json"}
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=b"}
FORM = (b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nFour\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n" + bytes(range(256)) * 1000 + b"\r\n--b--\r\n")
LARGE = b"0123456789abcdef" * 200_000

FASTAPI = [
    ("GET", "/items/1"), ("GET", "/items/2?detail=true&limit=5"), ("GET", "/items/3"),
    ("GET", "/items/x"), ("GET", "/items/1?limit=1000"), ("HEAD", "/items/1"),
    ("POST", "/items", JSON, b'{"name": "tea", "price": 2.5, "tags": ["hot"]}'),
    ("POST", "/items", JSON, b'{"name": "", "price": -1}'), ("POST", "/items", JSON, b"{"),
    ("POST", "/items", {}, b""), ("GET", "/notes"), ("GET", "/me"),
    ("GET", "/me", {"Authorization": "Bearer letmein"}), ("POST", "/upload", BOUNDARY, FORM),
    ("PUT", "/digest", {}, LARGE), ("GET", "/visit"), ("GET", "/visit", {"Cookie": "visits=4; a=b"}),
    ("GET", "/old"), ("GET", "/slow"), ("GET", "/ticks?count=4"), ("GET", "/gone"),
    ("GET", "/broken"), ("GET", "/static/style.css"), ("GET", "/static/absent.css"),
    ("GET", "/admin/reports/2024"), ("GET", "/nowhere"), ("DELETE", "/items/1"),
    ("OPTIONS", "/items/1"), ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/items/1%20"),
]
STARLETTE = [
    ("GET", "/"), ("GET", "/", {"Accept-Encoding": "gzip"}), ("HEAD", "/"), ("GET", "/file"),
    ("GET", "/users/ada?a=1&a=2&b=%C3%A9"), ("GET", "/users/ad%C3%A9"),
    ("PUT", "/users/ada/settings", JSON, b'{"theme": "dark"}'),
    ("PUT", "/users/ada/settings", JSON, b"{"), ("POST", "/upload", BOUNDARY, FORM),
    ("GET", "/cookies"), ("GET", "/cookies", {"Cookie": "seen=today"}),
    ("POST", "/stream", {}, b"some text " * 10_000), ("POST", "/stream", {}, b""), ("GET", "/away"),
    ("GET", "/broken"), ("GET", "/nowhere"), ("POST", "/"), ("GET", "/static/style.css"),
    ("GET", "/static/style.css", {"Range": "bytes=0-3"}), ("GET", "/users/ada/"),
]
FLASK = [
    ("GET", "/"), ("HEAD", "/"), ("GET", "/book/3?order=oldest"), ("GET", "/book/100"),
    ("GET", "/book/x"), ("POST", "/book/", {**JSON, "X-By": "ada"}, b'{"name": "bob"}'),
    ("POST", "/book/", JSON, b"{}"), ("POST", "/book/", JSON, b"{"), ("POST", "/book/", {}, b"x"),
    ("GET", "/book"), ("POST", "/upload", BOUNDARY, FORM), ("PUT", "/digest", {}, LARGE),
    ("GET", "/visit"), ("GET", "/visit", {"Cookie": "visits=4"}), ("GET", "/session"),
    ("GET", "/old"), ("GET", "/file"), ("GET", "/numbers?count=10"), ("GET", "/broken"),
    ("GET", "/static/style.css"), ("GET", "/static/style.css", {"Range": "bytes=0-3"}),
    ("DELETE", "/"), ("OPTIONS", "/"), ("GET", "/caf%C3%A9?x=%20"),
]
DJANGO = [
    ("GET", "/"), ("HEAD", "/"), ("GET", "/books/3/?shelf=%C3%A9"), ("GET", "/books/3"),
    ("GET", "/books/100/"), ("GET", "/books/3/later/"), ("POST", "/books/add/", JSON, b'{"a": 1}'),
    ("POST", "/books/add/", JSON, b"{"), ("POST", "/upload/", BOUNDARY, FORM), ("GET", "/visit/"),
    ("GET", "/visit/", {"Cookie": "visits=4"}), ("GET", "/old/"), ("GET", "/numbers/"),
    ("GET", "/broken/"), ("GET", "/nowhere/"), ("GET", "/caf%C3%A9/"),
]
UVICORN = ["-m", "uvicorn", "--host", "127.0.0.1", "--log-level", "critical", "--port"]
GUNICORN = ["-m", "gunicorn", "--threads", "4", "--log-level", "critical", "--bind"]

# name: (package, folder, attribute, usual server, requests, a route as it is counted)
FRAMEWORKS = {
    "fastapi": ("fastapi", "fastapi", "app", UVICORN, FASTAPI,
                [("GET", "/items/{item_id}"), ("GET", "/admin/reports/{year}"), ("GET", "/slow"),
                 ("GET", "/rooms/{name}")]),
    "starlette": ("starlette", "starlette", "app", UVICORN, STARLETTE,
                  [("GET", "/users/{name}"), ("PUT", "/users/{name}/settings")]),
    "flask": ("flask", "flask", "app", GUNICORN, FLASK,
              [("GET", "/book/<int:page>"), ("GET", "/static/<path:filename>")]),
    "django_wsgi": ("django", "django", "wsgi", GUNICORN, DJANGO,
                    [("GET", "/books/<int:number>/"), ("GET", "/books/<int:number>/later/")]),
    "django_asgi": ("django", "django", "asgi", UVICORN, DJANGO,
                    [("GET", "/books/<int:number>/"), ("GET", "/books/<int:number>/later/")]),
}


def ask(port, method, target, headers=(), body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        # The same name for both: some answers hold it.
        connection.request(method, target, body, {"Host": "shop.example", **dict(headers)})
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


class Usual:
    """The server that the framework's users run."""

    def __init__(self, python, arguments, application, folder):
        self.port = reserved_port()  # neither of them says which port it took
        last = f"127.0.0.1:{self.port}" if arguments is GUNICORN else str(self.port)
        self.process = subprocess.Popen([python, *arguments, last, application], cwd=folder,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        def answers():
            assert self.process.poll() is None, "the usual server ended"
            try:
                ask(self.port, "GET", "/")
                return True
            except OSError:
                time.sleep(0.02)
                return False

        eventually(answers, "the usual server answers")
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def comparable(answer):
    fields = sorted((name.lower(), value) for name, value in answer.headers
                    if name.lower() not in OF_THE_SERVER)
    # One of them may send in chunks what the other has counted.
    lengths = [value for name, value in fields if name == "content-length"]
    fields = [field for field in fields if field[0] != "content-length"]
    return answer.status, fields, lengths, answer.body


def differences(request, ours, theirs):
    a, b = comparable(ours), comparable(theirs)
    found = []
    for what, mine, usual in zip(("status", "headers", "length", "body"), a, b):
        if what == "length" and (not mine or not usual):
            continue
        if mine != usual:
            found.append(f"{request[0]} {request[1]}: {what}\n    duet  {mine!r:.600}\n"
                         f"    usual {usual!r:.600}")
    return found


def conversation(port):
    """What a client of the rooms sees: two that talk, and one that is not let in."""
    def enter(target, *fields):
        return WebSocketClient(socket.create_connection(("127.0.0.1", port), DEADLINE), target,
                               *fields)

    seen = []
    with enter("/rooms/tea?who=ada", "Sec-WebSocket-Protocol: old, chat") as ada, \
            enter("/rooms/tea?who=bob", "Sec-WebSocket-Protocol: chat") as bob:
        seen += [ada.status, ada.headers.get("sec-websocket-protocol"), ada.headers.get("x-room")]
        seen += [ada.receive(), ada.receive(), bob.receive()]
        for message in ('{"say": "Grüße"}', '{"say": ""}'):
            bob.send(message)
            seen += [ada.receive(), bob.receive()]
        ada.send(b"leave")
        seen += [ada.receive(), ada.receive(), bob.receive()]
        bob.close(3000, "enough")
        seen += [bob.receive()[0]]  # only the code need be repeated
    with enter("/rooms/closed?who=eve") as eve:
        seen += [eve.status]
    with enter("/rooms/tea") as nobody:  # the parameter is missing
        seen += [nobody.status]
    return seen


def pool_phase(duet):
    """The 41st concurrent plain `def` endpoint waits for a thread, and that is what is shown."""
    clients = []
    for _ in range(60):
        client = http.client.HTTPConnection("127.0.0.1", duet.port, timeout=DEADLINE)
        client.request("GET", "/slow?seconds=0.5")
        clients.append(client)
    assert all(client.getresponse().status == 200 for client in clients)
    for client in clients:
        client.close()
    slow = next(route for route in inner_routes(duet) if route["route"] == "/slow")
    assert slow["phases_us"]["pool"]["max"] > 200_000, slow["phases_us"]
    assert slow["phases_us"]["run"]["p50"] > 200_000, slow["phases_us"]


def inner_routes(duet):
    connection = http.client.HTTPConnection("127.0.0.1", duet.admin_port, timeout=DEADLINE)
    connection.request("GET", "/api/handlers")
    handlers = json.loads(connection.getresponse().read())["handlers"]
    connection.close()
    return handlers[0]["inner_routes"]


def main(name, environment):
    package, folder, attribute, usual, requests, routes = FRAMEWORKS[name]
    python = environment / "bin" / "python"
    version = subprocess.run(
        [python, "-c", f"import importlib.metadata as m; print(m.version({package!r}))"],
        capture_output=True, text=True) if python.exists() else None
    if version is None or version.returncode != 0:
        print(f"{package} is not installed: not tested")
        return SKIPPED
    print(f"{package} {version.stdout.strip()}")
    application = ROOT / "examples" / "python_frameworks" / folder
    target = f"main:{attribute}"
    failures = []
    os.environ["PYTHONHASHSEED"] = "0"  # Flask says the allowed methods in the order of a set
    with Duet(os.environ["DUET"], [target], cwd=application,
              env={"VIRTUAL_ENV": str(environment)}) as duet, \
            Usual(python, usual, target, application) as server:
        for request in requests:
            failures += differences(request, ask(duet.port, *request), ask(server.port, *request))
        if name == "fastapi":
            ours, usual = conversation(duet.port), conversation(server.port)
            failures += [] if ours == usual else [f"the rooms:\n    duet  {ours}\n    usual {usual}"]
        counted = {(route["method"], route["route"]) for route in inner_routes(duet)}
        failures += [f"{route} is not among the routes: {sorted(counted)}"
                     for route in routes if route not in counted]
        if name == "fastapi":
            pool_phase(duet)
    print(f"{len(requests)} requests, {len(failures)} differences")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
