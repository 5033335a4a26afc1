"""The CPU time of one WebSocket message that is sent back: ours beside Bun's and Node's `ws`.

    python3 tests/peers/websocket_cost.py [--rounds N] [--seconds S] [--duet PATH] [--peers FOLDER]

64 connections, each with one text message of 32 bytes under way at a time. Servers take turns in
short rounds; a ratio is taken within each round, and the median of those counts. Needs the packages
of `run.py --setup` and two processor cores.
"""

import argparse
import base64
import os
import pathlib
import selectors
import socket
import statistics
import sys
import tempfile
import time

import process

SERVERS = pathlib.Path(__file__).resolve().parent / "servers"
TEXT = b"a message of thirty-two bytes..."
MASK = b"\x11\x22\x33\x44"
FRAME = (bytes([0x81, 0x80 | len(TEXT)]) + MASK
         + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(TEXT)))
ECHO = bytes([0x81, len(TEXT)]) + TEXT
CONNECTIONS = 64
LIMITS = {"Bun": 1.1, "Node ws": 0.6}  # of issue "Run what people already have"


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(4096)
        if not piece:
            raise ConnectionError("the handshake was not answered")
        head += piece
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise process.PeerError(f"no WebSocket: {head[:200]!r}")
    return client


class Contestant:
    """A server that runs, and its connections."""

    def __init__(self, command, folder, environment):
        self.server = process.Server(command, SERVERS, folder / "log", environment)
        self.clients = []
        deadline = time.monotonic() + process.START_LIMIT
        while not self.clients:
            try:
                self.clients.append(connect(self.server.port))
            except OSError:
                if time.monotonic() > deadline or self.server.process.poll() is not None:
                    raise process.PeerError(f"{command[0]}: {self.server.last_log()}") from None
                time.sleep(0.01)
        self.clients += [connect(self.server.port) for _ in range(CONNECTIONS - 1)]

    def cost(self, seconds):
        """Microseconds of the server's CPU a message."""
        messages = 0
        with selectors.EpollSelector() as selector:
            for client in self.clients:
                selector.register(client, selectors.EVENT_READ)
            before, end = self.server.cpu(), time.monotonic() + seconds
            for client in self.clients:
                client.send(FRAME)
            open_messages = len(self.clients)
            while open_messages:
                going_on = time.monotonic() < end
                for key, _ in selector.select(10):
                    answer = key.fileobj.recv(4096)
                    if answer != ECHO:
                        raise process.PeerError(f"not the message sent back: {answer[:80]!r}")
                    messages += 1
                    if going_on:
                        key.fileobj.send(FRAME)
                    else:
                        open_messages -= 1
            return (self.server.cpu() - before) / messages / 1e3

    def stop(self):
        for client in self.clients:
            client.close()
        self.server.stop()


def start_all(options, folder):
    modules = options.peers / "node_modules"
    node = options.peers / "frameworks" / "node_modules"
    ours = [options.duet, "serve", None, "--listen", "127.0.0.1:{port}", "--admin", "off"]
    commands = {
        "duet JavaScript": [str(SERVERS / "echo.mjs") if part is None else part for part in ours],
        "duet Python": [str(SERVERS / "echo.py") if part is None else part for part in ours],
        "Bun": ["env", "PORT={port}", str(modules / "bun" / "bin" / "bun.exe"), "bun_echo.mjs"],
        "Node ws": ["env", "PORT={port}", str(node / "node" / "bin" / "node"), "ws_echo.cjs"],
    }
    running = {}
    try:
        for name, command in commands.items():
            (folder / name).mkdir()
            environment = dict(os.environ, NODE_PATH=str(node))
            running[name] = Contestant(command, folder / name, environment)
    except BaseException:
        stop_all(running)
        raise
    return running


def stop_all(running):
    for contestant in running.values():
        contestant.stop()


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--duet", default=str(root / "build/release/bin/duet"))
    parser.add_argument("--peers", type=pathlib.Path, default=root / "build/peers")
    options = parser.parse_args()
    process.pick_cores()
    with tempfile.TemporaryDirectory() as folder:
        running = start_all(options, pathlib.Path(folder))
        try:
            rounds = []
            for number in range(-1, options.rounds):
                names = list(running)
                turn = number % len(names)
                taken = {name: running[name].cost(options.seconds)
                         for name in names[turn:] + names[:turn]}
                if number >= 0:  # the first warms
                    rounds.append(taken)
        finally:
            stop_all(running)
    for name in running:
        found = [taken[name] for taken in rounds]
        print(f"{name:16} {statistics.median(found):6.2f} µs a message "
              f"({min(found):.2f}-{max(found):.2f})")
    for ours in ("duet JavaScript", "duet Python"):
        for peer, limit in LIMITS.items():
            ratio = statistics.median(taken[ours] / taken[peer] for taken in rounds)
            print(f"{ours} / {peer}: {ratio:.3f} (at most {limit}) "
                  f"{'pass' if ratio <= limit else 'MISS'}")


if __name__ == "__main__":
    try:
        main()
    except process.PeerError as error:
        sys.exit(f"websocket_cost: {error}")
