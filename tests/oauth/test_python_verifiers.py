"""Verifiers in Python that read the public keys from the server: PyJWT, joserfc, Authlib."""

import json
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import jwt
import pytest

from tests.oauth.programs import in_this_environment, library
from tests.oauth.server import AUDIENCE
from tests.oauth.tokens import (
    ACCESS_TOKEN,
    ALGORITHMS,
    TYPES,
    Issuer,
    acceptable,
    bad_tokens,
)

pytestmark = in_this_environment

#: A function that returns the claims of a token, and the errors that it raises instead.
Verifier = tuple[Callable[[str], Any], tuple[type[Exception], ...]]


def pyjwt(issuer: Issuer, algorithm: str) -> Verifier:
    """Return PyJWT, which fetches the keys itself."""
    keys = jwt.PyJWKClient(issuer.jwks_uri, ssl_context=issuer.server.trust())

    def verify(token: str) -> Any:
        key = keys.get_signing_key_from_jwt(token)
        return jwt.decode(
            token, key, algorithms=[algorithm], audience=AUDIENCE, issuer=issuer.server.url
        )

    return verify, (jwt.PyJWTError,)


def joserfc(issuer: Issuer, algorithm: str) -> Verifier:
    """Return joserfc."""
    errors, tokens = library("joserfc.errors"), library("joserfc.jwt")
    keys = key_set(issuer)
    registry = tokens.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer.server.url},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    )

    def verify(token: str) -> Any:
        claims = tokens.decode(token, keys, algorithms=[algorithm]).claims
        registry.validate(claims)
        return claims

    # It raises ValueError for a key that the set does not have.
    return verify, (errors.JoseError, ValueError)


def authlib(issuer: Issuer) -> Verifier:
    """Return Authlib's validator of RFC 9068. It does not accept EdDSA."""
    base: Any = library("authlib.oauth2.rfc9068").JWTBearerTokenValidator

    class Validator(base):
        def get_jwks(self) -> Any:
            return key_set(issuer)

    validator = Validator(issuer.server.url, AUDIENCE)

    def verify(token: str) -> Any:
        claims = validator.authenticate_token(token)
        validator.validate_token(claims, ["orders:read"], None)
        return claims

    return verify, (library("authlib.oauth2.rfc6750").InvalidTokenError, ValueError)


def key_set(issuer: Issuer) -> Any:
    """Return the public keys of the server for joserfc."""
    key_sets = library("joserfc.jwk").KeySet
    with urlopen(issuer.jwks_uri, context=issuer.server.trust()) as answer:
        return key_sets.import_key_set(json.load(answer))


# joserfc: RFC 9864 prefers the name Ed25519.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("typ", TYPES)
@pytest.mark.parametrize("verifier", [pyjwt, joserfc])
def test_verifier_accepts_only_good_tokens(issuer, verifier, typ, algorithm):
    verify, errors = verifier(issuer, algorithm)
    token = issuer.token(algorithm, typ)

    for name, good in acceptable(token).items():
        assert verify(good)["client_id"], name
    for name, bad in bad_tokens(token).items():
        with pytest.raises(errors):
            pytest.fail(f"accepted: {name}, {verify(bad)}")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_rfc9068_validator_accepts_only_good(issuer, algorithm):
    verify, errors = authlib(issuer)
    token = issuer.token(algorithm, ACCESS_TOKEN)

    for name, good in acceptable(token).items():
        assert verify(good)["client_id"], name
    others = {"another type": issuer.token(algorithm)}
    for name, bad in (bad_tokens(token) | others).items():
        with pytest.raises(errors):
            pytest.fail(f"accepted: {name}, {verify(bad)}")
