"""TODO"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from jwt.utils import base64url_encode

#: Algorithm → (digest for deriving a key, least bytes of a key: RFC 7518 §3.2).
SYMMETRIC = {"HS256": ("sha256", 32), "HS384": ("sha384", 48), "HS512": ("sha512", 64)}


@dataclass(frozen=True)
class RingKey:
    """A key and the one algorithm it is used with."""

    algorithm: str
    secret: bytes = field(repr=False)
    kid: str | None = None

    @property
    def header(self) -> str:
        """The first segment of every token that this key signs."""
        members = {"alg": self.algorithm, "typ": "JWT"} | ({"kid": self.kid} if self.kid else {})
        return base64url_encode(
            json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
        ).decode()


class KeyRing:
    """The current key, which signs, and those that only verify."""

    def __init__(self, current: RingKey, older: Iterable[RingKey] = ()) -> None:
        self.current = current
        self.keys = (current, *older)
        self._by_header: dict[str, list[RingKey]] = {}
        for key in self.keys:
            self._by_header.setdefault(key.header, []).append(key)

    def candidates(self, token: str) -> list[RingKey]:
        """The keys that may have signed the token, going by its header; none where it is not a header of ours."""
        return self._by_header.get(token.partition(".")[0], [])
