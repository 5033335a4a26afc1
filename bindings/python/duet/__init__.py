"""What handlers import: answers, header fields, and how to ask for a thread.

    import duet

    async def fetch(request, env, ctx):
        return duet.Response(f"Hello, {request.params['name']}!")
"""

from ._stream import Body, HandlerInterrupted, Info, RequestEnded, Signal
from ._websocket import HandshakeRefused, WebSocket, WebSocketClosed

try:
    from _duet import Headers, Query, Request, Response
    from ._context import Context
except ImportError:  # outside of the host: editors, type checkers, tests of handlers
    from ._plain import Context, Headers, Query, Request, Response

# For annotations: what a plain `def` is given, whose accessors return values.
SyncRequest = Request

__all__ = [
    "Body",
    "Context",
    "Env",
    "HandlerInterrupted",
    "HandshakeRefused",
    "Headers",
    "Info",
    "Query",
    "Request",
    "RequestEnded",
    "Response",
    "Signal",
    "SyncRequest",
    "WebSocket",
    "WebSocketClosed",
    "blocking",
]


class Env(dict):
    """A handler's configured variables: env["NAME"] or env.NAME. Read-only."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"no variable {name!r} is configured for this handler"
            ) from None

    def _read_only(self, *args, **kwargs):
        raise TypeError("env is read-only")

    __setitem__ = __delitem__ = __setattr__ = __delattr__ = _read_only
    update = pop = popitem = clear = setdefault = __ior__ = _read_only


def blocking(function):
    """Runs a plain `def` handler in the thread pool: for work that would hold the loop."""
    function.__duet_blocking__ = True
    return function
