"""A client of debugpy (the Debug Adapter Protocol), as VS Code is one."""

import itertools
import json
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import DEADLINE  # noqa: E402


class Debugger:
    """`with Debugger(host, port) as debugger:` has attached; go() lets code run that waits for it."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), DEADLINE)
        self.file = self.socket.makefile("rb")
        self.numbers = itertools.count(1)
        self.events = []

    def __enter__(self):
        self.call("initialize", adapterID="duet-test", clientID="duet-test", linesStartAt1=True,
                  pathFormat="path")
        self.attached = self.ask("attach", justMyCode=True)
        self.event("initialized")
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def go(self):
        self.call("configurationDone")
        self.answer_to(self.attached)

    def ask(self, command, **arguments):
        number = next(self.numbers)
        message = json.dumps({"seq": number, "type": "request", "command": command,
                              "arguments": arguments}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n" % len(message) + message)
        return number

    def receive(self):
        length = 0
        while (line := self.file.readline()) != b"\r\n":
            if not line:
                raise ConnectionError("debugpy has closed the connection")
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self.file.read(length))

    def answer_to(self, number):
        while True:
            message = self.receive()
            if message["type"] == "event":
                self.events.append(message)
            elif message["type"] == "response" and message["request_seq"] == number:
                if not message["success"]:
                    raise AssertionError(f"{message['command']}: {message.get('message')}")
                return message.get("body") or {}

    def call(self, command, **arguments):
        return self.answer_to(self.ask(command, **arguments))

    def event(self, name):
        """The body of the next one; waits for it."""
        while True:
            for message in self.events:
                if message["event"] == name:
                    self.events.remove(message)
                    return message.get("body") or {}
            message = self.receive()
            if message["type"] == "event":
                self.events.append(message)

    def break_at(self, file, *lines):
        told = self.call("setBreakpoints", source={"path": str(file)},
                         breakpoints=[{"line": line} for line in lines])
        assert all(point["verified"] for point in told["breakpoints"]), told

    def stopped(self):
        """(file, line, frame, thread) of where the code stands; waits until it does."""
        event = self.event("stopped")
        assert event["reason"] == "breakpoint", event
        thread = event["threadId"]
        frame = self.call("stackTrace", threadId=thread, levels=1)["stackFrames"][0]
        return pathlib.Path(frame["source"]["path"]), frame["line"], frame["id"], thread

    def value(self, frame, expression):
        return self.call("evaluate", frameId=frame, expression=expression)["result"]

    def resume(self, thread):
        self.call("continue", threadId=thread)
