"""Tokens that a verifier must accept, and tokens that it must refuse."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jwt

from tests.oauth.server import Server
from tests.support.tokens import b64, claims_of, sign, signing_input
from tot_jwt.tokens.asymmetric import generate_pem, public_pem, read_pem

ALGORITHMS = ("ES256", "RS256", "EdDSA")
#: The type of RFC 9068.
ACCESS_TOKEN = "at+jwt"
TYPES = ("JWT", ACCESS_TOKEN)
HOURS = 7200


@cache
def signing_key(algorithm: str) -> str:
    """Return the private key of the server for an algorithm, in PEM."""
    return generate_pem(algorithm)


@cache
def foreign_key(algorithm: str) -> str:
    """Return a private key that the server does not have, in PEM."""
    return generate_pem(algorithm)


def public_key(algorithm: str) -> str:
    """Return its public key, in PEM."""
    return public_pem(read_pem(signing_key(algorithm).encode(), "SIGNING_KEY").public)


def ring(algorithm: str) -> dict[str, Any]:
    """Return the settings that sign with an algorithm, and publish the keys of all."""
    others = [signing_key(other) for other in ALGORITHMS if other != algorithm]
    return {
        "ALGORITHM": algorithm,
        "SIGNING_KEY": signing_key(algorithm),
        "VERIFYING_KEYS": others,
    }


class Issuer:
    """The server with the keys of all algorithms, and tokens that it issued."""

    def __init__(self, server: Server, api_key: dict[str, Any]) -> None:
        self.server = server
        self.jwks_uri = f"{server.url}/.well-known/jwks.json"
        self._api_key = api_key
        self._tokens: dict[tuple[str, str], str] = {}

    def token(self, algorithm: str, typ: str = "JWT") -> str:
        """Return a token that the server issued with these settings."""
        if (algorithm, typ) not in self._tokens:
            self.server.restart(**ring(algorithm), TOKEN_TYP=typ)
            self._tokens[algorithm, typ] = self.server.token(self._api_key)
        return self._tokens[algorithm, typ]


@contextmanager
def issuing(server: Server, api_key: dict[str, Any]) -> Iterator[Issuer]:
    """Give the server the keys of all algorithms, and afterwards its own again."""
    before = server.settings
    server.restart(**ring("ES256"))
    yield Issuer(server, api_key)
    server.restart(**before)


def ask(server: Server, token: str, method: str = "GET") -> tuple[int, str | None]:
    """Send the token to ``GET token`` or ``DELETE token``. Return status and code of the answer."""
    url = f"{server.url}/api/internal/auth/token"
    request = Request(url, headers={"Authorization": f"Bearer {token}"}, method=method)
    try:
        with urlopen(request, context=server.trust()) as answer:
            return answer.status, None
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["code"]


def signed_again(token: str, key: str | None = None, **changes: Any) -> str:
    """Return the token with other claims, signed with the server's key or another."""
    header = jwt.get_unverified_header(token)
    key = key or signing_key(header["alg"])
    return jwt.encode(claims_of(token) | changes, key, header["alg"], headers=header)


def acceptable(token: str) -> dict[str, str]:
    """Return the token, and its claims signed again: the control of those that are refused."""
    return {"issued": token, "signed again": signed_again(token)}


def bad_tokens(token: str) -> dict[str, str]:
    """Return what a verifier must refuse. Each differs from the token in one respect."""
    header = jwt.get_unverified_header(token)
    claims = claims_of(token)
    first, payload, signature = token.split(".")
    expired = {"iat": claims["iat"] - HOURS, "exp": claims["exp"] - HOURS}
    public = public_key(header["alg"])
    changed = signing_input(header, claims | {"scope": "orders:write"})
    none = _segment(header | {"alg": "none"})
    return {
        "expired": signed_again(token, **expired),
        "another key": signed_again(token, foreign_key(header["alg"])),
        "another issuer": signed_again(token, iss="https://other.example.com"),
        "another audience": signed_again(token, aud="invoices-api"),
        "changed": f"{changed}.{signature}",
        "public key as secret": sign(claims, header | {"alg": "HS256"}, public.encode()),
        "another algorithm in the header": _signed(
            header | {"alg": "HS256"}, claims, header["alg"]
        ),
        "no signature": f"{first}.{payload}.",
        "none": f"{none}.{payload}.",
        "none and signature": f"{none}.{payload}.{signature}",
        "unknown id": _with_unknown_id(token),
    }


def _signed(header: Mapping[str, Any], claims: Mapping[str, Any], algorithm: str) -> str:
    """Return a token with the server's signature, whatever algorithm its header names."""
    signed = signing_input(header, claims)
    method = jwt.get_algorithm_by_name(algorithm)
    key = method.prepare_key(signing_key(algorithm))
    return f"{signed}.{b64(method.sign(signed.encode(), key))}"


def _segment(members: Mapping[str, Any]) -> str:
    return signing_input(members, {}).split(".")[0]


def _with_unknown_id(token: str) -> str:
    header = jwt.get_unverified_header(token) | {"kid": b64(b"unknown")}
    key = foreign_key(header["alg"])
    return jwt.encode(claims_of(token), key, header["alg"], headers=header)
