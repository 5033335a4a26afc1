"""Answers stay what they are once V8 has compiled the handler: optimised code hands short texts to
the host by another way, which leaves to the usual one what it cannot do."""

import os
import pathlib
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "examples"))
from duet_process import DEADLINE, Duet  # noqa: E402

HANDLER = """
const texts = {
  latin: () => "caf\\u00e9",
  wide: () => "\\u4e16\\u754c",
  joined: (count) => "a".repeat(30) + count + "b".repeat(30),
  empty: () => "",
  fields: (count) => new Response("x", { headers: { "x-count": String(count) } }),
  json: (count) => ({ "\\u00fc": count }),
  wrong: (count) => new Response("x", { headers: { "x-count": count % 100 < 99 ? "" : "\\u0001" } }),
};
export default async function fetch(request) {
  const count = Number(request.params.count);
  await new Promise(setImmediate);
  return texts[request.params.which](count);
}
"""
CONFIG = """
[handlers.compiled]
source = "compiled.mjs"
[[routes]]
path = "/{which}/{count}"
handler = "compiled"
"""
MANY = 12000  # requests: by then a text beyond ASCII has gone the other way, when that did not look
TOGETHER = 50


def answers(file):
    """Of one connection, in order: (status, fields, body)."""
    while line := file.readline():
        status, fields = int(line.split()[1]), {}
        while (line := file.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        yield status, fields, file.read(int(fields["content-length"]))


def ask_many(port, which):
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        come = answers(connection.makefile("rb"))
        for start in range(0, MANY, TOGETHER):
            connection.sendall(b"".join(
                f"GET /{which}/{n} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
                for n in range(start, start + TOGETHER)))
            for n in range(start, start + TOGETHER):
                yield n, *next(come)


class CompiledTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        folder = pathlib.Path(temporary.name)
        (folder / "compiled.mjs").write_text(HANDLER)
        (folder / "duet.toml").write_text(CONFIG)
        self.duet = Duet(os.environ["DUET"], [str(folder / "duet.toml")])
        self.duet.__enter__()
        self.addCleanup(self.duet.__exit__, None, None, None)

    def test_texts_and_fields(self):
        bodies = {
            "latin": lambda n: "café",
            "wide": lambda n: "世界",
            "joined": lambda n: "a" * 30 + str(n) + "b" * 30,
            "empty": lambda n: "",
            "fields": lambda n: "x",
            "json": lambda n: f'{{"ü":{n}}}',
        }
        for which, body in bodies.items():
            with self.subTest(which):
                for n, status, fields, answer in ask_many(self.duet.port, which):
                    self.assertEqual((status, answer.decode()), (200, body(n)))
                    if which == "fields":
                        self.assertEqual(fields["x-count"], str(n))

    def test_a_wrong_field_is_still_an_error(self):
        for n, status, fields, answer in ask_many(self.duet.port, "wrong"):
            self.assertEqual(status, 500 if n % 100 == 99 else 200, n)
            if status == 200:
                self.assertEqual((fields["x-count"], answer), ("", b"x"))


if __name__ == "__main__":
    unittest.main()
