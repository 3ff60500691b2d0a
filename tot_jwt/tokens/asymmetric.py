"""Asymmetric keys in PEM: their algorithm, their public half as a JWK, and new ones.

This module needs the package `cryptography`, which the extra ``tot-jwt[asymmetric]`` installs. So
the other modules import it only where a key is in PEM.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.utils import base64url_encode

# The marker of a key, but not that of EC PARAMETERS, which openssl writes before a key.
_KEYS = re.compile(rb"-BEGIN ([A-Z ]*)KEY-")

#: In bits. RFC 7518 §3.3 requires as many of every RSA key.
MIN_RSA_BITS = 2048

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

#: In bits. A longer key takes seconds to load, and its tokens are too long.
MAX_RSA_BITS = 8192

#: The members of a public JWK, as RFC 7638 §3.2 and RFC 8037 §2 require them for the thumbprint.
_REQUIRED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


@dataclass(frozen=True)
class KeyPair:
    """A key and the one algorithm that it is used with."""

    algorithm: str
    #: None: there is only the public half.
    private: PrivateKey | None = field(repr=False)
    public: PublicKey
    #: The public half as a JWK (RFC 7517), with `kid`, `alg` and `use`.
    jwk: Mapping[str, str]


@sensitive_variables()
def read_pem(pem: bytes, name: str) -> KeyPair:
    """Return the key in a PEM file, private or public. `name` is that of its setting.

    Raises ImproperlyConfigured, in words that show nothing of the key.
    """
    is_private = _require_one_key(pem, name)
    private = _read_private(pem, name) if is_private else None
    public = _read_public(pem, name) if private is None else private.public_key()
    algorithm, converter = _algorithm_of(public, name)
    members = converter.to_jwk(public, as_dict=True)
    required = {member: members[member] for member in _REQUIRED[members["kty"]]}
    jwk = {**required, "kid": _thumbprint(required), "alg": algorithm, "use": "sig"}
    return KeyPair(algorithm, private, public, MappingProxyType(jwk))


def generate_pem(algorithm: str) -> str:
    """Return a new private key for the algorithm, in PEM (PKCS #8)."""
    key: PrivateKey
    match algorithm:
        case "RS256":
            key = rsa.generate_private_key(public_exponent=65537, key_size=MIN_RSA_BITS)
        case "ES256":
            key = ec.generate_private_key(ec.SECP256R1())
        case _:
            key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: PublicKey) -> str:
    """Return a public key in PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _require_one_key(pem: bytes, name: str) -> bool:
    """Return whether the PEM file has a private key. Raises ImproperlyConfigured for several keys.

    Only one of them would be used.
    """
    kinds = _KEYS.findall(pem)
    if len(kinds) > 1:
        message = f"TOT_JWT[{name!r}] has a PEM file with several keys. Use one entry for each key."
        raise ImproperlyConfigured(message)
    return b"PRIVATE" in b"".join(kinds)


@sensitive_variables()
def _read_private(pem: bytes, name: str) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        message = f"TOT_JWT[{name!r}] has an encrypted PEM key. Use it without its password."
        raise ImproperlyConfigured(message) from None
    except Exception:  # Without the cause, whose frames hold the key.
        raise _unreadable(name) from None
    if not isinstance(key, PrivateKey):
        raise _unsupported(name)
    return key


def _read_public(pem: bytes, name: str) -> PublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except Exception:
        raise _unreadable(name) from None
    if not isinstance(key, PublicKey):
        raise _unsupported(name)
    return key


def _algorithm_of(public: PublicKey, name: str) -> tuple[str, Any]:
    """Return the algorithm of a key, and PyJWT's class that converts it to a JWK."""
    match public:
        case rsa.RSAPublicKey():
            if not MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS:
                message = (
                    f"TOT_JWT[{name!r}] has an RSA key of {public.key_size} bits. Use a key of "
                    f"{MIN_RSA_BITS} to {MAX_RSA_BITS} bits."
                )
                raise ImproperlyConfigured(message)
            return "RS256", RSAAlgorithm
        case ec.EllipticCurvePublicKey():
            if not isinstance(public.curve, ec.SECP256R1):
                raise _unsupported(name)
            return "ES256", ECAlgorithm
    return "EdDSA", OKPAlgorithm


def _thumbprint(members: Mapping[str, str]) -> str:
    """Return the SHA-256 thumbprint of a public JWK (RFC 7638)."""
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def _unreadable(name: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"TOT_JWT[{name!r}] has a PEM key that cannot be read. It must be complete, with line "
        r"breaks instead of the characters \n, and neither a certificate nor an OpenSSH key."
    )


def _unsupported(name: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"TOT_JWT[{name!r}] has a key of an unsupported type. Use an RSA key, or an EC key on the "
        "curve P-256, or an Ed25519 key."
    )
