"""Key pairs, and tokens that are signed with them outside the package.

Generating an RSA key takes long: each key is generated once in a process.
"""

import json
import sys
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.support.tokens import b64, signing_input
from tot_jwt.tokens.asymmetric import generate_pem

ASYMMETRIC = ["RS256", "ES256", "EdDSA"]
#: Two secrets for HMAC.
SECRET, OTHER_SECRET = "s" * 32, b"o" * 32


def private_pem(algorithm: str, number: int = 0) -> str:
    """Return a private key for the algorithm in PEM. Each number has another one."""
    return _generated(algorithm, number)


@cache
def _generated(algorithm: str, number: int) -> str:
    return generate_pem(algorithm)


@cache
def private_key(pem: str) -> Any:
    """Return the private key in PEM as an object."""
    return serialization.load_pem_private_key(pem.encode(), None)


def pem_of(key: Any, password: str = "") -> str:
    """Return a private key in PEM (PKCS #8), encrypted if there is a password."""
    encryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(*kind, encryption)).decode()


def public_bytes(
    pem: str, encoding: str = "PEM", public_format: str = "SubjectPublicKeyInfo"
) -> bytes:
    """Return the public half of a private key in PEM, in this form."""
    kind: Any = getattr(serialization.Encoding, encoding)
    form: Any = getattr(serialization.PublicFormat, public_format)
    return bytes(private_key(pem).public_key().public_bytes(kind, form))


def public_pem(pem: str) -> str:
    """Return the public half of a private key in PEM, in PEM."""
    return public_bytes(pem).decode()


def jwk_of(public: Any) -> dict[str, str]:
    """Return the members that define a public key (RFC 7518 §6, RFC 8037 §2)."""
    match public:
        case rsa.RSAPublicKey():
            numbers = public.public_numbers()
            size = public.key_size // 8
            return {
                "kty": "RSA",
                "n": b64(numbers.n.to_bytes(size)),
                "e": b64(numbers.e.to_bytes(3)),
            }
        case ec.EllipticCurvePublicKey():
            point = public.public_numbers()
            x, y = b64(point.x.to_bytes(32)), b64(point.y.to_bytes(32))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}


def public_jwk(pem: str) -> dict[str, str]:
    """Return the public half of a private key in PEM as a JWK."""
    return jwk_of(private_key(pem).public_key())


def thumbprint(jwk: dict[str, str]) -> str:
    """Return the thumbprint of a JWK that has only the required members (RFC 7638)."""
    return b64(sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest())


@cache
def kid_of(pem: str) -> str:
    """Return the `kid` of a private key in PEM."""
    return thumbprint(public_jwk(pem))


def header_of(algorithm: str, pem: str, **changes: Any) -> dict[str, Any]:
    """Return the header of a token that the key signs, with members changed or added."""
    return {"alg": algorithm, "kid": kid_of(pem), "typ": "JWT", **changes}


def signature(pem: str, signed: bytes) -> bytes:
    """Return the signature of a private key in PEM, as a JWS has it (RFC 7518 §3, RFC 8037 §3)."""
    key = private_key(pem)
    match key:
        case rsa.RSAPrivateKey():
            return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
    return bytes(key.sign(signed))


def sign_with(pem: str, header: Any, payload: Any) -> str:
    """Return a JWS that a private key in PEM signs, whatever its header says."""
    signed = signing_input(header, payload)
    return f"{signed}.{b64(signature(pem, signed.encode()))}"


def key_pair_settings(algorithm: str, **more: Any) -> dict[str, Any]:
    """Return a TOT_JWT that signs with a key pair, with more members."""
    return {"ALGORITHM": algorithm, "SIGNING_KEY": private_pem(algorithm), **more}


def hide_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let imports of the package cryptography fail until the test ends."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    # It has imported cryptography before, so it must be imported again.
    monkeypatch.delitem(sys.modules, "tot_jwt.tokens.asymmetric")
