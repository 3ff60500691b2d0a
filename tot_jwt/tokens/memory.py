"""The memory of verified tokens: a bounded cache from a token string to what it verified as."""

import sys
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from tot_jwt.utils.memory import json_size

V = TypeVar("V")

MAX_TOKENS = 10_000
#: In a process. An ordinary token takes about 3 KB, the longest one 14 KB, with claims of the host
#: up to 100 KB.
MAX_BYTES = 32 * 1024 * 1024
#: The share of one key, so that a client which requests many tokens displaces only its own.
MAX_TOKENS_PER_KEY = MAX_TOKENS // 100
MAX_BYTES_PER_KEY = MAX_BYTES // 50

# The token's objects, its place in the memory, and that of its key (measured with tracemalloc).
_ENTRY_BYTES = 2500
# A short string, and its places in the sets of the token and of its client.
_SCOPE_BYTES = 250


class Bounds(NamedTuple):
    """The most tokens, and the most bytes that they occupy."""

    tokens: int
    bytes: int


class _Entry(NamedTuple, Generic[V]):
    public_key: str
    value: V
    size: int


class _Share:
    """The tokens of one key, in the order of arrival."""

    __slots__ = ("bytes", "tokens")

    def __init__(self) -> None:
        self.tokens: deque[str] = deque()
        self.bytes = 0


class TokenMemory(Generic[V]):
    """The newest verified tokens, within `bounds`, and for each key within `share`.

    Put in verified tokens only, so that invalid tokens cannot displace valid ones. Reading takes
    no lock.
    """

    def __init__(
        self,
        bounds: Bounds = Bounds(MAX_TOKENS, MAX_BYTES),  # noqa: B008 - immutable
        share: Bounds = Bounds(MAX_TOKENS_PER_KEY, MAX_BYTES_PER_KEY),  # noqa: B008 - immutable
    ) -> None:
        self._bounds, self._share = bounds, share
        self._tokens: dict[str, _Entry[V]] = {}
        self._by_key: dict[str, _Share] = {}
        self._bytes = 0
        self._lock = Lock()

    def get(self, token: str) -> V | None:
        """Return what is cached for the token, or None."""
        entry = self._tokens.get(token)
        return entry[1] if entry else None

    def put(self, token: str, public_key: str, value: V, *, size: int) -> None:
        """Cache the token, which takes `size` bytes: see `entry_size`.

        Drop the key's oldest tokens if its share is full, and else the oldest of all. A token that
        exceeds a bound alone is not cached.
        """
        with self._lock:
            # Another thread may have verified the same token meanwhile.
            if token in self._tokens or size > min(self._share.bytes, self._bounds.bytes):
                return
            self._make_room(public_key, size)
            own = self._by_key.setdefault(public_key, _Share())
            own.tokens.append(token)
            own.bytes += size
            self._bytes += size
            self._tokens[token] = _Entry(public_key, value, size)

    def _make_room(self, public_key: str, size: int) -> None:
        while self._is_share_full(public_key, size):
            self._drop(self._by_key[public_key].tokens[0])
        while len(self._tokens) >= self._bounds.tokens or self._bytes + size > self._bounds.bytes:
            self._drop(next(iter(self._tokens)))

    def _is_share_full(self, public_key: str, size: int) -> bool:
        own = self._by_key.get(public_key)
        return own is not None and (
            len(own.tokens) >= self._share.tokens or own.bytes + size > self._share.bytes
        )

    def _drop(self, token: str) -> None:
        """Drop a token that is the oldest of its key."""
        public_key, _, size = self._tokens.pop(token)
        own = self._by_key[public_key]
        own.tokens.popleft()
        own.bytes -= size
        self._bytes -= size
        if not own.tokens:
            del self._by_key[public_key]

    def __len__(self) -> int:
        return len(self._tokens)


def entry_size(token: str, claims: Mapping[str, Any]) -> int:
    """Return the bytes that a cached token occupies, with its client: at least what it takes."""
    scope: str = claims["scope"]
    scopes_size = len(scope) + _SCOPE_BYTES * (scope.count(" ") + 1)
    return _ENTRY_BYTES + sys.getsizeof(token) + json_size(dict(claims)) + scopes_size
