"""Finds a handler in a file or a module, and says precisely why when there is none."""

import builtins
import importlib
import os
import sys

# What importlib.util has under these names; the module itself would be 2 ms of a start.
from importlib._bootstrap import module_from_spec
from importlib._bootstrap_external import spec_from_file_location

from . import Env, _application as _kinds, _callables, _django
from ._context import Context


class LoadError(Exception):
    """(message, where, hint): what the person who configured the handler needs."""


# Directory of a project → {top-level name: module}, of what was imported from below it.
_projects = {}
# Top-level names that more than one project has: `import` looks at who imports.
_shared_names = set()


def load(name, source, root, env, blocking, interface=""):
    """→ (callable, env, ctx, arguments, is_async, blocking, shape, file)"""
    path, attribute = _split(source)
    project = os.path.realpath(root or (os.path.dirname(path) if path else os.getcwd()))
    with _Project(project), _django.Settings(name, project) as settings:
        if path is not None:
            module = _import_file(name, path)
            target, label = _pick(module, path)
            attribute = label.strip("`")
        else:
            module_name, attribute = attribute
            module = _import_named(module_name, attribute, project)
            target, label = _resolve(module, module_name, attribute.removesuffix("()")), source
        file = getattr(module, "__file__", None) or source
        if attribute.endswith("()"):
            target = _make(target, label, file)
        kind = _kind(target, attribute, label, file, interface)
        if "django" in sys.modules:
            settings.check(target)
    if kind != "fetch":
        return _application(kind, target, label, file, env, Context(name), blocking)
    function, arguments, is_async = _shape(target, label, file)
    blocks = bool(blocking or _is_blocking(target) or _is_blocking(function))
    if blocks and is_async:
        raise LoadError(
            "a blocking handler must be a plain `def`: an `async def` runs on the loop",
            _where(function, file),
            "remove `blocking`, or use `await asyncio.to_thread(...)` for the part that blocks",
        )
    return function, Env(env), Context(name), arguments, is_async, blocks, "fetch", file


def _import_named(name, attribute, project):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not (name + ".").startswith(missing + ".") or not missing:
            raise  # something that the module itself imports
    import difflib

    folder, _, last = missing.rpartition(".")
    there = os.path.join(project, *folder.split("."))
    names = [entry.removesuffix(".py") for entry in (os.listdir(there) if os.path.isdir(there) else ())
             if entry.endswith(".py") or os.path.isdir(os.path.join(there, entry))]
    near = difflib.get_close_matches(last, names, 1)
    meant = ".".join(filter(None, (folder, *near))) + name[len(missing):]
    raise LoadError(
        f"there is no module {missing!r} in {project}, nor in the environment of {sys.executable}",
        "",
        f"did you mean '{meant}:{attribute}'?" if near
        else "start duet in the module's folder, or in the environment that has it",
    )


def _make(factory, label, file):
    if not callable(factory):
        raise LoadError(f"{label}: {type(factory).__name__} cannot be called", file,
                        "remove the parentheses")
    made = factory()
    if type(made).__name__ == "coroutine":
        made.close()
        raise LoadError(f"{label}: the factory is an `async def`", _where(factory, file),
                        "make it a plain `def`: await what it needs in the application's lifespan")
    return made


def _kind(target, attribute, label, file, interface):
    """→ "fetch", "asgi", "asgi2" or "wsgi", in that spelling."""
    if interface:
        if interface != "fetch" and not callable(target):
            raise LoadError(f"{label} is {type(target).__name__}, which cannot be called", file, "")
        return interface
    name = attribute.rpartition(".")[2].removesuffix("()")
    kind = _kinds.interface_of(target, name)
    if kind is None and _kinds.looks_like_factory(target, name):
        raise LoadError(
            f"{label} makes an application, and is none itself",
            _where(target, file),
            f"write '{label}()' and it is called once at start" if ":" in label
            else "name what it returns, as `app = ...`",
        )
    return kind or "fetch"


def _application(kind, target, label, file, env, context, blocking):
    if blocking and kind != "wsgi":
        raise LoadError(
            f"{label} is an ASGI application, which runs on the loop: it cannot be `blocking`",
            file,
            "remove `blocking`; what blocks belongs into `await asyncio.to_thread(...)`",
        )
    if kind == "asgi2":
        from . import _asgi

        target, kind = _asgi.adapt_asgi2(target), "asgi"
    if "django" in sys.modules:
        from . import _frameworks

        _frameworks.watch_django()
    is_async = kind == "asgi"
    return target, Env(env), context, 0, is_async, not is_async, kind, file


def _is_blocking(target):
    return getattr(target, "__duet_blocking__", False)


def _split(source):
    """(path, None) of a file, or (None, (module, attribute))."""
    if source.endswith(".py") or os.path.sep in source:
        return source, None
    module, _, attribute = source.partition(":")
    return None, (module, attribute or "fetch")


class _Project:
    """While a handler is loaded: its directory comes first, and modules of that name which other
    projects have imported are out of sight."""

    def __init__(self, directory):
        self.directory = directory
        self.hidden = {}

    def __enter__(self):
        if self.directory in sys.path:
            sys.path.remove(self.directory)
        sys.path.insert(0, self.directory)
        for directory, modules in _projects.items():
            if directory == self.directory:
                continue
            for name in modules:
                if _provides(self.directory, name):
                    self._hide(name)
        for name, module in _projects.get(self.directory, {}).items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module

    def _hide(self, top):
        for name in list(sys.modules):
            if name == top or name.startswith(top + "."):
                self.hidden[name] = sys.modules.pop(name)

    def __exit__(self, *exc_info):
        mine = _projects.setdefault(self.directory, {})
        for name, module in list(sys.modules.items()):
            if "." not in name and _belongs(module, self.directory):
                mine[name] = module
        for name, module in self.hidden.items():
            if name not in sys.modules:
                sys.modules[name] = module
            elif "." not in name:
                _share(name)
        return False


def _provides(directory, name):
    base = os.path.join(directory, name)
    return os.path.isfile(base + ".py") or os.path.isdir(base)


def _belongs(module, directory):
    file = getattr(module, "__file__", None)
    if not file:
        return False
    file = os.path.realpath(file)
    return file.startswith(directory + os.sep) and f"{os.sep}site-packages{os.sep}" not in file


_plain_import = builtins.__import__


def _share(name):
    """Two projects have a module of this name: each sees its own from here on."""
    if not _shared_names:
        builtins.__import__ = _import_for_project
    _shared_names.add(name)


def _import_for_project(name, globals=None, locals=None, fromlist=(), level=0):
    top = name.partition(".")[0]
    if level or top not in _shared_names or not globals:
        return _plain_import(name, globals, locals, fromlist, level)
    file = os.path.realpath(globals.get("__file__") or "")
    for directory, modules in _projects.items():
        module = modules.get(top)
        if module is None or not file.startswith(directory + os.sep):
            continue
        if sys.modules.get(top) is not module:
            for key in [k for k in sys.modules if k == top or k.startswith(top + ".")]:
                del sys.modules[key]
            sys.modules[top] = module
            for key, value in vars(module).items():
                if isinstance(value, type(sys)) and value.__name__ == f"{top}.{key}":
                    sys.modules[value.__name__] = value
        break
    return _plain_import(name, globals, locals, fromlist, level)


def _import_file(name, path):
    if not os.path.isfile(path):
        raise LoadError("there is no such file", path, "")
    stem = os.path.splitext(os.path.basename(path))[0]
    # Its own name where that is free, so that pickling and multiprocessing find it again.
    taken = stem in sys.modules or stem in sys.stdlib_module_names or not stem.isidentifier()
    module_name = f"duet_handler_{len(sys.modules)}_{stem}" if taken else stem
    spec = spec_from_file_location(module_name, path)
    module = module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(module_name, None)
        raise
    return module


def _pick(module, path):
    for name in ("fetch", "handler", "default"):
        if hasattr(module, name):
            return getattr(module, name), f"`{name}`"
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and callable(getattr(value, "fetch", None))
    ]
    if len(classes) == 1:
        return classes[0], f"class `{classes[0].__name__}`"
    for name in ("app", "application"):
        if hasattr(module, name):
            return getattr(module, name), f"`{name}`"
    raise LoadError(
        "the file has no handler"
        if not classes
        else "the file has several classes with `fetch`: " + ", ".join(c.__name__ for c in classes),
        path,
        "define `def fetch(request, env, ctx)` or `async def fetch(request, env, ctx)`",
    )


def _resolve(module, module_name, attribute):
    value = module
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            import difflib

            near = difflib.get_close_matches(part, [n for n in dir(value) if n[0] != "_"], 1)
            own = [name for name, one in vars(module).items() if name[0] != "_" and callable(one)
                   and getattr(one, "__module__", module_name) == module_name]
            raise LoadError(
                f"module {module_name!r} has no {attribute!r}",
                getattr(module, "__file__", None) or module_name,
                f"did you mean {near[0]!r}?" if near
                else f"it has {', '.join(own[:8])}" if own else "",
            ) from None
    return value


def _shape(target, label, file):
    """→ (callable, number of positional arguments, whether it is asynchronous)"""
    if isinstance(target, type):
        if not callable(getattr(target, "fetch", None)):
            raise LoadError(f"{label} is a class without `fetch`", _where(target, file), "")
        target = target()
    if not _callables.is_routine(target) and callable(getattr(target, "fetch", None)):
        target = target.fetch
    if not callable(target):
        raise LoadError(
            f"{label} is {type(target).__name__}, which cannot be called",
            file,
            "a handler is `def fetch(request, env, ctx)`, `async def`, or an object with `fetch`",
        )
    return target, _count(target, label, file), _callables.is_async(target)


def _count(target, label, file):
    parameters = _callables.parameters(target)
    if parameters is None:
        return 3  # written in C: it will say itself what it wants
    count = 0
    for name, kind, optional in parameters:
        if kind in (_callables.POSITIONAL_ONLY, _callables.POSITIONAL_OR_KEYWORD):
            if count == 3 and not optional:
                raise LoadError(
                    f"{label} takes more than (request, env, ctx)",
                    _where(target, file),
                    f"give {name!r} a default value, or remove it",
                )
            count += 1
        elif kind == _callables.VAR_POSITIONAL:
            count = 3
        elif kind == _callables.KEYWORD_ONLY and not optional:
            raise LoadError(
                f"{label} needs the keyword argument {name!r}, which no handler is given",
                _where(target, file),
                "give it a default value",
            )
    return min(count, 3)


def _where(target, file):
    code = getattr(_callables.unwrap(target), "__code__", None) if callable(target) else None
    return f"{code.co_filename}:{code.co_firstlineno}" if code else file
