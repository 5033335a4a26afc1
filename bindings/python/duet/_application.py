"""What kind of application an attribute of a module is: fetch-style, ASGI 3, ASGI 2 or WSGI."""

from . import _callables

_ASGI_PACKAGES = {"starlette", "fastapi", "quart", "litestar", "sanic", "blacksheep", "channels"}
_WSGI_PACKAGES = {"flask", "bottle", "pyramid", "webob", "webapp2"}
_NAMES = ("app", "application", "asgi", "asgi_app", "asgi_application", "wsgi", "wsgi_app",
          "wsgi_application")
_FETCH_NAMES = {"request", "req", "env", "ctx", "context"}


def interface_of(target, name):
    """"asgi", "asgi2", "wsgi", or None: nothing says that it is an application.

    `name` is the attribute's: what is called `app` is more likely to be one than what is called
    `fetch`.
    """
    kind = _by_package(target)
    if kind is not None:
        return kind
    if isinstance(target, type):
        return _of_class(target)
    function = target if _callables.is_routine(target) else getattr(type(target), "__call__", None)
    return _by_signature(function, name) if function is not None else None


def _by_package(target):
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


def _of_class(target):
    """A class is ASGI 2 when its instances are: made with a scope, called with the rest."""
    made = _parameters(target.__init__)[1:] if "__init__" in vars(target) else []
    call = _parameters(getattr(target, "__call__", None))[1:] if hasattr(target, "__call__") else []
    return "asgi2" if made[:1] == ["scope"] and call[:2] == ["receive", "send"] else None


def _by_signature(function, name):
    names = [p for p in _parameters(function) if p != "self"]
    if names[:1] == ["scope"]:
        return "asgi2" if len(names) == 1 else "asgi"
    if names[1:3] == ["receive", "send"]:
        return "asgi"
    if names[1:2] == ["start_response"]:
        return "wsgi"
    if name not in _NAMES or (set(names) & _FETCH_NAMES and names != ["env", "start"]):
        return None
    if len(names) == 3 and _is_coroutine_function(function):
        return "asgi"
    if len(names) == 2 and not _is_coroutine_function(function):
        return "wsgi"
    if names == [] and _takes_anything(function):  # a wrapper: (*args, **kwargs)
        return "asgi" if _is_coroutine_function(function) else "wsgi"
    return None


def _is_coroutine_function(function):
    return _callables.is_async(_callables.unwrap(function))


_POSITIONAL = (_callables.POSITIONAL_ONLY, _callables.POSITIONAL_OR_KEYWORD)


def _parameters(function):
    return [name for name, kind, _ in _callables.parameters(function) or () if kind in _POSITIONAL]


def _takes_anything(function):
    kinds = [kind for _, kind, _ in _callables.parameters(function) or ()]
    return _callables.VAR_POSITIONAL in kinds


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
