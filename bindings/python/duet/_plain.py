"""Python twins of the host's C types, so that `import duet` works (and handlers can be tested)
where there is no host."""

from collections.abc import MutableMapping
from urllib.parse import parse_qsl


class Headers(MutableMapping):
    """Ordered, case-insensitive, several values a name."""

    _fold = staticmethod(str.lower)
    _joined = True

    def __init__(self, initial=None):
        self._fields = []
        if initial is not None:
            pairs = initial.items() if hasattr(initial, "items") else initial
            for name, value in pairs:
                for one in value if isinstance(value, (list, tuple)) else (value,):
                    self.append(name, one)

    def append(self, name, value):
        if any(c in str(value) for c in "\r\n\0"):
            raise ValueError(f"header {name}: a value cannot contain CR, LF or NUL")
        self._fields.append((self._fold(name), str(value)))

    def get_all(self, name):
        return [value for key, value in self._fields if key == self._fold(name)]

    def multi_items(self):
        return list(self._fields)

    def __getitem__(self, name):
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        separator = "; " if self._fold(name) == "cookie" else ", "
        return separator.join(values) if self._joined else values[0]

    def __setitem__(self, name, value):
        self._fields = [field for field in self._fields if field[0] != self._fold(name)]
        self.append(name, value)

    def __delitem__(self, name):
        if name not in self:
            raise KeyError(name)
        self._fields = [field for field in self._fields if field[0] != self._fold(name)]

    def __contains__(self, name):
        return isinstance(name, str) and any(key == self._fold(name) for key, _ in self._fields)

    def __iter__(self):
        return iter(dict(self._fields))

    def __len__(self):
        return len(dict(self._fields))

    def __repr__(self):
        return f"{type(self).__name__}({self._fields!r})"


class Query(Headers):
    """Decoded query parameters: the first value of a name, or all with get_all()."""

    _fold = staticmethod(str)
    _joined = False

    def __init__(self, query=""):
        self._fields = parse_qsl(query, keep_blank_values=True)


class Response:
    """An answer: Response(body=None, status=200, headers=None)."""

    def __init__(self, body=None, status=200, headers=None):
        if not isinstance(status, int):
            raise TypeError(f"status must be int, not {type(status).__name__}")
        if not 200 <= status <= 599:
            raise ValueError(f"status must be from 200 to 599, not {status}")
        self.body = body
        self.status = status
        self.headers = Headers(headers)

    @classmethod
    def json(cls, value, status=200, headers=None):
        import json

        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        response = cls(text.encode(), status, headers)
        if "content-type" not in response.headers:
            response.headers["content-type"] = "application/json"
        return response

    @classmethod
    def redirect(cls, url, status=302):
        if status not in (301, 302, 303, 307, 308):
            raise ValueError(
                f"a redirect has status 301, 302, 303, 307 or 308, not {status}"
            )
        import re
        from urllib.parse import quote

        encoded = re.sub(r"[^\x00-\x1f!-\x7f]+", lambda found: quote(found[0]), url)
        return cls(None, status, {"location": encoded})

    def __repr__(self):
        return f"<Response {self.status}>"


class Request:
    """Only the host makes requests."""

    def __init__(self):
        raise TypeError("requests are made by the duet host")


class Context:
    """Keeps the work it is given, for tests to await."""

    def __init__(self, handler="test"):
        self.handler = handler
        self.work = []

    def wait_until(self, work):
        self.work.append(work)
        return work
