"""Handlers that share a process: what they have apart, and what is refused with the reason."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "support"))
from cases import EXECUTABLE, Folder, errors  # noqa: E402

OTHER = "3.9" if sys.version_info[:2] != (3, 9) else "3.8"  # of Python, not this one
DJANGO = """
    import os, types
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
    from django.conf import settings
    settings.NAME  # as django.setup() reads them
    from django.core.handlers.wsgi import WSGIHandler
    application = WSGIHandler()
"""
CONFIGURES = """
    from django.conf import settings
    {guard}settings.configure(NAME="own")
    from django.core.handlers.wsgi import WSGIHandler
    application = WSGIHandler()
"""
# What of Django this is about: one `settings` a process, which is filled from the variable, once.
FAKE_DJANGO = {
    "django/__init__.py": "",
    "django/core/__init__.py": "",
    "django/core/handlers/__init__.py": "",
    "django/core/handlers/wsgi.py": """
        from django.conf import settings
        class WSGIHandler:
            def __call__(self, environ, start_response):
                start_response("200 OK", [])
                return [settings.NAME.encode()]
        """,
    "django/conf/__init__.py": """
        import importlib, os
        class Settings:
            pass
        class LazySettings:
            _wrapped = None
            @property
            def configured(self):
                return self._wrapped is not None
            def configure(self, **values):
                if self.configured:
                    raise RuntimeError("Settings already configured.")
                self._wrapped = Settings()
                vars(self._wrapped).update(values)
            def __getattr__(self, name):
                if not self.configured:
                    module = os.environ["DJANGO_SETTINGS_MODULE"]
                    self.configure(**vars(importlib.import_module(module)), SETTINGS_MODULE=module)
                return getattr(self._wrapped, name)
        settings = LazySettings()
        """,
}


class Projects(Folder):
    def configure(self, **sources):
        """A duet.toml whose handlers answer at /<their name>."""
        return self.write("duet.toml", "".join(f"""
            [handlers.{name}]
            source = "{source}"
            [[routes]]
            path = "/{name}"
            handler = "{name}"
            """ for name, source in sources.items()))

    def refused_with(self, *sources, **environment):
        return errors(self.refusal(*sources, **environment))[0]


class ModulesTest(Projects):
    def test_two_handlers_from_one_file(self):
        self.write("counter.py", """
            calls = 0
            def fetch(request):
                global calls
                calls += 1
                return str(calls)
            """)
        with self.serve(self.configure(one="counter.py", two="counter.py")) as duet:
            answers = [duet.get(path).body for path in ("/one", "/one", "/two")]
        self.assertEqual(answers, [b"1", b"2", b"1"])

    def test_handlers_named_by_one_module_share_it(self):
        self.write("counter.py", """
            calls = 0
            def one(request):
                global calls
                calls += 1
                return str(calls)
            two = one
            """)
        config = self.configure(one="counter:one", two="counter:two")
        with self.serve(config) as duet:
            answers = [duet.get(path).body for path in ("/one", "/one", "/two")]
        self.assertEqual(answers, [b"1", b"2", b"3"])


class DjangoSettingsTest(Projects):
    def setUp(self):
        super().setUp()
        for name, text in FAKE_DJANGO.items():
            self.write(f"packages/{name}", text)
        self.env = {"PYTHONPATH": str(self.folder / "packages")}

    def two(self, one, two, place="{}"):
        """Two projects; each application's settings have the name that is its project's."""
        for name, text in (("one", one), ("two", two)):
            self.write(f"{name}/wsgi_{name}.py", text)
            self.write(f"{name}/" + place.format(name) + ".py", f"NAME = '{name}'")
        return self.configure(one="one/wsgi_one.py", two="two/wsgi_two.py")

    def test_one_for_both(self):
        self.two(DJANGO.format(settings="both"), DJANGO.format(settings="both"))
        self.write("packages/both.py", "NAME = 'both'")
        with self.serve("duet.toml", env=self.env) as duet:
            self.assertEqual([duet.get(path).body for path in ("/one", "/two")], [b"both", b"both"])

    def refused(self, *applications, needs, has, **options):
        self.two(*applications, **options)
        error = self.refused_with("duet.toml", **self.env)
        folder = self.folder
        self.assertEqual(error["msg"], (
            f"handler 'two': handler 'two' needs {needs}, and Django has one set of settings a "
            f"process, which is that of handler 'one': {has}").replace("FOLDER", str(folder)))
        self.assertEqual(error["at"], str(folder / "two"))
        self.assertIn("serve 'two' by a duet of its own", error["hint"])

    def test_two_modules(self):
        self.refused(DJANGO.format(settings="one_settings"), DJANGO.format(settings="two_settings"),
                     place="{}_settings", needs="the settings 'two_settings' (FOLDER/two/two_settings.py)",
                     has="the settings 'one_settings' (FOLDER/one/one_settings.py)")

    def test_two_modules_of_one_name(self):
        application = DJANGO.format(settings="site_settings")
        self.refused(application, application, place="site_settings",
                     needs="the settings 'site_settings' (FOLDER/two/site_settings.py)",
                     has="the settings 'site_settings' (FOLDER/one/site_settings.py)")

    def test_two_that_configure_them(self):
        application = CONFIGURES.format(guard="")
        self.refused(application, application, needs="settings of its own, by settings.configure()",
                     has="settings by settings.configure()")

    def test_one_that_would_go_on_with_the_other_s(self):
        application = CONFIGURES.format(guard="if not settings.configured: ")
        self.refused(application, application, needs="the settings of its own project",
                     has="settings by settings.configure()")


class AnotherPythonTest(Projects):
    HERE = "this is Python %d.%d (" % sys.version_info[:2]

    def hint(self, text):
        return self.refused_with(self.write("shop.py", text), PYTHONPATH=str(self.folder))["hint"]

    def test_an_extension_that_was_built_for_another(self):
        tag = OTHER.replace(".", "")
        self.write(f"fast/_core.cpython-{tag}-x86_64-linux-gnu.so", "")
        self.write("fast/__init__.py", """
            try:
                from . import _core
                from fast._core import run
            except ImportError as error:
                raise ImportError("fast cannot be imported") from error
            """.replace("from . import _core\n", "\n"))
        hint = self.hint("import fast\ndef fetch(request): ...")
        self.assertIn(self.HERE, hint)
        self.assertIn(f"{self.folder}/fast/_core.cpython-{tag}-x86_64-linux-gnu.so was built for "
                      f"Python {OTHER}", hint)
        self.assertIn("-m pip install --force-reinstall fast", hint)

    def test_a_module_that_the_standard_library_has_no_more(self):
        name, since = ("annotationlib", "is of Python 3.14 or later") \
            if sys.version_info < (3, 12) else ("distutils", "went with Python 3.12")
        self.assertIn(f"and '{name}' {since}", self.hint(f"import {name}"))

    def test_a_syntax_that_is_too_new(self):
        error = self.refused_with(self.write("shop.py", "def fetch(request):\n    newer 3\n"))
        self.assertIn("SyntaxError", error["msg"])
        self.assertEqual(error["at"], f"{self.folder}/shop.py:2:11")
        self.assertIn(self.HERE, error["hint"])

    def test_what_the_project_says(self):
        self.write("pyproject.toml", "[project]\nname = 'shop'\nrequires-python = '>=3.99'\n")
        hint = self.hint("import absent")
        self.assertIn(f"{self.folder}/pyproject.toml says requires-python = '>=3.99'", hint)
        self.write("pyproject.toml", "[project]\nname = 'shop'\nrequires-python = '>=3.8'\n")
        self.assertIn("install it for", self.hint("import absent"))

    def test_an_environment_of_a_version_without_a_module(self):
        self.write(".venv/pyvenv.cfg", "version = 3.99.1\n")
        self.write(".venv/bin/python3", "#!/bin/sh\necho 3.99; echo /lib/libpython3.99.so\n")
        os.chmod(self.folder / ".venv/bin/python3", 0o755)
        self.write("shop.py", "def fetch(request): ...")
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        ended = subprocess.run([EXECUTABLE, "serve", "shop.py", "--listen", "127.0.0.1:0"],
                               cwd=self.folder, capture_output=True, text=True, timeout=30,
                               env=environment)
        error = json.loads(ended.stderr.splitlines()[-1])
        self.assertIn("no engine module for Python 3.99", error["msg"])
        self.assertIn("activate a virtual environment of another version", error["hint"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
