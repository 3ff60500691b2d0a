"""The memory of verified tokens: a bounded cache from a token string to what it verified as."""

from collections import deque
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")

#: At 2 to 3 KB a token, at most some 30 MB in a process.
MAX_TOKENS = 10_000
#: The share of one key, so that a client which requests many tokens displaces only its own.
MAX_TOKENS_PER_KEY = 100


class TokenMemory(Generic[V]):
    """The newest verified tokens, at most `share` of them for each key. Reading takes no lock.

    Put in verified tokens only, so that invalid tokens cannot displace valid ones.
    """

    def __init__(self, size: int = MAX_TOKENS, share: int = MAX_TOKENS_PER_KEY) -> None:
        self._size, self._share = size, share
        self._tokens: dict[str, tuple[str, V]] = {}
        self._by_key: dict[str, deque[str]] = {}
        self._lock = Lock()

    def get(self, token: str) -> V | None:
        """Return what is cached for the token, or None."""
        entry = self._tokens.get(token)
        return entry[1] if entry else None

    def put(self, token: str, public_key: str, value: V) -> None:
        """Cache the token. Drop the key's oldest if its share is full, else the oldest of all."""
        with self._lock:
            # Another thread may have verified the same token meanwhile.
            if token in self._tokens:
                return
            own = self._by_key.setdefault(public_key, deque())
            if len(own) >= self._share:
                del self._tokens[own.popleft()]
            elif len(self._tokens) >= self._size:
                self._drop_oldest()
            own.append(token)
            self._by_key[public_key] = own
            self._tokens[token] = public_key, value

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._tokens))
        public_key, _ = self._tokens.pop(oldest)
        own = self._by_key[public_key]
        own.popleft()  # both are in the order of arrival
        if not own:
            del self._by_key[public_key]

    def __len__(self) -> int:
        return len(self._tokens)
