"""sockets_test.py FOLDER: `ws` and socket.io, unmodified, on duet and on plain Node.

What one client sees of both is the same, and it is what their manuals say.
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from compare import DEADLINE, SKIPPED, Node
from duet_process import Duet  # in the path by compare

# A hash and a length stand for bytes.
EMPTY, THREE = "da39a3ee5e6b4b0d3255bfef95601890afd807090", "3c7aeead1d941b685fe0958b19485f8e00c43d343"
LARGE = "240c2ca4a0749e77080d144887a34886e10d22b43145728"
LEFT = [1006, ""]
TALK = [["text", {"n": 1}, [None, 50000]], [1, 2, 255], ["all of you"], "client namespace disconnect"]
EXPECTED = {
    "messages": ["shop", "permessage-deflate", "hello", "", "h\u00e9llo \U0001f600", THREE, EMPTY,
                 "220000 compressed compresse", LARGE, "in three parts",
                 [4001, "enough"], [4001, "enough"]],
    "plain": ["", "hello", "70000 " + "x" * 20, [1005, ""], [1005, ""]],
    "pings": ["here", "pong are you there", "are you there", "after"],
    "closes": [[4002, "as you wish"], [4002, "as you wish"], LEFT, LEFT, LEFT, 1009, LEFT],
    "flood": ["held back true", 32, True],
    "refusals": [[401, None, "auth"], [403, "response", "no"], ["ECONNRESET"],
                 [400, "Missing or invalid Sec-WebSocket-Key header"], [200, "null"]],
    "socketIo": [["polling", "websocket"], *TALK, ["websocket"], *TALK, ["polling"], *TALK],
}


class Sockets(unittest.TestCase):
    maxDiff = None
    folder = node = None

    def seen(self, port):
        run = subprocess.run([self.node, "sockets_client.mjs", str(port)], cwd=self.folder,
                             capture_output=True, text=True, timeout=3 * DEADLINE)
        self.assertEqual("", run.stderr)
        return json.loads(run.stdout)

    def test_on_duet(self):
        with Duet(os.environ["DUET"], [str(self.folder / "sockets.mjs")]) as duet:
            seen = self.seen(duet.port)
        for case, expected in EXPECTED.items():
            with self.subTest(case):
                self.assertEqual(seen[case], expected)

    def test_on_node(self):
        with Node(self.node, self.folder / "sockets.mjs") as node:
            node.wait_until_it_listens()
            self.assertEqual(self.seen(node.port), EXPECTED)


def main(folder):
    node = folder / "node_modules" / "node" / "bin" / "node"
    if not (folder / "installed").exists() or not node.exists():
        print("sockets: not tested, because its packages could not be obtained from npm")
        return SKIPPED
    Sockets.folder, Sockets.node = folder, str(node)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Sockets)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
