"""Memory with a bound, for what a process caches."""

import sys
from collections.abc import Callable
from threading import Lock
from types import MappingProxyType
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(dict[K, V]):
    """A dict of at most `limit` entries: a new entry displaces the oldest ones.

    With `max_bytes`, the sum of `size_of(key, value)` is bounded as well. An entry that exceeds
    the bound alone is not stored. Reading takes no lock. Write with `put` and `clear` only.
    """

    def __init__(
        self,
        limit: int,
        max_bytes: int | None = None,
        size_of: Callable[[K, V], int] = lambda key, value: 0,
    ) -> None:
        super().__init__()
        self._limit = limit
        self._max_bytes = sys.maxsize if max_bytes is None else max_bytes
        self._size_of = size_of
        self._sizes: dict[K, int] = {}
        self._bytes = 0
        self._lock = Lock()

    def put(self, key: K, value: V) -> None:
        """Store the value as the newest entry."""
        size = self._size_of(key, value)
        with self._lock:
            if key in self:
                self._drop(key)
            if size > self._max_bytes:
                return
            while len(self) >= self._limit or self._bytes + size > self._max_bytes:
                self._drop(next(iter(self)))
            self[key] = value
            if size:
                self._sizes[key] = size
                self._bytes += size

    def clear(self) -> None:
        """Drop all entries."""
        with self._lock:
            super().clear()
            self._sizes.clear()
            self._bytes = 0

    def _drop(self, key: K) -> None:
        del self[key]
        self._bytes -= self._sizes.pop(key, 0)


def json_size(value: object) -> int:
    """Return the bytes that a JSON value, also a frozen one, occupies in memory with its parts."""
    size = 0
    rest: list[Any] = [
        value
    ]  # not recursive: JSON can be nested deeper than Python calls functions
    while rest:
        part = rest.pop()
        size += sys.getsizeof(part)
        if isinstance(part, MappingProxyType):
            rest.append(part.copy())
        elif isinstance(part, dict):
            rest += [*part, *part.values()]
        elif isinstance(part, list | tuple):
            rest += part
    return size
