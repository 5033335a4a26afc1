"""applications.py FOLDER NODE NAME: Next.js or Node-RED, on duet and on plain Node, as compare.py does it.

They are large, and have folders of their own: FOLDER is where install.py has put one of them.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from compare import DEADLINE, JSON, SKIPPED, Compared, Node, ask
from duet_process import Duet  # in the path by compare

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LARGE = 60  # seconds in which such an application has started on a busy machine


class NextJs(Compared):
    """server.js on duet, beside what `next start` answers."""

    requests = [
        *[("GET", path, {}, None) for path in (
            "/", "/items/1", "/items/1?currency=ct", "/items/9", "/old", "/slow", "/none", "/about.txt",
            "/api/items", "/api/items?q=rop", "/api/items/1", "/api/items/9", "/api/report",
            "/api/fail", "/items/", "/api/session", "/_next/static/none.js",
            "/_next/image?url=%2Frope.png&w=64&q=75", "/_next/image?url=%2Fnone.png&w=64&q=75")],
        ("GET", "/items/1", {"RSC": "1"}, None), ("HEAD", "/items/1", {}, None),
        ("GET", "/about.txt", {"Range": "bytes=2-5"}, None),
        ("GET", "/", {"Accept-Encoding": "gzip"}, None),
        ("GET", "/api/session", {"Cookie": "session=ada; theme=dark"}, None),
        ("POST", "/api/session", FORM, b"name=ada"),
        ("POST", "/api/items", JSON, b'{"name":"saw","cents":1500}'),
        ("POST", "/api/items", JSON, b'{"name":"","cents":"x"}'),
        ("POST", "/api/items", JSON, [b'{"name":"sa', b'w","cents":1}']),
        ("POST", "/api/items", JSON, b'{"name":'), ("PUT", "/api/items", JSON, b"{}"),
        ("DELETE", "/api/items/1", {}, None), ("OPTIONS", "/api/items", {}, None),
    ]
    names = "server.js"
    patience = LARGE

    def usual(self):
        folder = self.file.parent
        shutil.rmtree(folder / ".next/cache/images", ignore_errors=True)  # duet makes them, asked first
        return Node(self.node, folder / "node_modules/next/dist/bin/next",
                    "start", "--hostname", "127.0.0.1", cwd=folder)

    def comparable(self, target, answer):
        *head, fields, body = answer
        if target.startswith("/_next/image"):  # in the cache for the second one
            fields = [field for field in fields if field[0] != "X-Nextjs-Cache"]
        elif target == "/slow":  # React sends what is ready: the order of its scripts is a matter of time
            body = re.sub(rb"<script.*?</script>", b"", body, flags=re.DOTALL)
        return *head, fields, body

    def more_requests(self, port):
        """The page's own scripts: their names are the build's."""
        page = ask(port, ("GET", "/", {}, None))[-1].decode()
        scripts = sorted(set(re.findall(r'"(/_next/static/[^"]+\.js)"', page)))
        self.assertTrue(scripts, page)
        return [("GET", script, {}, None) for script in scripts]


class NodeRed(Compared):
    requests = [
        *[("GET", path, {}, None) for path in ("/items/1", "/items/9", "/none", "/red/", "/red/flows",
                                               "/red/nodes", "/red/settings", "/red/red/red.min.js")],
        ("HEAD", "/items/1", {}, None), ("POST", "/items", JSON, b'{"name":"saw","cents":1500}'),
        ("POST", "/items", FORM, b"name=saw&cents=7"), ("POST", "/items", JSON, b'{"name":'),
    ]
    names = "server.cjs"
    patience = LARGE

    # The debug node's message to the editor, over its WebSocket: its id, no topic, the item.
    TOLD = ["seen", None, {"name": "rope", "cents": 250}]

    def comparable(self, target, answer):
        """The editor's page names its files by a number that each start draws."""
        if target != "/red/":
            return answer
        *head, fields, body = answer
        fields = [field for field in fields if field[0] != "ETag"]
        return *head, fields, re.sub(rb"\?v=[0-9a-f]{12}", b"?v=", body)

    def told(self, port):
        script = pathlib.Path(__file__).parent / "comms.mjs"
        run = subprocess.run([self.node, script, str(port)], cwd=self.file.parent,
                             capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual("", run.stderr)
        return json.loads(run.stdout)

    def also(self, duet, node):
        self.assertEqual(self.TOLD, self.told(node))
        self.assertEqual(self.TOLD, self.told(duet))


def main(folder, node, name):
    if not (folder / "installed").exists() or not node.exists():
        print(f"{name}: not tested, because its packages could not be obtained from npm")
        return SKIPPED
    case = {"nextjs": NextJs, "nodered": NodeRed}[name]
    case.node, case.file = str(node), folder / case.names
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))
