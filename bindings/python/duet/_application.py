"""What kind of application an attribute of a module is: fetch-style, ASGI 3, ASGI 2 or WSGI."""

from types import FunctionType

from . import _callables

_ASGI_PACKAGES = {"starlette", "fastapi", "quart", "litestar", "sanic", "blacksheep", "channels"}
_WSGI_PACKAGES = {"flask", "bottle", "pyramid", "webob", "webapp2"}
_NAMES = ("app", "application", "asgi", "asgi_app", "asgi_application", "wsgi", "wsgi_app",
          "wsgi_application")
_FETCH_NAMES = {"request", "req", "env", "ctx", "context"}
_FETCH = ("fetch", "handler", "default")
_DEEPEST = 8  # wrappers around an application; a function's closure may hold itself


def interface_of(target, name, depth=0):
    """"asgi", "asgi2", "wsgi", or None: nothing says that it is an application.

    `name` is the attribute's: what is called `app` is more likely to be one than what is called
    `fetch`. `depth` counts the wrappers around it that have been looked into.
    """
    kind = _by_package(target)
    if kind is not None:
        return kind
    if isinstance(target, type):
        return _of_class(target)
    if not callable(target):
        return None
    return _by_signature(target, name, depth)


def _by_package(target):
    if _is_werkzeugs(target):
        return "wsgi"
    kind = type(target)
    packages = {base.__module__.partition(".")[0] for base in kind.__mro__}
    if packages & _ASGI_PACKAGES:
        return "asgi"
    if packages & _WSGI_PACKAGES:
        return "wsgi"
    if "falcon" in packages:
        return "asgi" if any(base.__module__.startswith("falcon.asgi") for base in kind.__mro__) \
            else "wsgi"
    if "django" in packages:
        return "asgi" if any("ASGI" in base.__name__ for base in kind.__mro__) else "wsgi"
    return None


def _is_werkzeugs(function):
    """Its `Request.application` is around a function of the request, bears its names, and is called as WSGI."""
    return isinstance(function, FunctionType) and hasattr(function, "__wrapped__") \
        and function.__globals__.get("__name__", "").startswith("werkzeug.")


def _of_class(target):
    """A class is ASGI 2 when its instances are: made with a scope, called with the rest. As a WSGI
    application it is made with what a request brings, and iterated over (PEP 3333).
    """
    made = _parameters(target.__init__)[1:] if "__init__" in vars(target) else []
    if made[:1] == ["environ"] and len(made) == 2 and hasattr(target, "__iter__"):
        return "wsgi"
    call = _parameters(getattr(target, "__call__", None))[1:] if hasattr(target, "__call__") else []
    return "asgi2" if made[:1] == ["scope"] and call[:2] == ["receive", "send"] else None


def _by_signature(function, name, depth):
    names = [p for p in _parameters(function) if p != "self"]
    if names[:1] == ["scope"]:
        return "asgi2" if len(names) == 1 else "asgi"
    if names[1:3] == ["receive", "send"]:
        return "asgi"
    if names[1:2] == ["start_response"] or (names[:1] == ["environ"] and len(names) == 2) \
            or (names[:1] == ["env"] and len(names) == 2 and names[1].startswith("start")):
        return "wsgi"
    passes_on = names == [] and _takes_anything(function)  # a wrapper: (*args, **kwargs)
    if passes_on and name not in _FETCH and depth < _DEEPEST:
        kinds = {interface_of(one, "", depth + 1) for one in _wrapped_by(function)} - {None}
        if len(kinds) == 1 and not (kinds == {"wsgi"} and _is_coroutine_function(function)):
            return kinds.pop()
    if name not in _NAMES or set(names) & _FETCH_NAMES:
        return None
    if len(names) == 3 and _is_coroutine_function(function):
        return "asgi"
    if len(names) == 2 and not _is_coroutine_function(function):
        return "wsgi"
    if passes_on:
        return "asgi" if _is_coroutine_function(function) else "wsgi"
    return None


def _wrapped_by(wrapper):
    """What a callable that passes any arguments on may pass them to."""
    if isinstance(wrapper, FunctionType):
        return [cell.cell_contents for cell in wrapper.__closure__ or () if _is_set(cell)]
    return list(getattr(wrapper, "__dict__", {}).values())


def _is_set(cell):
    try:
        return cell.cell_contents is not None
    except ValueError:  # a variable that is assigned later
        return False


def _is_coroutine_function(function):
    return _callables.is_async(_callables.unwrap(function))


_POSITIONAL = (_callables.POSITIONAL_ONLY, _callables.POSITIONAL_OR_KEYWORD)


def _parameters(function):
    return [name for name, kind, _ in _callables.parameters(function) or () if kind in _POSITIONAL]


def _takes_anything(function):
    found = _callables.parameters(function)
    if found is None:  # written in C: an object's call takes what comes
        return not _callables.is_routine(function)
    return _callables.VAR_POSITIONAL in [kind for _, kind, _ in found]


def looks_like_factory(target, name):
    """Whether it makes an application instead of being one."""
    if isinstance(target, type):
        return _by_package_of_class(target) is not None
    if not _callables.is_routine(target):
        return False
    variadic = (_callables.VAR_POSITIONAL, _callables.VAR_KEYWORD)
    for _, kind, has_default in _callables.parameters(target) or ():
        if not has_default and kind not in variadic:
            return False
    words = set(name.lower().split("_"))
    named = "factory" in words or (
        words & {"create", "make", "build", "get", "new", "init"}
        and words & {"app", "application", "asgi", "wsgi", "server"})
    result = getattr(target, "__annotations__", {}).get("return")
    return bool(named) or (isinstance(result, type) and _by_package_of_class(result) is not None)


def _by_package_of_class(kind):
    packages = {base.__module__.partition(".")[0] for base in kind.__mro__}
    return (packages & (_ASGI_PACKAGES | _WSGI_PACKAGES)) or None
