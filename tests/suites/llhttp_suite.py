"""llhttp's requests, as they are sent, each to an application that tells what it was given.

llhttp parses for Node. Its log of a request, event by event, is what must arrive: the same requests with the
same fields and body, or a refusal. aiohttp's sources have them.
"""

import json
import re
import socket

from suites import HERE, Served, judge

# Parts of a test's name, and why it is otherwise.
DIFFERENT = {
    "No restart when keep-alive is off": "what follows the last request is not looked at",
    "explicit `close`": "as above",
    "followed by tab": "white space around a value is left out (RFC 9112, 5.1)",
    "Multiple tokens with folding and LWS": "a WebSocket's handshake without a key: 426",
    "Upgrade GET request": "as above",
    "Upgrade POST request": "what follows is a request: nobody upgrades to HTTP/2",
    "CONNECT": "no proxy: 501",
    "Underscore in hostname": "as above",
    "M-SEARCH": "* is for OPTIONS (RFC 9112, 3.2.4)",
    "with ICE": "not HTTP: 400",
    "with RTSP": "as above",
    "PRI request HTTP2": "as above",
    "No HTTP version": "as above",
    "Trailing headers": "ASGI has no trailers",
    "`chunked` as last transfer-encoding": "a fragment in a target: 400",
    "Fragment in URI": "as above",
    "basic auth": "a target with a user's name: 400 (RFC 9110, 4.2.4)",
    "terminated by": "an absolute target reaches ASGI as its path",
}

TOKEN = re.compile(r"^#+ (?P<name>[^\n]+)|<!-- meta=(?P<meta>.*?) -->"
                   r"|```(?P<kind>\w+)\n(?P<text>.*?)```", re.S | re.M)
EVENT = re.compile(r'off=\d+ (?:len=\d+ span\[(\w+)\]="(.*)"|(.*))')


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    told = {"method": scope["method"],
            "url": (scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
                    ).decode("latin-1"),
            "fields": [[part.decode("latin-1") for part in field] for field in scope["headers"]
                       if field != (b"host", b"a")],
            "body": body.decode("latin-1")}
    text = json.dumps(told).encode()
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-length", str(len(text)).encode())]})
    await send({"type": "http.response.body", "body": text})


def samples(file):
    """Name, bytes and log of each."""
    name, meta, found = None, {}, {}
    for match in TOKEN.finditer(file.read_text()):
        if match["name"]:
            name, meta, found = f"{file.stem}: {match['name'].strip()}", {}, {}
        elif match["meta"]:
            meta = json.loads(match["meta"])
        elif match["kind"]:
            found[match["kind"]] = match["text"]
            if match["kind"] == "log" and "http" in found and meta == {"type": "request"}:
                yield name, sent(found["http"]), found["log"]


def sent(text):
    """As llhttp's runner makes it."""
    text = re.sub(r"\\(\r\n|\r|\n)", "", text.removesuffix("\n"))
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    for name, value in {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\f": "\f"}.items():
        text = text.replace(name, value)
    text = re.sub(r"\\x([0-9a-fA-F]+)", lambda match: chr(int(match[1], 16)), text)
    text = re.sub(r"\\([0-7]{1,3})", lambda match: chr(int(match[1], 8)), text)
    return re.sub(r"\$\{'(.+?)'\.repeat\((\d+)\)\}", lambda match: match[1] * int(match[2]), text).encode()


def with_host(data):
    """HTTP/1.1 demands it, and most of the samples leave it out."""
    if b"\nhost:" in data.lower():
        return data
    return re.sub(rb"( HTTP/1\.1\r?\n)", rb"\1Host: a\r\n", data)


def expected(log):
    """The requests that are complete, and whether there is a mistake."""
    requests, now, field = [], None, ""
    for match in EVENT.finditer(log):
        span, text, event = match.groups()
        if event == "message begin":
            now = {"method": "", "url": "", "fields": [], "body": ""}
        elif span in ("method", "url", "body"):
            now[span] += text
        elif span == "header_field":
            field += text
        elif span == "header_value":
            if field:
                now["fields"].append([field.lower(), ""])
                field = ""
            now["fields"][-1][1] += text
        elif event and event.startswith("header_value complete") and field:
            now["fields"].append([field.lower(), ""])
            field = ""
        elif event and event.startswith("message complete"):
            requests.append(now)
    return requests, "error" in log and "Paused" not in log and "pgrade" not in log.rpartition("error")[2]


def answers(port, data):
    """Statuses, and what was told of those that arrived."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        said = b""
        try:
            while piece := client.recv(65536):
                said += piece
        except ConnectionResetError:
            pass
    statuses, told = [], []
    while said:
        head, _, said = said.partition(b"\r\n\r\n")
        statuses.append(int(head.split()[1]))
        length = re.search(rb"content-length: (\d+)", head, re.I)
        body, said = (said[:int(length[1])], said[int(length[1]):]) if length else (said, b"")
        if statuses[-1] == 200:
            told.append(json.loads(body))
    return statuses, told


def run(folder):
    counts, failed = {"passed": 0}, []
    with Served("llhttp_suite:app", PYTHONPATH=str(HERE)) as port:
        for file in sorted((folder / "aiohttp/vendor/llhttp/test/request").glob("*.md")):
            for name, data, log in samples(file):
                requests, mistake = expected(log.replace("\\t", "\t"))
                statuses, told = answers(port, with_host(data))
                refused = any(status >= 400 for status in statuses)
                if told == requests and refused == mistake:
                    counts["passed"] += 1
                else:
                    failed.append(f"{name}\n  {data}\n  {statuses} {told}\n  {requests} {mistake}")
    yield "llhttp", judge(counts, failed, DIFFERENT)
