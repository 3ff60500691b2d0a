"""The URLs of discovery, and tokens that a key pair signs again after a change."""

import json
from typing import Any

import jwt

from tests.support.key_pairs import private_pem, sign_with
from tests.support.tokens import claims_of

JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/oauth-authorization-server"

GRANT = {"grant_type": "client_credentials"}


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a token without verifying it."""
    return jwt.get_unverified_header(token)


def resign(token: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return the token with other members of its header and other claims.

    The key pair that signed the token signs this one too, with the same algorithm.
    """
    own = header_of(token)
    # In the order in which the package writes them: the server compares bytes.
    changed = json.dumps({**own, **(header or {})}, separators=(",", ":"), sort_keys=True)
    return sign_with(private_pem(own["alg"]), changed.encode(), {**claims_of(token), **claims})
