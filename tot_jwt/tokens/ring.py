"""The key ring: which keys sign and verify tokens."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables
from jwt.utils import base64url_encode

from tot_jwt.conf import (
    ALGORITHMS,
    DEFAULT_ALGORITHM,
    HMAC_BITS,
    TOKEN_TYPES,
    as_bytes,
    is_pem,
)
from tot_jwt.tokens.key_files import is_key_file
from tot_jwt.utils.predicates import is_blank

#: Separates the derived key from every other use of SECRET_KEY, simplejwt's tokens among them.
_PURPOSE = "tot_jwt.signing"


@dataclass(frozen=True)
class RingKey:
    """A key and the one algorithm it is used with."""

    algorithm: str
    #: What signs: bytes, or a private key; None for a key that only verifies.
    secret: Any = field(repr=False)
    #: What verifies: a public key. None for HMAC, whose secret verifies.
    public: Any = field(default=None, repr=False)
    #: The public key as a JWK. None for HMAC: a secret is never published.
    jwk: Mapping[str, str] | None = None

    @property
    def kid(self) -> str | None:
        """The key's id in the headers of its tokens: its thumbprint. Secrets have none."""
        return self.jwk["kid"] if self.jwk else None

    def verifying(self) -> "RingKey":
        """Return the key without its private half, which only signs."""
        return self if self.public is None else replace(self, secret=None)

    @property
    def verifier(self) -> Any:
        """What verifies."""
        return self.secret if self.public is None else self.public

    def header(self, typ: str) -> dict[str, str]:
        """Return the header of every token of this type that this key signs."""
        return {"alg": self.algorithm, "typ": typ} | ({"kid": self.kid} if self.kid else {})


class KeyRing:
    """The current key, which signs, and other keys, which only verify."""

    def __init__(self, current: RingKey, others: Iterable[RingKey] = ()) -> None:
        self.current = current
        self.keys = (current, *others)
        self._by_header: dict[str, list[RingKey]] = {}
        for key in self.keys:
            for typ in TOKEN_TYPES:
                self._by_header.setdefault(_segment(key.header(typ)), []).append(key)

    def candidates(self, token: str) -> list[RingKey]:
        """Return the keys whose header the token has; none if no key writes that header."""
        return self._by_header.get(token.partition(".")[0], [])

    def public_jwks(self) -> list[Mapping[str, str]]:
        """Return the public keys, each once, as JWKs (RFC 7517)."""
        return list({key.kid: dict(key.jwk) for key in self.keys if key.jwk is not None}.values())


def _segment(header: Mapping[str, str]) -> str:
    """Return a header as PyJWT writes it."""
    compact = json.dumps(header, separators=(",", ":"), sort_keys=True)
    return base64url_encode(compact.encode()).decode()


@sensitive_variables()
def build_ring(
    algorithm: str,
    signing_key: str | bytes | None,
    verifying_keys: Iterable[str | bytes | None],
    secret_key: Any,
    secret_key_fallbacks: Any,
) -> KeyRing:
    """Return the ring for these settings.

    None among the keys stands for the keys that are derived from SECRET_KEY and its fallbacks.
    Raises ImproperlyConfigured.
    """
    if algorithm not in ALGORITHMS:
        raise ImproperlyConfigured(f"TOT_JWT['ALGORITHM'] must be one of {', '.join(ALGORITHMS)}.")
    secrets_algorithm = algorithm if algorithm in HMAC_BITS else DEFAULT_ALGORITHM
    keys = []
    for name, key in [
        ("SIGNING_KEY", signing_key),
        *[("VERIFYING_KEYS", key) for key in verifying_keys],
    ]:
        if key is None:
            keys += _derived(secret_key, secret_key_fallbacks, secrets_algorithm)
        else:
            keys.append(_configured(key, name, secrets_algorithm))
    _require_signer(keys[0], algorithm)
    return KeyRing(keys[0], [key.verifying() for key in keys[1:]])


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
def _configured(key: str | bytes, name: str, algorithm: str) -> RingKey:
    """Return a key of a setting: in PEM with its own algorithm, a secret with this one."""
    data = as_bytes(key)
    if is_pem(data):
        return _asymmetric(data, name)
    if is_blank(data):
        raise ImproperlyConfigured("tot_jwt needs random keys: one of them is blank.")
    if is_key_file(data):
        raise ImproperlyConfigured(
            f"TOT_JWT[{name!r}] has a key file that is not PEM. As a secret it could be public, so "
            "that anyone could sign tokens. Convert it to PEM."
        )
    return RingKey(algorithm, data)


@sensitive_variables()
def _asymmetric(pem: bytes, name: str) -> RingKey:
    try:
        from tot_jwt.tokens.asymmetric import read_pem
    except ImportError as error:
        raise ImproperlyConfigured(
            f"TOT_JWT[{name!r}] has a PEM key, which needs the package cryptography. Install "
            "tot-jwt[asymmetric]."
        ) from error
    pair = read_pem(pem, name)
    return RingKey(pair.algorithm, pair.private, pair.public, pair.jwk)


def _require_signer(key: RingKey, algorithm: str) -> None:
    if key.algorithm != algorithm:
        needs = "a secret" if algorithm in HMAC_BITS else "a private key in PEM"
        raise ImproperlyConfigured(
            f"TOT_JWT['ALGORITHM'] is {algorithm}, which needs {needs} in TOT_JWT['SIGNING_KEY']. "
            f"That one is for {key.algorithm}."
        )
    if key.secret is None:
        raise ImproperlyConfigured(
            "TOT_JWT['SIGNING_KEY'] is a public key, which cannot sign. Use the private key."
        )


@sensitive_variables()
def _derived(secret_key: Any, fallbacks: Any, algorithm: str) -> list[RingKey]:
    require_secrets(secret_key, fallbacks)
    return [RingKey(algorithm, _derive(each, algorithm)) for each in (secret_key, *fallbacks)]


@sensitive_variables()
def _derive(secret_key: str | bytes, algorithm: str) -> bytes:
    digest = f"sha{HMAC_BITS[algorithm]}"
    return salted_hmac(_PURPOSE, algorithm, secret=as_bytes(secret_key), algorithm=digest).digest()
