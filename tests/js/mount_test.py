"""Several applications of Node's http in one process, each below a path of its own."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import Folder  # noqa: E402

# Twice, under two names: what one keeps is not the other's.
APPLICATION = """
const http = require("node:http");
let served = 0;
const server = http.createServer((req, res) => {
  res.end(JSON.stringify(["NAME", req.url, req.originalUrl, req.baseUrl, ++served]));
});
server.on("upgrade", (req, socket) => socket.end(`${req.url} of NAME`));
server.listen(3000);  // both say the same: neither opens it
"""
CONFIG = """
[handlers.shop]
source = "shop.js"
root_path = "/shop"
[handlers.admin]
source = "admin.js"
root_path = "/deep/admin/"
[[routes]]
path = "/shop"
handler = "shop"
[[routes]]
path = "/shop/*"
handler = "shop"
[[routes]]
path = "/bare/*"
handler = "shop"
[[routes]]
path = "/deep/admin/*"
handler = "admin"
"""


class MountTest(Folder):
    def setUp(self):
        super().setUp()
        for name in ("shop", "admin"):
            self.write(f"{name}.js", APPLICATION.replace("NAME", name))

    def asked(self, duet, target):
        name, url, original, base, served = json.loads(duet.get(target).body)
        return name, url, original, base, served

    def test_by_root_path(self):
        with self.serve(self.write("duet.toml", CONFIG)) as duet:
            for target, name, url, base in (
                    ("/shop", "shop", "/", "/shop"), ("/shop/", "shop", "/", "/shop"),
                    ("/shop?a=/shop", "shop", "/?a=/shop", "/shop"),
                    ("/shop/items/1?q=2", "shop", "/items/1?q=2", "/shop"),
                    ("/shop/shop/x", "shop", "/shop/x", "/shop"),
                    ("/deep/admin/users", "admin", "/users", "/deep/admin")):
                with self.subTest(target):
                    self.assertEqual((name, url, target, base), self.asked(duet, target)[:4])
            # Somebody has taken the path off already.
            self.assertEqual(("shop", "/bare/x", "/shop/bare/x", "/shop"), self.asked(duet, "/bare/x")[:4])
            self.assertEqual(2, self.asked(duet, "/deep/admin/")[4])  # its own count
            with duet.socket() as client:
                client.sendall(b"GET /shop/live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
                self.assertEqual(b"/live of shop", b"".join(iter(lambda: client.recv(100), b"")))

    def test_by_their_names(self):
        with self.serve("shop.js", "admin.js") as duet:
            self.assertEqual(("shop", "/items", "/shop.js/items", "/shop.js"),
                             self.asked(duet, "/shop.js/items")[:4])
            self.assertEqual(("admin", "/", "/admin.js", "/admin.js"), self.asked(duet, "/admin.js")[:4])

    def test_alone_it_is_not_mounted(self):
        with self.serve("shop.js") as duet:
            self.assertEqual(["shop", "/items", None, None, 1], json.loads(duet.get("/items").body))


if __name__ == "__main__":
    unittest.main(verbosity=2)
