"""What answers are made of, also once V8 has compiled the way that most of them take."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from duet_process import Duet, eventually  # noqa: E402

HANDLER = """
const long = "0123456789".repeat(100);
const bodies = [
  "plain",
  "",
  "caf\\u00e9",                    // Latin-1, one byte a unit
  "\\u65e5\\u672c \\ud83d\\ude00",    // two bytes a unit
  "lone \\ud800",
  (i) => long + i,                // a rope
  (i) => (long + i).slice(3),     // a part of another string
  (i) => String(i),
  { json: "caf\\u00e9" },
];
const headers = [undefined, { headers: { a: "b" } }, { status: 201 }, { headers: { a: "c" } }];
let i = 0;
export default {
  fetch() {
    const body = bodies[i % bodies.length];
    // Mostly the same head as before, now and then another, and one that cannot be sent.
    const head = headers[i % 100 < 90 ? 0 : i % headers.length];
    const value = typeof body === "function" ? body(i) : body;
    const bad = i % 1000 === 999;
    i++;
    if (bad) return new Response("x", { status: 200, statusText: "\\u00ff\\u0001" });
    if (head === undefined) return value;
    return new Response(typeof value === "string" ? value : JSON.stringify(value), head);
  },
};
"""
LATE = """
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
let waiting = false;
export default {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/waiting": return new Response(String(waiting), { headers: { a: "first" } });
      case "/second": return new Response("x", { headers: { a: "second" } });
      case "/late":
        waiting = true;
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        await sleep(20);  // until the host has forgotten it
        setImmediate(writeFileSync, new URL("answered", import.meta.url), "");
        return new Response("x", { headers: { a: "second" } });
      default: return new Response("x", { headers: { a: "first" } });
    }
  },
};
"""
LONG = "0123456789" * 100
BODIES = [
    lambda i: "plain", lambda i: "", lambda i: "café", lambda i: "日本 😀", lambda i: "lone \ufffd",
    lambda i: LONG + str(i), lambda i: (LONG + str(i))[3:], str, lambda i: '{"json":"café"}',
]
HEADS = [(200, None), (200, "b"), (201, None), (200, "c")]
ROUNDS, AT_ONCE = 1500, 16


class AnswersTest(unittest.TestCase):
    def test_each_is_what_the_handler_gave(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "answers.mjs")
            with open(path, "w", encoding="utf-8") as file:
                file.write(HANDLER)
            with Duet(os.environ["DUET"], [path]) as duet, duet.socket() as client:
                answers = client.makefile("rb")
                i = 0
                for _ in range(ROUNDS):
                    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * AT_ONCE)
                    for _ in range(AT_ONCE):
                        self.check(i, *self.read(answers))
                        i += 1

    def test_after_one_that_came_too_late(self):
        """The head of an answer that nobody takes is not taken for that of the last answer."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "late.mjs")
            with open(path, "w", encoding="utf-8") as file:
                file.write(LATE)
            with Duet(os.environ["DUET"], [path]) as duet:
                self.assertEqual(duet.get("/").headers.get("a"), "first")
                with duet.socket() as client:
                    client.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
                    eventually(lambda: duet.get("/waiting").body == b"true", "it has come")
                eventually(lambda: os.path.exists(os.path.join(folder, "answered")), "answered")
                self.assertEqual(duet.get("/second").headers.get("a"), "second")

    @staticmethod
    def read(answers):
        status = int(answers.readline().split()[1])
        fields = {}
        while line := answers.readline().strip():
            name, _, value = line.decode("latin-1").partition(": ")
            fields[name.lower()] = value
        return status, fields, answers.read(int(fields["content-length"]))

    def check(self, i, status, fields, body):
        if i % 1000 == 999:
            self.assertEqual(status, 500, i)
            return
        expected = HEADS[0 if i % 100 < 90 else i % len(HEADS)]
        self.assertEqual((status, fields.get("a")), expected, i)
        self.assertEqual(body.decode("utf-8"), BODIES[i % len(BODIES)](i), i)


if __name__ == "__main__":
    unittest.main(verbosity=2)
