"""The backend that has PyJWT sign and verify tokens with the key ring.

PyJWT does all verification. Before it, a look-up requires that the token's header segment equals,
byte for byte, one that this ring writes. That excludes other algorithms, other values of kid, jku,
jwk, x5u, crit, b64 and repeated members.
"""

import json
from functools import lru_cache
from typing import Any, NoReturn

import jwt
from django.conf import settings as host_settings
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables
from rest_framework_simplejwt.backends import TokenBackend as SimpleJWTBackend

from tot_jwt.conf import TOKEN_TYPES, current
from tot_jwt.exceptions import InvalidToken
from tot_jwt.tokens.memory import TokenMemory
from tot_jwt.tokens.ring import KeyRing, RingKey, build_ring
from tot_jwt.utils.json_values import unrepeated


class TokenBackend(SimpleJWTBackend):
    """simplejwt's backend on a key ring, with the checks of RFC 8725.

    No setting of the host's SIMPLE_JWT turns a check off.
    """

    def __init__(self, ring: KeyRing, *, issuer: str, audience: str, typ: str = "JWT") -> None:
        super().__init__(ring.current.algorithm, audience=audience, issuer=issuer)
        self.ring = ring
        #: The type of new tokens. Tokens of each type verify.
        self.typ = typ
        #: The tokens that this ring has verified. Other settings mean another backend,
        #: which starts with an empty memory.
        self.verified: TokenMemory[Any] = TokenMemory()
        self._jwt = _StrictJWT()

    def encode(self, payload: dict[str, Any]) -> str:
        """Return the claims signed with the current key (JWS compact)."""
        return self._encode_with(self.ring.current, payload)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims of a token that the ring signed for our issuer and audience.

        `exp` is not checked here. Decoding without verifying is not possible.
        Raises InvalidToken.
        """
        if not verify:
            raise InvalidToken("unverified_decode")
        for key in self.ring.candidates(token):
            try:
                return self._decode_with(key, token)
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidKeyError as error:
                _raise_unusable(error)
            except jwt.InvalidTokenError as error:
                raise InvalidToken(type(error).__name__) from error
        raise InvalidToken("bad_signature")

    def check(self) -> None:
        """Sign with each key that can. Raises ImproperlyConfigured if PyJWT rejects one."""
        for key in self.ring.keys:
            if key.secret is not None:
                self._encode_with(key, {})

    def _encode_with(self, key: RingKey, payload: dict[str, Any]) -> str:
        try:
            return self._jwt.encode(payload, key.secret, key.algorithm, key.header(self.typ))
        except jwt.InvalidKeyError as error:
            _raise_unusable(error)

    def _decode_with(self, key: RingKey, token: str) -> dict[str, Any]:
        return self._jwt.decode(
            token,
            key.verifier,
            algorithms=[key.algorithm],
            issuer=self.issuer,
            audience=self.audience,
        )


class _StrictJWT(jwt.PyJWT):
    """PyJWT that rejects short keys, audiences in lists, and repeated claims.

    It does not check times: a token is verified once, and its times at each use.
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
            # As text: of bytes, `json` would guess the encoding. RFC 7519 §7.2 requires UTF-8.
            claims = json.loads(decoded["payload"].decode(), object_pairs_hook=unrepeated)
        except (ValueError, RecursionError) as error:
            raise jwt.DecodeError("The payload is not JSON.") from error
        if not isinstance(claims, dict):
            raise jwt.DecodeError("The payload is not an object.")
        return claims


def backend() -> TokenBackend:
    """Return the backend for the current settings: the same object while they do not change."""
    return _build(*_ingredients())


def _ingredients() -> tuple[Any, ...]:
    # One assignment: an error in it finds no key in a local variable, which a report would show.
    ours, secret_key, fallbacks = (
        current(),
        host_settings.SECRET_KEY,
        host_settings.SECRET_KEY_FALLBACKS,
    )
    others: Any = ours["VERIFYING_KEYS"]
    others = tuple(others) if isinstance(others, list) else others
    # Without derived keys these two do not matter, whatever they are.
    if ours["SIGNING_KEY"] is not None and isinstance(others, tuple) and None not in others:
        secret_key, fallbacks = "", []
    return (
        ours["ISSUER"],
        ours["AUDIENCE"],
        ours["TOKEN_TYP"],
        ours["ALGORITHM"],
        ours["SIGNING_KEY"],
        others,
        secret_key,
        # `build_ring` rejects what is not a list or tuple.
        tuple(fallbacks) if isinstance(fallbacks, list) else fallbacks,
    )


@lru_cache(maxsize=1)
@sensitive_variables()
def _build(issuer: str, audience: str, typ: str, *ring_settings: Any) -> TokenBackend:
    if typ not in TOKEN_TYPES:
        raise ImproperlyConfigured(f"TOT_JWT['TOKEN_TYP'] must be one of {', '.join(TOKEN_TYPES)}.")
    ring = build_ring(*ring_settings)
    return TokenBackend(ring, issuer=issuer, audience=audience, typ=typ)


def _raise_unusable(error: jwt.InvalidKeyError) -> NoReturn:
    # Without the cause, whose frames hold the key.
    raise ImproperlyConfigured(
        f"tot_jwt cannot sign or verify tokens with its key: {error}"
    ) from None
