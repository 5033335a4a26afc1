"""`duet serve --watch`: what one sees who edits handlers while they are served."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402
from duet_process import DEADLINE, Duet, eventually, reserved_port  # noqa: E402

TEXT = {"py": 'def fetch(request):\n    return "%s"\n', "mjs": 'export default () => "%s";\n'}


class Watched(Duet):
    """A host that starts again: on a port that is known before it has started once."""

    def __init__(self, sources, cwd, listen):
        super().__init__(EXECUTABLE, [], cwd=cwd)
        self.port = reserved_port()
        self.command = [EXECUTABLE, "serve", "--watch", *sources]
        if listen:
            self.command += ["--listen", f"127.0.0.1:{self.port}", "--admin", "off"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=self.cwd, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def read():
            for line in self.process.stdout:
                self.output.append(line)

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        return self

    def text(self, target="/"):
        try:
            return self.get(target).body.decode()
        except ConnectionError:  # it is just starting
            return None

    def becomes(self, text, target="/"):
        eventually(lambda: self.text(target) == text, f"{target} is {text}:\n{''.join(self.output)}")

    def says(self, text):
        eventually(lambda: text in "".join(self.output), text)

    def host(self):
        """The number of the process that serves, if there is one."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        numbers = children.read_text().split()
        return int(numbers[0]) if numbers else None


class WatchTest(Folder):
    def watched(self, *sources, listen=True):
        duet = Watched(sources, self.folder, listen)
        duet.__enter__()
        self.addCleanup(lambda: duet.process.poll() is None and duet.__exit__(None))
        return duet

    def test_what_was_edited_answers(self):
        for kind in TEXT:
            with self.subTest(kind):
                self.write(f"{kind}/app.{kind}", TEXT[kind] % "before")
                duet = self.watched(f"{kind}/app.{kind}")
                duet.becomes("before")
                self.write(f"{kind}/app.{kind}", TEXT[kind] % "after")
                duet.becomes("after")
                duet.says(f"app.{kind} changed")

    def test_a_module_that_a_handler_imports_counts(self):
        self.write("shop/prices.py", "PRICE = '1'\n")
        self.write("main.py", """
            from shop.prices import PRICE
            def fetch(request):
                return PRICE
            """)
        duet = self.watched("main:fetch")
        duet.becomes("1")
        # Of another length: Python takes a file of the same second and length for the one it compiled.
        self.write("shop/prices.py", "PRICE = '2.00'\n")
        duet.becomes("2.00")

    def test_a_mistake_is_shown_and_waited_for(self):
        self.write("app.mjs", TEXT["mjs"] % "before")
        duet = self.watched("app.mjs")
        duet.becomes("before")
        self.write("app.mjs", "export default () => {")
        duet.says("SyntaxError")
        duet.says("starts again when a file changes")
        self.write("app.mjs", TEXT["mjs"] % "mended")
        duet.becomes("mended")

    def test_the_configuration_counts_with_the_folders_that_it_names(self):
        self.write("one/app.py", TEXT["py"] % "one")
        self.write("two/app.mjs", TEXT["mjs"] % "two")
        config = '[handlers.app]\nsource = "%s"\n[[routes]]\npath = "/"\nhandler = "app"\n'
        self.write("conf/duet.toml", config % "../one/app.py")
        duet = self.watched("conf/duet.toml")
        duet.becomes("one")
        self.write("conf/duet.toml", config % "../two/app.mjs")
        duet.becomes("two")
        self.write("two/app.mjs", TEXT["mjs"] % "three")
        duet.becomes("three")

    def test_what_a_program_writes_does_not_count(self):
        self.write("app.py", TEXT["py"] % "before")
        duet = self.watched("app.py")
        duet.becomes("before")
        for name in ("shop.db", "log.txt", "data.json", "node_modules/a/index.js", "__pycache__/app.py"):
            self.write(name, "1")
        self.write("app.py", TEXT["py"] % "after")
        duet.becomes("after")
        duet.says("starting again, since app.py changed")
        self.assertEqual("".join(duet.output).count("starting again"), 1)

    def test_a_stream_without_an_end_does_not_hold_it_up(self):
        self.write("app.py", """
            import asyncio
            async def fetch(request):
                async def body():
                    yield "first"
                    await asyncio.sleep(3600)
                return body() if request.url.endswith("/stream") else "before"
            """)
        duet = self.watched("app.py")
        duet.becomes("before")
        with duet.socket() as connection:
            connection.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            received = b""
            while b"first" not in received:
                received += connection.recv(4096)
            self.write("app.py", TEXT["py"] % "after")
            duet.becomes("after")
            self.assertEqual(connection.recv(4096), b"")  # ended, not left hanging

    def test_ctrl_c_ends_both_with_the_table(self):
        self.write("app.py", TEXT["py"] % "before")
        duet = self.watched("app.py")
        duet.becomes("before")
        host = duet.host()
        duet.process.send_signal(signal.SIGINT)
        self.assertEqual(duet.process.wait(DEADLINE), 0)
        duet.reader.join(DEADLINE)
        self.assertFalse(pathlib.Path(f"/proc/{host}").exists())
        self.assertIn("median of a phase", "".join(duet.output))

    def test_ctrl_c_ends_what_waits_for_a_change(self):
        self.write("app.py", "1 +")
        duet = self.watched("app.py")
        duet.says("starts again when a file changes")
        duet.process.send_signal(signal.SIGINT)
        self.assertEqual(duet.process.wait(DEADLINE), 1)

    def test_a_port_of_the_systems_choice_stays(self):
        self.write("app.py", TEXT["py"] % "before")
        with self.serve("--watch", "app.py") as duet:
            self.assertEqual(duet.get("/").body, b"before")
            self.write("app.py", TEXT["py"] % "afterwards")
            eventually(lambda: "".join(duet.output).count("listening on") == 2, "it has started again")
            self.assertEqual(duet.get("/").body, b"afterwards")
            announced = [line for line in duet.output if " on http://" in line]
            self.assertEqual(announced[:2], announced[2:])

    def test_clients_wait_while_it_starts_again(self):
        self.write("app.py", TEXT["py"] % "before")
        os.mkfifo(self.folder / "gate")
        duet = self.watched("app.py")
        duet.becomes("before")
        first = duet.host()
        self.write("app.py", 'open("gate").read()\n' + TEXT["py"] % "after")
        eventually(lambda: duet.host() not in (None, first), "another host starts")
        # It waits at the gate, and nobody takes connections; they come all the same.
        with duet.socket() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            (self.folder / "gate").write_text("open")
            self.assertTrue(connection.makefile("rb").read().endswith(b"after"))

    def test_an_address_that_the_configuration_gives_up_is_free(self):
        ports = reserved_port(), reserved_port()
        self.write("app.py", TEXT["py"] % "here")
        config = ('[server]\nlisten = ["127.0.0.1:%d"]\nadmin = "off"\n[handlers.app]\nsource = "app.py"\n'
                  '[[routes]]\npath = "/"\nhandler = "app"\n')
        self.write("duet.toml", config % ports[0])
        duet = self.watched(listen=None)
        for port in ports:
            self.write("duet.toml", config % port)
            duet.port = port
            duet.becomes("here")
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", ports[0]), DEADLINE)

    def test_a_host_does_not_outlive_its_watcher(self):
        self.write("app.py", TEXT["py"] % "before")
        duet = self.watched("app.py")
        duet.becomes("before")
        host = pathlib.Path(f"/proc/{duet.host()}/stat")
        duet.process.kill()
        duet.process.wait()
        eventually(lambda: not host.exists() or ") Z " in host.read_text(), "the host has ended")

    def test_what_cannot_be_watched_is_refused(self):
        self.write("app.py", TEXT["py"] % "before")
        ended = subprocess.run([EXECUTABLE, "serve", "--watch=nowhere", "app.py"], cwd=self.folder,
                               capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(ended.returncode, 2)
        self.assertIn("'nowhere' cannot be watched: there is no such file or folder", ended.stderr)


if __name__ == "__main__":
    unittest.main()
