from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping
from collections.abc import MutableMapping
from typing import Any, Literal, Protocol, TypeVar, Union, overload

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])

JSON = Union[None, bool, int, float, str, list[Any], dict[str, Any]]
Piece = Union[bytes, bytearray, memoryview, str]
BodyValue = Union[
    None, str, bytes, bytearray, memoryview, dict[str, Any], list[Any],
    AsyncIterable[Piece], Iterable[Piece],
]
HeadersInit = Union[
    "Headers", Mapping[str, Union[str, int, list[str], tuple[str, ...]]], Iterable[tuple[str, str]]
]
# What a handler may return.
Returned = Union["Response", str, bytes, bytearray, memoryview, dict[str, Any], list[Any]]

class Headers(MutableMapping[str, str]):
    """Header fields: ordered, case-insensitive, several values a name. A request's are read-only."""

    def __init__(self, initial: HeadersInit | None = None) -> None: ...
    def __getitem__(self, name: str) -> str: ...
    def __setitem__(self, name: str, value: str) -> None: ...
    def __delitem__(self, name: str) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def append(self, name: str, value: str) -> None:
        """Adds a field beside those of the same name."""
    def get_all(self, name: str) -> list[str]:
        """All values of a name, in order."""
    def multi_items(self) -> list[tuple[str, str]]:
        """(name, value) for each field, in order."""

class Query(Mapping[str, str]):
    """The query's parameters, decoded: the first value of a name, or all with get_all()."""

    def __init__(self, query: str = "") -> None: ...
    def __getitem__(self, name: str) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def get_all(self, name: str) -> list[str]: ...
    def multi_items(self) -> list[tuple[str, str]]: ...

class Signal:
    """Tells when nobody waits for the answer any more."""

    aborted: bool
    reason: Literal["client gone", "deadline", "refused", "shutdown"] | None
    def __bool__(self) -> bool: ...
    def add_callback(self, callback: Callable[[], object]) -> None: ...
    async def wait(self) -> None: ...

class Info:
    """What the host knows about a request."""

    variant: str | None
    key: str | None
    deadline: float | None
    """On time.monotonic()'s clock; None: there is none."""

class Body(AsyncIterable[bytes], Iterable[bytes], Protocol): ...

class _RequestBase:
    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str:
        """The absolute URL."""
    @property
    def path(self) -> str:
        """The URL's path, as sent (percent-encoded)."""
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def params(self) -> dict[str, str]:
        """The route's parameters, decoded."""
    @property
    def query(self) -> Query: ...
    @property
    def client(self) -> tuple[str, int]: ...
    @property
    def body(self) -> Body:
        """The body piece by piece: `async for piece in request.body`."""
    @property
    def aborted(self) -> bool: ...
    @property
    def signal(self) -> Signal: ...
    @property
    def duet(self) -> Info: ...

class Request(_RequestBase):
    """A request, as `async def` handlers see it."""

    def text(self) -> Awaitable[str]: ...
    def json(self) -> Awaitable[Any]: ...
    def bytes(self) -> Awaitable[bytes]: ...

    def websocket(
        self,
        protocol: str | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> WebSocket:
        """Answers the WebSocket handshake (101); `protocol` is one that the client offers.

        A request that is no handshake is answered 426, a wrong one 400, and HandshakeRefused is
        raised, which need not be caught.
        """

class WebSocket(AsyncIterable[Union[str, bytes]], Awaitable["WebSocket"]):
    """The server's side of a WebSocket; `async for message in ws` ends when it closes.

    It closes when the handler returns (1000) or raises (1011). Pings and pongs are the host's.
    """

    protocol: str | None
    close_code: int | None
    """None while it is open; 1006 when the connection broke."""
    close_reason: str
    @property
    def closed(self) -> bool: ...
    @property
    def buffered(self) -> int:
        """Bytes that wait for the client to read."""
    async def receive(self) -> str | bytes:
        """The next message. Raises WebSocketClosed when there will be none."""
    async def send(self, message: str | bytes | bytearray | memoryview) -> None:
        """Sends text or bytes; waits while the client does not read. Raises WebSocketClosed."""
    async def send_json(self, value: JSON) -> None: ...
    async def close(self, code: int = 1000, reason: str = "") -> None: ...

class SyncRequest(_RequestBase):
    """A request, as plain `def` handlers see it: its body has arrived. A name for annotations."""

    def text(self) -> str: ...
    def json(self) -> Any: ...
    def bytes(self) -> bytes: ...

class Response:
    """An answer."""

    status: int
    body: Any
    headers: Headers
    def __init__(
        self, body: BodyValue = None, status: int = 200, headers: HeadersInit | None = None
    ) -> None: ...
    @classmethod
    def json(cls, value: JSON, status: int = 200, headers: HeadersInit | None = None) -> Response:
        """An answer of JSON, whatever the value."""
    @classmethod
    def redirect(cls, url: str, status: int = 302) -> Response: ...

class Env(dict[str, str]):
    """A handler's configured variables: env["NAME"] or env.NAME. Read-only."""

    def __getattr__(self, name: str) -> str: ...

class Context(Protocol):
    """The third argument of a handler."""

    @property
    def handler(self) -> str:
        """The handler's configured name."""
    def wait_until(self, work: Awaitable[_T]) -> Awaitable[_T]:
        """Keeps `work` going after the answer; the host waits for it when it stops."""

class RequestEnded(RuntimeError):
    """The request is over: answered, timed out, or its client is gone."""

class HandshakeRefused(RequestEnded):
    """The request was no WebSocket handshake, or a wrong one; it has been answered."""

class WebSocketClosed(RequestEnded):
    """The WebSocket is closed."""

    code: int
    reason: str

class HandlerInterrupted(BaseException):
    """Raised in what holds the loop: far beyond its deadline, or loading while the host is to stop."""

def blocking(function: _F) -> _F:
    """Runs a plain `def` handler in the thread pool: for work that would hold the loop."""
