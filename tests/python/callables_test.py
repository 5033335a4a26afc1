"""What duet reads off a callable is what `inspect` says of it; needs no host."""

import functools
import inspect
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["DUET"]).parent.parent / "lib/duet/python"))
from duet import _callables  # noqa: E402


def nothing(): ...
def positional(a, b, /, c, d=1): ...
def keywords(a, *, b, c=2): ...
def everything(a, b=1, /, c=2, *rest, d, e=3, **more): ...
def variadic(*args, **kwargs): ...
def with_locals(a, b=0):
    inner = a
    return inner + b
async def coroutine(request): ...
async def generator(request):
    yield request
def plain_generator(request):
    yield request
@functools.wraps(coroutine)
def wrapper(*args): return coroutine(*args)
class Callable:
    def __call__(self, request, env): ...
class AsyncCallable:
    async def __call__(self, request): ...
    async def method(self, request): ...


PLAIN = [
    nothing, positional, keywords, everything, variadic, with_locals, plain_generator, Callable,
    Callable(), functools.partial(positional, 1), lambda a, b=1: None,
]
ASYNCHRONOUS = [
    coroutine, generator, wrapper, AsyncCallable(), AsyncCallable().method,
    functools.partial(coroutine),
]
CALLABLES = PLAIN + ASYNCHRONOUS


class CallablesTest(unittest.TestCase):
    def test_parameters(self):
        for target in CALLABLES:
            expected = [(p.name, int(p.kind), p.default is not p.empty)
                        for p in inspect.signature(target).parameters.values()]
            with self.subTest(target):
                self.assertEqual(_callables.parameters(target), expected)

    def test_a_function_in_c_without_a_signature(self):
        self.assertIsNone(_callables.parameters(type))

    def test_asynchronous(self):
        for expected, targets in ((False, PLAIN), (True, ASYNCHRONOUS)):
            for target in targets:
                with self.subTest(target):
                    self.assertEqual(_callables.is_async(target), expected)

    def test_routines(self):
        for target in [*CALLABLES, len, str.join, "".join, int.__add__, dict.__dict__["fromkeys"]]:
            with self.subTest(target):
                self.assertEqual(_callables.is_routine(target), inspect.isroutine(target))


if __name__ == "__main__":
    unittest.main()
