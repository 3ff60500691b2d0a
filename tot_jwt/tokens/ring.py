"""The key ring: which keys sign and verify tokens."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables
from jwt.utils import base64url_encode

from tot_jwt.conf import HMAC_BITS, as_bytes
from tot_jwt.utils.predicates import is_blank

#: Separates the derived key from every other use of SECRET_KEY, simplejwt's tokens among them.
_PURPOSE = "tot_jwt.signing"


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
        compact = json.dumps(members, separators=(",", ":"), sort_keys=True)
        return base64url_encode(compact.encode()).decode()


class KeyRing:
    """The current key, which signs, and older keys, which only verify."""

    def __init__(self, current: RingKey, older: Iterable[RingKey] = ()) -> None:
        self.current = current
        self.keys = (current, *older)
        self._by_header: dict[str, list[RingKey]] = {}
        for key in self.keys:
            self._by_header.setdefault(key.header, []).append(key)

    def candidates(self, token: str) -> list[RingKey]:
        """Return the keys whose header the token has; none if no key writes that header."""
        return self._by_header.get(token.partition(".")[0], [])


@sensitive_variables()
def build_ring(
    algorithm: str,
    signing_key: str | bytes | None,
    verifying_keys: Iterable[str | bytes],
    secret_key: Any,
    secret_key_fallbacks: Any,
) -> KeyRing:
    """Return the ring for these settings.

    Without `signing_key`, the keys are derived from SECRET_KEY and its fallbacks.
    Raises ImproperlyConfigured.
    """
    if algorithm not in HMAC_BITS:
        raise ImproperlyConfigured(f"TOT_JWT['ALGORITHM'] must be one of {', '.join(HMAC_BITS)}.")
    keys = [*map(as_bytes, verifying_keys)]
    if signing_key is None:
        require_secrets(secret_key, secret_key_fallbacks)
        fallbacks = [_derive(fallback, algorithm) for fallback in secret_key_fallbacks]
        keys = [_derive(secret_key, algorithm), *keys, *fallbacks]
    else:
        keys = [as_bytes(signing_key), *keys]
    if any(map(is_blank, keys)):
        raise ImproperlyConfigured("tot_jwt needs random keys: one of them is blank.")
    current_key, *older = [RingKey(algorithm, secret) for secret in keys]
    return KeyRing(current_key, older)


@sensitive_variables()
def require_secrets(secret_key: Any, fallbacks: Any) -> None:
    """Raise ImproperlyConfigured if a key derived from these would be easy to guess."""
    if is_blank(secret_key):
        raise ImproperlyConfigured("SECRET_KEY must not be blank: tokens' keys derive from it.")
    # The characters of a string would each become a fallback.
    if not isinstance(fallbacks, list | tuple):
        raise ImproperlyConfigured("SECRET_KEY_FALLBACKS must be a list of strings.")
    if any(map(is_blank, fallbacks)):
        raise ImproperlyConfigured(
            "SECRET_KEY_FALLBACKS must not contain a blank entry: anyone could sign tokens with "
            "the key derived from it."
        )


@sensitive_variables()
def _derive(secret_key: str | bytes, algorithm: str) -> bytes:
    digest = f"sha{HMAC_BITS[algorithm]}"
    return salted_hmac(_PURPOSE, algorithm, secret=secret_key, algorithm=digest).digest()
