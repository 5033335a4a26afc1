"""What a callable takes, and whether it is asynchronous.

A plain function's code object says it. `inspect` says it of everything else that can be called, and
is imported only for those: it would be 8 ms of a start.
"""

from types import BuiltinFunctionType, FunctionType, MethodType

# Kinds of parameters, as inspect numbers them.
POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD, VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD = range(5)

_CO_VARARGS, _CO_VARKEYWORDS = 0x04, 0x08
_ASYNCHRONOUS = 0x80 | 0x200  # CO_COROUTINE, CO_ASYNC_GENERATOR


def _is_plain(target):
    # In its __dict__ a decorator leaves __wrapped__, __signature__ or a mark.
    return type(target) is FunctionType and not target.__dict__


def is_routine(target):
    if isinstance(target, (FunctionType, MethodType, BuiltinFunctionType)):
        return True
    if isinstance(target, type):
        return False
    import inspect

    return inspect.isroutine(target)


def parameters(target):
    """→ [(name, kind, whether it has a default)]; None of what is written in C and does not say."""
    if _is_plain(target):
        return _of_code(target)
    import inspect

    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return None
    return [
        (p.name, int(p.kind), p.default is not p.empty) for p in signature.parameters.values()
    ]


def _of_code(function):
    code = function.__code__
    names = code.co_varnames
    optional = code.co_argcount - len(function.__defaults__ or ())
    found = [
        (
            name,
            POSITIONAL_ONLY if i < code.co_posonlyargcount else POSITIONAL_OR_KEYWORD,
            i >= optional,
        )
        for i, name in enumerate(names[: code.co_argcount])
    ]
    after = code.co_argcount + code.co_kwonlyargcount
    keyword_only = names[code.co_argcount : after]
    if code.co_flags & _CO_VARARGS:
        found.append((names[after], VAR_POSITIONAL, False))
        after += 1
    defaults = function.__kwdefaults__ or {}
    found += [(name, KEYWORD_ONLY, name in defaults) for name in keyword_only]
    if code.co_flags & _CO_VARKEYWORDS:
        found.append((names[after], VAR_KEYWORD, False))
    return found


def is_async(target):
    """Whether a call gives a coroutine or an asynchronous generator."""
    if _is_plain(target):
        return bool(target.__code__.co_flags & _ASYNCHRONOUS)
    import inspect

    def says(function):
        return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)

    while hasattr(target, "func") and not inspect.isfunction(target):  # functools.partial
        target = target.func
    if says(target):
        return True
    if not inspect.isroutine(target) and says(getattr(type(target), "__call__", None)):
        return True
    # A decorator's wrapper is a plain function around a coroutine function.
    return hasattr(target, "__wrapped__") and says(inspect.unwrap(target))


def unwrap(target):
    """What decorators have wrapped."""
    if not hasattr(target, "__wrapped__"):
        return target
    import inspect

    return inspect.unwrap(target)
