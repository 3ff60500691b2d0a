"""The key ring: which keys sign and verify tokens, and the backend that has PyJWT do it.

Nothing here verifies by hand. What comes before PyJWT is a look-up: a token's header segment, as it stands, must be
one that this ring itself writes. That leaves no room for another algorithm, for jku, jwk, x5u, crit or b64, nor for
members given twice; and it makes an asymmetric algorithm one more entry, found under its header with its `kid`.
"""

import json
from functools import lru_cache
from typing import Any, NoReturn

import jwt
from django.conf import settings as host_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables
from rest_framework_simplejwt.backends import TokenBackend as SimpleJWTBackend

from tot_jwt.conf import current
from tot_jwt.exceptions import InvalidToken
from tot_jwt.tokens.memory import TokenMemory
from tot_jwt.tokens.ring import SYMMETRIC, KeyRing, RingKey

#: Separates the derived key from every other use of SECRET_KEY, simplejwt's own tokens among them.
_PURPOSE = "tot_jwt.signing"


class TokenBackend(SimpleJWTBackend):
    """simplejwt's backend on a key ring, with the checks of RFC 8725 that nothing in the host's settings turns off."""

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str) -> None:
        super().__init__(ring.current.algorithm, audience=audience, issuer=issuer)
        self.ring = ring
        #: What this ring has verified; another setting is another backend, which starts with nothing.
        self.verified: TokenMemory[Any] = TokenMemory()
        self._jwt = _StrictJWT()

    def encode(self, payload: dict[str, Any]) -> str:
        """The claims, signed with the current key (JWS compact)."""
        return self._encode_with(self.ring.current, payload)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims of a token that one of our keys signed for our issuer and audience. `exp` is not looked at.

        Raises InvalidToken. There is no decoding without verifying.
        """
        if not verify:
            raise InvalidToken("unverified_decode")
        for key in self.ring.candidates(token):
            try:
                return self._decode_with(key, token)
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidKeyError as error:
                _refuse(error)
            except jwt.InvalidTokenError as error:
                raise InvalidToken(type(error).__name__) from error
        raise InvalidToken("bad_signature")

    def check(self) -> None:
        """Use each key once; raises ImproperlyConfigured where PyJWT refuses one."""
        for key in self.ring.keys:
            self._encode_with(key, {})

    def _encode_with(self, key: RingKey, payload: dict[str, Any]) -> str:
        try:
            return self._jwt.encode(
                payload, key.secret, key.algorithm, {"kid": key.kid} if key.kid else None
            )
        except jwt.InvalidKeyError as error:
            _refuse(error)

    def _decode_with(self, key: RingKey, token: str) -> dict[str, Any]:
        return self._jwt.decode(
            token,
            key.secret,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
        )


class _StrictJWT(jwt.PyJWT):
    """PyJWT refusing short keys, audiences in lists, and claims given twice.

    Time is not its business: a token is verified once and its times are looked at whenever it is used.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "enforce_minimum_key_length": True,
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
            }
        )

    def _decode_payload(self, decoded: dict[str, Any]) -> dict[str, Any]:
        try:
            claims = json.loads(decoded["payload"], object_pairs_hook=_each_once)
        except (ValueError, RecursionError) as error:
            raise jwt.DecodeError("The payload is not JSON.") from error
        if not isinstance(claims, dict):
            raise jwt.DecodeError("The payload is not an object.")
        return claims


def backend() -> TokenBackend:
    """The backend for the settings as they are now. The same object as long as they stay the same."""
    return _build(*_ingredients())


def _ingredients() -> tuple[Any, ...]:
    """What a backend is made of. Apart, so that a report about a failing build finds no key in a local variable."""
    settings = current()
    return (
        settings["ALGORITHM"],
        settings["SIGNING_KEY"],
        tuple(settings["VERIFYING_KEYS"]),
        settings["ISSUER"],
        settings["AUDIENCE"],
        (host_settings.SECRET_KEY, *host_settings.SECRET_KEY_FALLBACKS),
    )


@lru_cache(maxsize=1)
@sensitive_variables()
def _build(
    algorithm: str,
    signing_key: str | bytes | None,
    verifying_keys: tuple[str | bytes, ...],
    issuer: str,
    audience: str,
    secret_keys: tuple[str, ...],
) -> TokenBackend:
    if algorithm not in SYMMETRIC:
        raise ImproperlyConfigured(f"TOT_JWT['ALGORITHM'] must be one of {', '.join(SYMMETRIC)}.")
    derived = [_derive(secret, algorithm) for secret in secret_keys]
    current = derived[0] if signing_key is None else _as_bytes(signing_key)
    older = [*map(_as_bytes, verifying_keys), *(derived[1:] if signing_key is None else [])]
    ring = KeyRing(RingKey(algorithm, current), [RingKey(algorithm, secret) for secret in older])
    return TokenBackend(ring, issuer=issuer, audience=audience)


def _derive(secret_key: str, algorithm: str) -> bytes:
    digest, _ = SYMMETRIC[algorithm]
    return salted_hmac(_PURPOSE, algorithm, secret=secret_key, algorithm=digest).digest()


def _as_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    claims = dict(pairs)
    if len(claims) < len(pairs):
        raise jwt.DecodeError("A claim is given twice.")
    return claims


def _refuse(error: jwt.InvalidKeyError) -> NoReturn:
    # Without its cause, whose frames hold the key.
    raise ImproperlyConfigured(
        f"tot_jwt cannot sign or verify tokens with its key: {error}"
    ) from None
