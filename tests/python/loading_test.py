"""What is found as a handler, what is refused and why, and which interpreter runs it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from cases import EXECUTABLE, Folder  # noqa: E402
from duet_process import eventually  # noqa: E402

PYTHON = os.environ["DUET_PYTHON"]


class LoadingTest(Folder):
    def answer(self, source, target="/", **options):
        with self.serve(source, **options) as duet:
            answer = duet.get(target)
        self.assertEqual(answer.status, 200, answer)
        return answer.body.decode()

    def test_shapes(self):
        shapes = {
            "function": "def fetch(request, env, ctx): return 'function'",
            "request only": "def fetch(request): return 'request only'",
            "nothing": "def fetch(): return 'nothing'",
            "variadic": "def fetch(*args): return 'variadic' if len(args) == 3 else 'no'",
            "class": """
                class Handler:
                    def __init__(self): self.text = 'class'
                    async def fetch(self, request): return self.text
                """,
            "object": """
                class Thing:
                    def fetch(self, request, env): return 'object'
                handler = Thing()
                """,
            "callable": """
                class Thing:
                    async def __call__(self, request): return 'callable'
                fetch = Thing()
                """,
            "partial": """
                import functools
                def answer(text, request): return text
                fetch = functools.partial(answer, 'partial')
                """,
            "wrapped": """
                import asyncio, functools
                async def inner(request): return await request.text() or 'wrapped'
                @functools.wraps(inner)
                def fetch(request): return inner(request)
                """,
            "future": """
                import asyncio
                def fetch(request): return asyncio.ensure_future(asyncio.sleep(0.001, 'future'))
                """,
            "run at import": """
                import asyncio
                value = asyncio.run(asyncio.sleep(0.001, 'run at import'))
                async def fetch(request): return value
                """,
            "beside": """
                from neighbour import value
                def fetch(request): return value
                """,
        }
        self.write("neighbour.py", "value = 'beside'")
        for number, (name, source) in enumerate(shapes.items()):
            with self.subTest(name):
                self.assertEqual(self.answer(self.write(f"h{number}.py", source)), name)

    def test_module_and_attribute(self):
        self.write("package/__init__.py", "")
        self.write("package/web.py", """
            class Api:
                async def fetch(self, request): return 'by name'
            api = Api()
            """)
        self.assertEqual(self.answer("package.web:api", "/package.web:api"), "by name")

    def test_names_of_the_standard_library(self):
        path = self.write("json.py", """
            import importlib
            def fetch(request):
                return {"own": __name__ != "json", "value": 1}
            """)
        self.assertEqual(json.loads(self.answer(path)), {"own": True, "value": 1})

    def test_two_projects_with_the_same_module(self):
        for name in ("one", "two"):
            self.write(f"{name}/utils/__init__.py", f"name = '{name}'")
            self.write(f"{name}/utils/late.py", f"name = 'late {name}'")
            self.write(f"{name}/web.py", """
                import utils
                def fetch(request):
                    import utils as again
                    from utils.late import name as late
                    return [utils.name, again.name, late]
                """)
        config = self.write("duet.toml", """
            [handlers.one]
            source = "one/web.py"
            [handlers.two]
            source = "two/web.py"
            [[routes]]
            path = "/one"
            handler = "one"
            [[routes]]
            path = "/two"
            handler = "two"
            """)
        with self.serve(config) as duet:
            for _ in range(2):
                for name in ("one", "two"):
                    self.assertEqual(json.loads(duet.get(f"/{name}").body),
                                     [name, name, f"late {name}"])

    def test_refusals(self):
        refused = {
            "def other(): pass": "the file has no handler",
            "fetch = 3": "which cannot be called",
            "def fetch(a, b, c, d): pass": "takes more than (request, env, ctx)",
            "def fetch(request, *, key): pass": "needs the keyword argument 'key'",
            "def fetch(request):\n  return (": "SyntaxError",
            "import absent_module": "absent_module",
            "import sys; sys.exit(3)": "calls sys.exit(3)",
            "1 / 0": "ZeroDivisionError",
            "import duet\n@duet.blocking\nasync def fetch(request): pass": "plain `def`",
        }
        for number, (source, said) in enumerate(refused.items()):
            with self.subTest(source):
                path = self.write(f"r{number}.py", source)
                errors = self.refusal(path)
                self.assertIn(said, errors)
                self.assertIn(f"r{number}", errors)

    def test_missing_attribute(self):
        self.write("web.py", "def handler(request): pass")
        self.assertIn("did you mean 'handler'?", self.refusal("web:handle"))

    def test_missing_module(self):
        self.write("shop.py", "def handler(request): pass")
        self.write("broken.py", "import sohp")
        for source, hint in {"sohp:handler": "did you mean 'shop:handler'?",
                             "nothing_like_it:app": "start duet in the module's folder",
                             "sohp.api:handler": "did you mean 'shop.api:handler'?"}.items():
            refusal = self.refusal(source)
            self.assertIn(f"there is no module '{source.partition(':')[0].partition('.')[0]}' in ", refusal)
            self.assertIn(hint, refusal)
            self.assertNotIn("importlib", refusal)
        # That is said only of the module that was named.
        self.assertIn("ModuleNotFoundError: No module named 'sohp'", self.refusal("broken:app"))

    def test_asyncio_is_imported_by_those_who_need_it(self):
        plain = self.write("plain.py", """
            import sys
            def fetch(request): return str('asyncio' in sys.modules)
            """)
        self.assertEqual(self.answer(plain), "False")

    def test_a_module_cannot_close_the_loop_of_those_before_it(self):
        self.write("first.py", """
            import asyncio
            async def fetch(request): return await asyncio.sleep(0.001, 'slept')
            """)
        self.write("second.py", """
            import asyncio
            from duet._loop import Loop
            own = Loop(own=True)  # what event-loop suites run on
            own.close(), own.close()
            try: asyncio.get_event_loop().close()
            except RuntimeError as error: said = str(error)
            def fetch(request): return said
            """)
        config = self.write("duet.toml", """
            [handlers.first]
            source = "first.py"
            [handlers.second]
            source = "second.py"
            [[routes]]
            path = "/first"
            handler = "first"
            [[routes]]
            path = "/second"
            handler = "second"
            """)
        with self.serve(config) as duet:
            self.assertEqual([duet.get(path).body.decode() for path in ("/first", "/second")],
                             ["slept", "the event loop is duet's: it closes when the host stops"])

    def test_a_loop_of_ones_own(self):
        """What event-loop suites run on: made by one thread and run by another, and in forked children."""
        path = self.write("own.py", """
            import asyncio, logging, os, threading
            from duet._loop import Loop
            def in_child():
                own = Loop(own=True)
                return own.run_until_complete(asyncio.sleep(0.001, 3))
            own = Loop(own=True)
            threads = threading.Thread(target=own.run_forever)
            threads.start()
            asked = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001, 'ran'), own)
            said = asked.result(20)
            own.call_soon_threadsafe(own.stop)  # while it waits, by the thread that made it
            threads.join(20)
            closed, logged = Loop(own=True), []
            closed.close()
            logging.getLogger('asyncio').handle = logged.append  # and not the host's log
            closed.call_exception_handler({'message': 'nobody awaited it'})
            child = os.fork()
            if child == 0:
                os._exit(in_child())
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            def fetch(request): return f'{said} {own.is_running()} {code} {logged[0].msg}'
            """)
        self.assertEqual(self.answer(path), "ran False 3 nobody awaited it")

    def test_virtual_environment(self):
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", ".venv"], cwd=self.folder,
                       check=True)
        site = next((self.folder / ".venv" / "lib").glob("python3*/site-packages"))
        (site / "only_here.py").write_text("value = 'from the environment'")
        path = self.write("h.py", """
            import sys
            from only_here import value
            def fetch(request): return [value, sys.prefix, sys.executable]
            """)
        environment = str(self.folder / ".venv")
        expected = ["from the environment", environment, environment + "/bin/python3"]
        self.assertEqual(json.loads(self.answer(path)), expected)
        other = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.assertEqual(
            json.loads(self.answer(path, env={"VIRTUAL_ENV": environment})), expected)
        self.assertIn("no bin/python3", self.refusal(path, VIRTUAL_ENV=str(other)))

    def test_stopping(self):
        path = self.write("h.py", """
            import asyncio, atexit, signal, sys
            atexit.register(print, 'atexit ran')
            stopping = []
            def stop(number, frame):
                print('handler ran')
                stopping.append(number)
            signal.signal(signal.SIGTERM, stop)
            async def generate():
                try:
                    yield 1
                finally:
                    print('generator closed')
            kept = generate()
            async def later():
                while not stopping:  # what is under way when the host stops
                    await asyncio.sleep(0.01)
                print('work finished')
            async def fetch(request, env, ctx):
                await kept.__anext__()
                ctx.wait_until(later())
                sys.stdout.write('written')
                return 'begun'
            """)
        with self.serve(path) as duet:
            self.assertEqual(duet.get("/").body, b"begun")
        output = "".join(duet.output)
        for said in ("handler ran", "work finished", "generator closed", "atexit ran", "written"):
            self.assertIn(said, output)
        self.assertLess(output.index("handler ran"), output.index("work finished"))
        self.assertLess(output.index("work finished"), output.index("atexit ran"))

    def test_handlers_of_signals_run_while_nothing_else_does(self):
        path = self.write("h.py", """
            import signal
            def note(number, frame):
                print('handler ran', flush=True)
                raise KeyError('of a signal')
            signal.signal(signal.SIGUSR1, note)
            signal.signal(signal.SIGALRM, lambda number, frame: print('alarm rang', flush=True))
            def fetch(request):
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                return 'alive'
            """)
        with self.serve(path) as duet:
            duet.process.send_signal(signal.SIGUSR1)
            eventually(lambda: "KeyError: 'of a signal'" in "".join(duet.output), "it is logged")
            self.assertIn("handler ran\n", duet.output)
            self.assertEqual(duet.get("/").body, b"alive")
            eventually(lambda: "alarm rang\n" in duet.output, "an alarm after the answer")

    def test_the_package_outside_of_the_host(self):
        package = pathlib.Path(EXECUTABLE).parent.parent / "lib/duet/python"
        program = textwrap.dedent("""
            import duet
            headers = duet.Headers({"A": "1"})
            assert headers["a"] == "1" and duet.Query("q=1&q=2").get_all("q") == ["1", "2"]
            assert duet.Response.json({"a": 1}, 201).status == 201
            there = duet.Response.redirect("/stra\u00dfe?q=a b").headers["location"]
            assert there == "/stra%C3%9Fe?q=a%20b", there
            @duet.blocking
            def fetch(request: duet.SyncRequest, env: duet.Env, ctx: duet.Context): pass
            try:
                headers["x"] = "a\\nb"
            except ValueError:
                print("importable")
            """)
        said = subprocess.run([PYTHON, "-c", program], capture_output=True, text=True,
                              env=dict(os.environ, PYTHONPATH=str(package)))
        self.assertEqual(said.stdout.strip(), "importable", said.stderr)
        self.assertTrue((package / "duet/py.typed").exists())


if __name__ == "__main__":
    unittest.main(verbosity=1)
