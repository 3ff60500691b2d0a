"""What has been verified once: a bounded memory from token strings to whatever was made of them."""

from collections import deque
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")

#: At 2 to 3 KB a token, some 30 MB in a process at the most.
MAX_TOKENS = 10_000
#: How many of them may be one key's, so that a client that asks for a token a second displaces only its own.
MAX_TOKENS_PER_KEY = 100


class TokenMemory(Generic[V]):
    """The newest verified tokens, at most `share` of them for any one key. Reading takes no lock.

    Only what verified may be put in, so that no flood of invalid tokens displaces a good one.
    """

    def __init__(self, size: int = MAX_TOKENS, share: int = MAX_TOKENS_PER_KEY) -> None:
        self._size, self._share = size, share
        self._tokens: dict[str, tuple[str, V]] = {}
        self._by_key: dict[str, deque[str]] = {}
        self._lock = Lock()

    def get(self, token: str) -> V | None:
        """What was remembered of the token, if it still is."""
        entry = self._tokens.get(token)
        return entry[1] if entry else None

    def put(self, token: str, public_key: str, value: V) -> None:
        """Remember the token; the key's oldest goes when it has had its share, the oldest of all when all is full."""
        with self._lock:
            if token in self._tokens:
                return
            own = self._by_key.setdefault(public_key, deque())
            if len(own) >= self._share:
                del self._tokens[own.popleft()]
            elif len(self._tokens) >= self._size:
                self._forget_oldest()
            own.append(token)
            self._by_key[public_key] = own
            self._tokens[token] = public_key, value

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._tokens))
        public_key, _ = self._tokens.pop(oldest)
        own = self._by_key[public_key]
        own.popleft()  # both are in the order of arrival
        if not own:
            del self._by_key[public_key]

    def __len__(self) -> int:
        return len(self._tokens)
