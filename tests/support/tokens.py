"""Forged tokens: any header and claims, signed with any key."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from tot_jwt.tokens.backend import backend

HEADER = {"alg": "HS256", "typ": "JWT"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
#: The claims that each token must have.
CLAIMS = [
    "iss",
    "aud",
    "sub",
    "client_id",
    "appDomain",
    "env",
    "scope",
    "ver",
    "token_type",
    "iat",
    "exp",
    "jti",
]


def b64(data: bytes) -> str:
    """Return the bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Return the bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def our_key() -> Any:
    """Return the key that the package signs with now."""
    return backend().ring.current.secret


def signing_input(header: Any, payload: Any) -> str:
    """Return the two segments that a JWS signs. Header and payload are bytes or become JSON."""
    segments = [
        b64(part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode())
        for part in (header, payload)
    ]
    return ".".join(segments)


def sign(
    payload: Any,
    header: Any = HEADER,
    key: bytes | None = None,
    digest: Callable[..., Any] = hashlib.sha256,
) -> str:
    """Return a JWS of payload and header, which are bytes or become JSON.

    The package's own key signs it unless another is given.
    """
    signed = signing_input(header, payload)
    mac = hmac.new(our_key() if key is None else key, signed.encode(), digest).digest()
    return f"{signed}.{b64(mac)}"


def claims_for(key: Any, **changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token of the key, some changed."""
    now = int(time.time())
    return {
        "iss": "tot-jwt",
        "aud": "tot-jwt-api",
        "sub": key.public_key,
        "client_id": changes.get("sub", key.public_key),
        "appDomain": key.app_domain.domain,
        "env": key.environment,
        "scope": "",
        "ver": key.generation,
        "token_type": "tot_api",
        "iat": now,
        "exp": now + 900,
        "jti": "0f" * 16,
        **changes,
    }


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a token without verifying it."""
    claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return claims
