"""Django has one set of settings a process: a handler that needs others is refused, with the reason."""

import os
import sys

_VARIABLE = "DJANGO_SETTINGS_MODULE"

_owner = None  # the first handler with Django settings: (handler, project, module or "", file or "")


class Conflict(Exception):
    """(message, where, hint)"""


class Settings:
    """While a handler of `project` is loaded."""

    def __init__(self, handler, project):
        self.handler, self.project = handler, project
        self.variable = None

    def __enter__(self):
        # What the first handler has set is not what this one wants: most set a default only.
        if _owner is not None and _owner[2]:
            self.variable = os.environ.get(_VARIABLE)
            if self.variable == _owner[2]:
                del os.environ[_VARIABLE]
            else:
                self.variable = None
        return self

    def __exit__(self, kind, error, traceback):
        wanted = os.environ.get(_VARIABLE)
        if self.variable is not None:
            os.environ[_VARIABLE] = self.variable
        if _owner is None:
            self._own()
        elif isinstance(error, RuntimeError) and str(error) == "Settings already configured.":
            self._refuse("settings of its own, by settings.configure()")
        elif self.variable is not None and wanted is not None:
            file = self._file_of(wanted)
            if (wanted, file) != _owner[2:]:
                self._refuse(f"the settings {wanted!r}" + (f" ({file})" if file else ""))
        return False

    def check(self, application):
        """`if not settings.configured: settings.configure(...)` goes on with somebody else's."""
        packages = {base.__module__.partition(".")[0] for base in type(application).__mro__}
        if "django" in packages and _owner is not None and not _owner[2] \
                and _owner[1] != self.project:
            self._refuse("the settings of its own project")

    def _own(self):
        global _owner
        conf = sys.modules.get("django.conf")
        if conf is not None and conf.settings.configured:
            module = getattr(conf.settings._wrapped, "SETTINGS_MODULE", None) or ""
            file = getattr(sys.modules.get(module), "__file__", None) or ""
            _owner = (self.handler, self.project, module, os.path.realpath(file) if file else "")

    def _file_of(self, module):
        """Of this project's own, if it has one; else it is the one that is loaded."""
        path = os.path.join(self.project, *module.split("."))
        for file in (f"{path}.py", os.path.join(path, "__init__.py")):
            if os.path.isfile(file):
                return os.path.realpath(file)
        return _owner[3] if module == _owner[2] else ""

    def _refuse(self, wants):
        handler, _, module, file = _owner
        has = f"the settings {module!r} ({file})" if module else "settings by settings.configure()"
        raise Conflict(
            f"handler {self.handler!r} needs {wants}, and Django has one set of settings a process, "
            f"which is that of handler {handler!r}: {has}",
            self.project,
            f"serve {self.handler!r} by a duet of its own, or give both the same settings",
        ) from None
