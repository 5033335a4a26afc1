"""A client of V8's inspector (the Chrome DevTools Protocol), as Chrome and VS Code are ones."""

import itertools
import json
import pathlib
import re
import socket
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import DEADLINE, eventually  # noqa: E402
from websocket_client import WebSocketClient  # noqa: E402


def inspector_url(duet):
    """What duet printed for clients."""
    found = []

    def printed():
        found[:] = re.findall(r"^Debugger listening on (ws://\S+)$", "".join(duet.output), re.M)
        return found

    eventually(printed, "Debugger listening on ws://…")
    return found[0]


class Inspector:
    """`with Inspector(url) as inspector:` is attached inside."""

    def __init__(self, url):
        place = urllib.parse.urlsplit(url)
        connection = socket.create_connection((place.hostname, place.port), DEADLINE)
        self.client = WebSocketClient(connection, place.path, host=place.netloc)
        self.numbers = itertools.count(1)
        self.events = []
        self.scripts = {}  # files, by number

    def __enter__(self):
        self.call("Runtime.enable")
        self.call("Debugger.enable")
        return self

    def __exit__(self, *_):
        self.client.socket.close()

    def call(self, method, **parameters):
        number = next(self.numbers)
        self.client.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = self.receive()
            if message.get("id") != number:
                self.events.append(message)
            elif "error" in message:
                raise AssertionError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def receive(self):
        message = json.loads(self.client.receive())
        if message.get("method") == "Debugger.scriptParsed":
            script = message["params"]
            path = urllib.parse.unquote(urllib.parse.urlsplit(script["url"]).path)
            self.scripts[script["scriptId"]] = pathlib.Path(path)
        return message

    def event(self, method):
        """The parameters of the next one; waits for it."""
        while True:
            for message in self.events:
                if message["method"] == method:
                    self.events.remove(message)
                    return message["params"]
            self.events.append(self.receive())

    def break_at(self, file, line, condition=""):
        """`line` counts from 1, as editors do."""
        self.call("Debugger.setBreakpointByUrl", lineNumber=line - 1, url=file.as_uri(),
                  condition=condition)

    def paused(self):
        """(file, line, frame) of where the code stands; waits until it does."""
        frame = self.event("Debugger.paused")["callFrames"][0]
        place = frame["location"]
        return self.scripts[place["scriptId"]], place["lineNumber"] + 1, frame["callFrameId"]

    def value(self, frame, expression):
        told = self.call("Debugger.evaluateOnCallFrame", callFrameId=frame, expression=expression,
                         returnByValue=True)
        return told["result"].get("value")

    def resume(self):
        self.call("Debugger.resume")
