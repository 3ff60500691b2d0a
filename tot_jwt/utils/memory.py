"""Memory with a bound, for what a process caches."""

from threading import Lock
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedDict(dict[K, V]):
    """A dict of at most `limit` entries: a new entry displaces the oldest one.

    Reading takes no lock. Write with `put` only.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._lock = Lock()

    def put(self, key: K, value: V) -> None:
        """Store the value as the newest entry."""
        with self._lock:
            self.pop(key, None)
            if len(self) >= self._limit:
                del self[next(iter(self))]
            self[key] = value
